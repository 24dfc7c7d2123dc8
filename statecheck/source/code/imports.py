"""What a target imports from outside the user's tree."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

from statecheck.probe.frameworks import FRAMEWORKS
from statecheck.source.code.scopes import dotted, last_name

if TYPE_CHECKING:
    from pathlib import Path

    from statecheck.source.code.tree import Located, SourceTree

_SERVED_WITH = {package: framework.served_with for framework in FRAMEWORKS for package in framework.packages}
LLAMA_INDEX = frozenset(("llama_index", "workflows", "llama_agents"))
_TAKES_TURNS = re.compile(r"a?(?:stream_)?chat|astream_chat|as_chat_engine|as_agent")
_CONVERSES = re.compile(r"\w*(?:Agent|AgentWorkflow|ChatEngine|Memory\w*)")
"""Classes whose objects take turns or remember them."""


def third_party(target: Located, tree: SourceTree) -> tuple[str, ...]:
    """Return the dotted modules, as imported, that the target's import graph names and that are not the user's own.

    Imports inside functions and conditions are included, the standard library is not. The order is that of
    first appearance, from the target's file breadth first; what serves such a target comes last.
    """
    found: dict[str, None] = {}
    for module in tree.reach(target.path):
        for item in module.imports:
            if item.name.partition(".")[0] not in sys.stdlib_module_names and not tree.owns(item):
                found[item.name] = None
    served = (_SERVED_WITH.get(name.partition(".")[0], ()) for name in found)
    return tuple(dict.fromkeys((*found, *(name for names in served for name in names))))


def uses_llama_index(tree: SourceTree, path: Path | None = None) -> bool:
    """Whether the user's code imports LlamaIndex, its workflows or its agent server.

    Args:
        tree: the user's tree.
        path: the file to start from; without it the tree's modules are asked.
    """
    modules = tree.modules() if path is None else tree.reach(path)
    return any(item.name.partition(".")[0] in LLAMA_INDEX for module in modules for item in module.imports)


def converses(tree: SourceTree, path: Path) -> bool:
    """Whether what a file loads talks with LlamaIndex, and does not just fill or search an index, or import it."""
    return any(
        _TAKES_TURNS.fullmatch(last_name(call.func)) or any(map(_CONVERSES.fullmatch, dotted(call.func).split(".")))
        for module in tree.reach(path)
        if any(item.name.partition(".")[0] in LLAMA_INDEX for item in module.imports)
        for call in module.calls
    )

"""Each kind of knowledge stands in one place: read from the syntax trees of the whole package."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from package_trees import trees, walk

from statecheck.experiments import EXPERIMENTS
from statecheck.judge.causes import CAUSES, Cause, find_cause
from statecheck.probe.frameworks import FRAMEWORKS
from statecheck.probe.ops import ACTIONS, KINDS

if TYPE_CHECKING:
    from collections.abc import Iterator


def literals(words: frozenset[str] | set[str]) -> set[tuple[str, str]]:
    """Return (file, word) of each string of the package that is one of these words, and no docstring."""
    return {
        (name, node.value)
        for name, tree in trees().items()
        for node in walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in words
    }


# The same words with another meaning.
NO_EXPERIMENTS = {
    ("doctor/environment.py", "cold-start"): "a check of the library",
    ("probe/checkup.py", "cold-start"): "the same, in the target's environment",
}


def test_no_experiment_is_named_outside_its_place() -> None:
    named = literals({experiment.name for experiment in EXPERIMENTS})

    assert {file for file, _ in named - NO_EXPERIMENTS.keys()} == {"experiments.py"}
    assert NO_EXPERIMENTS.keys() <= named


def _words(tree: ast.Module) -> Iterator[str]:
    """Yield the words of a module's texts and identifiers in lower case, whole and in parts, but for its docstrings."""
    docstrings = {node.value for node in walk(tree) if isinstance(node, ast.Expr)}
    for node in walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, (str, bytes)) and node not in docstrings:
            text = node.value if isinstance(node.value, str) else node.value.decode("latin-1")
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            text = " ".join(f"{alias.name} {alias.asname}" for alias in node.names)
        else:
            text = getattr(node, "id", None) or getattr(node, "attr", None) or getattr(node, "name", None) or ""
        for word in re.findall(r"\w+", text.lower()):
            yield from {word, *word.split("_")}


_FRAMEWORKS = {
    word.lower()
    for framework in FRAMEWORKS
    if framework.packages
    for word in (framework.name, *framework.packages, *(() if framework.vague else framework.constructors))
} - {"lambda", "panel"}  # words of Python and of English
_NAMESAKES = {
    "credentials/places.py": {"discord", "slack", "streamlit"},  # folders of a home
    "credentials/shapes.py": {"discord", "slack", "telegram"},  # the platforms, and how their keys begin
    "judge/error_messages.py": {"chainlit"},  # what its error says
    "probe/apis/__init__.py": {"slack", "telegram"},  # the platforms' own HTTP, whatever library asks them
    "probe/apis/slack.py": {"slack"},  # its host
    "probe/http_clients.py": {"aiohttp"},  # the client of that package
    "source/clients/clients.py": {"aiohttp"},  # likewise
    "source/project/deploy.py": {"tornado"},  # a class of gunicorn's workers
    "source/project/service_kinds.py": {"celery", "django", "rq"},  # how a broker's and a database's URL are called
}


def test_what_is_known_of_a_framework_stands_in_its_row_and_its_adapter() -> None:
    found = {
        path: _FRAMEWORKS.intersection(_words(tree))
        for path, tree in trees().items()
        if path != "probe/frameworks.py" and not path.startswith("probe/adapters/")
    }

    assert {path: names for path, names in found.items() if names} == _NAMESAKES


def test_no_framework_is_asked_for_by_its_name() -> None:
    found = [
        f"{path}:{node.lineno}"
        for path, tree in trees().items()
        if not path.startswith("probe/adapters/")
        for node in walk(tree)
        if isinstance(node, ast.Compare)
        and any(isinstance(side, ast.Attribute) and side.attr == "framework" for side in (node.left, *node.comparators))
        and any(isinstance(side, (ast.Constant, ast.Tuple)) for side in (node.left, *node.comparators))
    ]

    assert found == []


def _texts(tree: ast.Module) -> Iterator[str]:
    """Yield the strings of a module but for its docstrings and what stands below a name to explain it."""
    explained = {id(node.value) for node in walk(tree) if isinstance(node, ast.Expr)}
    for node in walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in explained:
            yield node.value


def _imported(tree: ast.Module) -> Iterator[str]:
    """Yield what a module imports: modules, and what it takes from them."""
    for node in walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _file_of(cause: Cause) -> str:
    """Return where a cause is: its file, or its folder's."""
    stem = f"judge/causes/{cause.name.replace('-', '_')}"
    return f"{stem}.py" if f"{stem}.py" in trees() else f"{stem}/__init__.py"


def test_what_is_known_of_a_cause_stands_in_its_file() -> None:
    words = "|".join(word for cause in CAUSES for word in (cause.code, cause.name))
    spelled = re.compile(rf"(?<![\w-])({words})(?![\w-])")
    places = {
        (path, find_cause(word).name)
        for path, tree in trees().items()
        for text in _texts(tree)
        for word in spelled.findall(text)
    }
    modules = {f"statecheck.judge.causes.{cause.name.replace('-', '_')}" for cause in CAUSES}
    importing = {
        (path, module)
        for path, tree in trees().items()
        for name in _imported(tree)
        for module in modules
        if name.startswith(module) and not f"statecheck.{path.replace('/', '.')}".startswith(f"{module}.")
    }

    assert places == {(_file_of(cause), cause.name) for cause in CAUSES}
    assert importing == set()


_SCALES = re.compile(r"score|leaning|weight|weigh\b|\bnote\b|\btimes\b|Evidence|\bSign\b")
_GUESSING = ("source/handlers/", "source/fields", "source/field_evidence", "source/roles", "talk/", "target/turns")


def _numbers(node: ast.AST) -> list[float]:
    """Return the numbers that are written in an expression itself, signs aside, but for 0."""
    return [
        inner.value
        for inner in (node, getattr(node, "operand", None))
        if isinstance(inner, ast.Constant) and isinstance(inner.value, (int, float)) and inner.value
    ]


def _operands(node: ast.AST) -> list[ast.expr]:
    """Return what an operation, a comparison or a call brings together."""
    if isinstance(node, ast.BinOp):
        return [node.left, node.right]
    if isinstance(node, ast.AugAssign):
        return [node.target, node.value]
    if isinstance(node, ast.Compare):
        return [node.left, *node.comparators]
    if isinstance(node, ast.Call):
        return [node.func, *node.args, *(keyword.value for keyword in node.keywords)]
    return []


def test_no_weight_stands_outside_the_table() -> None:
    found = [
        f"{path}:{getattr(node, 'lineno', 0)}"
        for path, tree in trees().items()
        if path.startswith(_GUESSING)
        for node in walk(tree)
        if (isinstance(node, ast.Constant) and isinstance(node.value, float) and node.value)
        or (
            (operands := _operands(node))
            and any(_numbers(operand) for operand in operands)
            and any(_SCALES.search(ast.unparse(operand)) for operand in operands)
        )
    ]

    assert found == []


def test_every_weight_is_used() -> None:
    table = trees()["source/weights.py"]
    assigned = (node for node in table.body if isinstance(node, (ast.Assign, ast.AnnAssign)))
    rows = {ast.unparse(node.targets[0] if isinstance(node, ast.Assign) else node.target) for node in assigned}
    used = {
        node.attr
        for path, tree in trees().items()
        for node in walk(tree)
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "weights"
    } | {"PART"}

    assert {row for row in rows if not row.startswith("_")} - used == set()


def test_the_kinds_and_actions_of_ops_are_declared_once_and_all_used() -> None:
    """They are literals, so that the recorder pays nothing for them: mypy says that what is written or asked for is
    declared, the codec refuses the rest; this says that what names a kind is one, and that no declared word is dead.
    """
    said = {word for file, word in literals(KINDS | ACTIONS) if file != "probe/ops.py"}
    calls = [node for tree in trees().values() for node in walk(tree) if isinstance(node, ast.Call) and node.args]
    named = {
        node.args[0].value
        for node in calls
        if ast.unparse(node.func) == "RECORDER.emit" or ast.unparse(node.func).endswith(".with_marker")
        if isinstance(node.args[0], ast.Constant)
    }

    assert named <= KINDS
    assert KINDS - said == set(), "declared and neither written nor read"
    assert ACTIONS - said - {""} == set()


# What keeps or watches each object whose number it goes by.
NUMBERED = {
    "probe/adapters/chainlit.py": "the queue of functions is kept until the walk ends",
    "probe/adapters/offer.py": "the levels of the walk hold one another",
    "probe/markers.py": "each number stands with its object",
    "probe/method_wrappers.py": "the object is the method's own `self`, for the time of its call",
    "probe/offline.py": "the errors of a chain hold one another",
    "probe/offline_objects.py": "a weak reference is checked, and tells when the object ends",
    "probe/places.py": "the levels of the walk, modules and keepers are kept until it ends",
    "probe/recorder.py": "a weak reference tells when the object ends",
    "probe/substitutes.py": "a finalizer takes the number out when the object ends",
    "probe/value_text.py": "the values above are those that the recursion is in",
}


def test_nothing_is_keyed_by_the_number_of_what_is_not_kept() -> None:
    numbered = {
        name
        for name, tree in trees().items()
        for node in walk(tree)
        if isinstance(node, ast.Name) and node.id == "id" and isinstance(node.ctx, ast.Load)
    }

    assert numbered == NUMBERED.keys()


def test_python_is_parsed_in_one_place() -> None:
    parsing = {
        name
        for name, tree in trees().items()
        for node in walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("ast.parse", "compile", "parser.suite")
    }

    # in the target's processes, which may import nothing of the rest, the source of a function is read once more, and
    # what a file runs as a script is taken out of it; a notebook's cells are parsed to find what is not Python in them
    in_the_target = {f"probe/{name}.py" for name in ("notebook_imports", "notebooks", "starter", "state_usage")}
    assert parsing == {"source/code/reading.py", *in_the_target}


def test_imports_are_followed_in_one_place() -> None:
    following = {
        name
        for name, tree in trees().items()
        for node in walk(tree)
        if isinstance(node, ast.Attribute)
        if node.attr == "member" and not isinstance(node.ctx, ast.Store)
        if ast.unparse(node.value) != "values"  # an attribute of an evaluated object
    } | {
        name
        for name, tree in trees().items()
        if any(ast.unparse(n.func) == "find_below" for n in walk(tree) if isinstance(n, ast.Call))
    }

    # a file says what it imports, a tree which files are there; what was typed on the command line is no import
    assert following == {
        "source/code/modules.py",
        "source/code/resolver.py",
        "source/code/tree.py",
        "target/resolve.py",
    }

"""Where code goes by the text of a message: it makes a key of it, asks whether it was said before, or takes it once."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from statecheck.model import Anchor
from statecheck.source import weights
from statecheck.source.code.scopes import Function, last_name, name_scopes, own_nodes, parameters
from statecheck.source.roles import as_set, is_history, leaning

if TYPE_CHECKING:
    from collections.abc import Iterator

    from statecheck.source.code.modules import Module
    from statecheck.source.code.tree import SourceTree

Use = Literal["key", "once"]
"""A key is made of the text (a vector is one, for what goes by likeness); or of equal texts one is taken."""

_CACHES = as_set(
    "lru_cache cache cached alru_cache ttl_cache lfu_cache memoize memoized cachedmethod cache_data async_lru"
)
_DIGESTS = as_set(
    "sha1 sha224 sha256 sha384 sha512 sha3_256 md5 blake2b blake2s uuid3 uuid5 crc32 adler32 hash new slugify "
    "xxh64 xxh32 xxh3_64 xxh3_128 get_query_embedding aget_query_embedding get_text_embedding aget_text_embedding"
)
_LOOKUPS = as_set("get pop setdefault has_key exists hget hexists mget")
_HELD = as_set("cache cached caches memo seen answers answered faq responses replies known similar nearest lookup")
_ONCE = as_set(
    "fromkeys sadd sismember zadd pfadd drop_duplicates unique unique_everseen distinct UniqueConstraint "
    "get_or_create update_or_create aget_or_create aupdate_or_create on_conflict_do_nothing addToSet create_index"
)
_SURE = as_set("sadd zadd sismember on_conflict_do_nothing drop_duplicates unique_everseen")
_WORD = (
    r"(\w+_)?(content|text|message|body|msg|question|prompt|utterance|said|query)s?"
    r"(_(hash|digest|text|body|sha|md5))?\b"
)
_TABLE_ONCE = re.compile(
    rf"(UNIQUE|PRIMARY\s+KEY)(\s+KEY|\s+INDEX)?(\s+IF\s+NOT\s+EXISTS)?[\w\s.\"`]*\([^)]*\b{_WORD}[^)]*\)"
    rf"|[(,]\s*[\"`]?{_WORD}[\"`]?\s+\w+[^,()]*\s(UNIQUE|PRIMARY\s+KEY)"
    rf"|(OR\s+IGNORE|INSERT\s+IGNORE)\s+INTO\s+\S+\s*\([^)]*\b{_WORD}[^)]*\)"
    rf"|INSERT\s+INTO\s+\S+\s*\([^)]*\b{_WORD}[^)]*\).*DO\s+NOTHING"
    rf"|SELECT\s+DISTINCT\b.*\b{_WORD}|\$addToSet",
    re.IGNORECASE | re.DOTALL,
)
_HINTS = as_set("cache hash sha md5 uuid in == unique ignore nothing distinct [ get set add embedding")


@dataclass(frozen=True, slots=True)
class TextKey:
    """One place where code goes by the text of a message.

    Attributes:
        text: in the words of the code: `answers.get(question)`.
        function: the function in which it stands, or "".
    """

    text: str
    function: str
    anchor: Anchor
    use: Use


def find_text_keys(tree: SourceTree) -> tuple[TextKey, ...]:
    """Return where the modules of a tree go by the text of a message, in the order of their lines."""
    return tuple(
        found
        for module in tree.modules()
        if any(hint in module.text.lower() for hint in _HINTS)
        for found in sorted(_in_module(module), key=lambda each: each.anchor.line)
    )


def _in_module(module: Module) -> Iterator[TextKey]:
    for name, scope in name_scopes(module.ast):
        if isinstance(scope, Function) and (cached := _remembered(scope)) is not None:
            yield TextKey(f"@{ast.unparse(cached)}"[:80], name, Anchor(module.shown, cached.lineno), "key")
        for node in (inner for each in own_nodes(scope) for inner in _entered(each)):
            use = _use_of(node)
            if use is not None:
                assert isinstance(node, (ast.expr, ast.stmt))
                yield TextKey(_shorten(node), name, Anchor(module.shown, node.lineno), use)


def _entered(node: ast.AST) -> Iterator[ast.AST]:
    """The node; of a class also what stands in its body (tables are declared there), and in a lambda."""
    yield node
    if isinstance(node, (ast.ClassDef, ast.Lambda)):
        yield from (each for each in own_nodes(node) if not isinstance(each, Function))


def _shorten(node: ast.AST) -> str:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        found = _TABLE_ONCE.search(node.value)
        return " ".join((found[0] if found else node.value).split())[:80].strip(" ,(")
    return ast.unparse(node)[:80]


def _remembered(function: Function) -> ast.expr | None:
    """The decorator that keeps what a function returns by its arguments, of which one is a message."""
    if not any(map(_is_message, (each.arg for each in parameters(function)))):
        return None
    for decorator in function.decorator_list:
        called = decorator.func if isinstance(decorator, ast.Call) else decorator
        if last_name(called) in _CACHES:
            return decorator
    return None


def _use_of(node: ast.AST) -> Use | None:
    if isinstance(node, ast.Call):
        return _use_of_call(node)
    if isinstance(node, ast.Compare):
        return _use_of_comparison(node)
    if isinstance(node, ast.Subscript):
        named = isinstance(node.slice, ast.Name) and not node.slice.id[:1].isupper() and _is_message(node.slice.id)
        return "key" if named else None
    if isinstance(node, (ast.DictComp, ast.SetComp)):
        key = node.key if isinstance(node, ast.DictComp) else node.elt
        return "once" if any(map(_is_message, _names(key))) else None
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return "once" if _TABLE_ONCE.search(node.value) else None
    return None


def _use_of_call(node: ast.Call) -> Use | None:
    name = last_name(node.func)
    given = [*node.args, *(each.value for each in node.keywords)]
    named = {each.arg for each in node.keywords if each.arg}
    texts = [word for each in given for word in _names(each)]
    about = any(map(_is_message, texts))
    if name in _ONCE:
        columns = [str(n.value) for each in given for n in ast.walk(each) if isinstance(n, ast.Constant)]
        return "once" if name in _SURE or about or any(map(_is_message, [*named, *columns])) else None
    if name in _DIGESTS and about and name != "update":
        return "key"
    if not about:
        return None
    plain = any(
        isinstance(each, (ast.Name, ast.JoinedStr)) and any(map(_is_message, _names(each))) for each in given[:1]
    )
    holder = _names(node.func.value) if isinstance(node.func, ast.Attribute) else []
    held = _HELD & {word for each in (name, *holder) for word in _parts(each)}
    return "key" if plain and (held or name in _LOOKUPS) else None


def _use_of_comparison(node: ast.Compare) -> Use | None:
    """A message that is looked for among others, or compared with one; with words of the code it is a command."""
    right = node.comparators[0]
    texts, others = _names(node.left), _names(right)
    if len(node.ops) != 1 or isinstance(node.left, ast.Constant) or not texts:
        return None
    if isinstance(node.ops[0], (ast.In, ast.NotIn)):
        fixed = isinstance(right, (ast.Tuple, ast.List, ast.Set, ast.Constant)) or last_name(right).isupper()
        fixed = fixed or any(leaning(name) < 0 for name in texts)  # a session is looked for
        return "once" if not fixed and any((*map(is_history, others), *map(_is_message, texts))) else None
    if not any(map(_is_message, texts)):
        return None
    both = isinstance(node.ops[0], ast.Eq) and any(map(_is_message, others))
    return "once" if both and not isinstance(right, ast.Constant) else None


def _is_message(name: str) -> bool:
    return leaning(name) >= weights.SURE_NAME


def _names(node: ast.AST) -> list[str]:
    """The names in an expression; of `body["text"]` and `row.get("text")` those of the keys too."""
    found = [last_name(each) for each in ast.walk(node) if isinstance(each, (ast.Name, ast.Attribute))]
    keys = [each.slice for each in ast.walk(node) if isinstance(each, ast.Subscript)]
    return [*found, *(str(key.value) for key in keys if isinstance(key, ast.Constant))]


def _parts(name: str) -> list[str]:
    return re.findall(r"[a-z]+", name.lower())

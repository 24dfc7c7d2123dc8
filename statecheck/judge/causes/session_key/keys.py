"""Turn 1 is kept, and turn 2 looks for it under another key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from statecheck.experiments import BASELINE, NEW_CONTAINER, NEW_PROCESS, OTHER_WORKER, SAME_CONNECTION
from statecheck.judge.cause import Observation
from statecheck.judge.conversation.conversation import service_key
from statecheck.judge.evidence.intent import find_missed_file, find_read_again, is_intended
from statecheck.judge.evidence.lines import anchor_of, find_builds
from statecheck.judge.evidence.services import asked_keys, find_queries
from statecheck.judge.evidence.state_lines import find_related
from statecheck.judge.evidence.whereabouts import Whereabouts, database_of, find_mapping, find_whereabouts

if TYPE_CHECKING:
    from collections.abc import Iterable

    from statecheck.history import Op
    from statecheck.judge.conversation import Conversation, Sent
    from statecheck.judge.evidence.case import Case


def find_other_key(case: Case) -> Observation | None:
    """Is turn 1 kept where turn 2 could have reached it, under another key than turn 2 used?"""
    conversation = case.conversations.get(BASELINE)
    if conversation is None or not case.lost(BASELINE):
        return None
    first, second = conversation.turns[:2]
    finders = (_store_keys, _cache_keys, _place_keys)
    pair = next(filter(None, (find(conversation, first, second) for find in finders)), None)
    if pair is not None and pair[2].kind == "process" and case.kept(SAME_CONNECTION):
        return None  # the key is that of the connection, and what it leads to lasts no longer: SC101
    if pair is None:
        missed = find_missed_file(conversation, first, second)
        if missed is not None:
            return _report_missed_file(case, conversation, *missed)
        return _find_missed_read(case, conversation, first, second)
    return _report_keys(case, conversation, pair, "request")


def find_key_of_each_process(case: Case) -> Observation | None:
    """Did another process look for turn 1 in the store that both use, under a key of its own?"""
    for name in (OTHER_WORKER, NEW_PROCESS):
        conversation = case.conversations.get(name)
        if conversation is None or not case.lost(name) or find_mapping(conversation, conversation.turns[0]):
            continue  # what is looked up in memory is lost with that
        if conversation.find_refusal(conversation.turns[1]) is not None:
            continue  # it has no key because it cannot read the session that holds it: SC102 and SC103
        for find in (_store_keys, _place_keys):
            pair = find(conversation, *conversation.turns[:2])
            alone = case.conversations.get(BASELINE)  # what has another key for each turn there too is found by no key
            either = alone is not None and len(alone.turns) > 1 and find(alone, *alone.turns[:2]) is not None
            if pair is not None and pair[2].kind != "process" and not either:
                return _report_keys(case, conversation, pair, "process")
    return None


def find_key_of_each_container(case: Case) -> Observation | None:
    """Did a new container look for turn 1 under a key that has its own host's name in it?"""
    conversation = case.conversations.get(NEW_CONTAINER)
    if conversation is None or not case.lost(NEW_CONTAINER) or case.lost(NEW_PROCESS):
        return None
    first, second = conversation.turns[:2]
    hosts = {op.generation: op.name for op in conversation.select("host")}
    was, now = hosts.get(first.generation), hosts.get(second.generation)
    if not was or not now or was == now:
        return None
    missed = find_missed_file(conversation, first, second)
    pair = (missed[0].text, missed[1].where, missed[0]) if missed else _store_keys(conversation, first, second)
    if pair is None or pair[1].replace(now, was) != pair[0] or now not in pair[1]:
        return None
    anchor = (anchor_of(missed[1]) if missed else None) or pair[2].anchor
    return Observation(
        f"turn 1 is kept under `{pair[0]}`, and a new container looked for `{pair[1]}`: the host's name is a part of "
        "it, and each container has another",
        anchor,
        (case.reason(NEW_CONTAINER),),
        kind="new-key",
        related_to=find_related(conversation, second, second.marker, anchor or case.handler),
        fix="leave the host's name out of the key: what is the same in every container is the app's name and the "
        "client's session key",
    )


def find_key_read_back(case: Case) -> Observation | None:
    """Did a new process read turn 1 from where it was stored into memory, under another key than turn 2 looked under?

    Asked before it is said that the turn died with its process.
    """
    conversation = case.conversations.get(NEW_PROCESS)
    if conversation is None or not case.lost(NEW_PROCESS):
        return None
    first, second = conversation.turns[:2]
    mine = [p for p in find_whereabouts(conversation, second.marker) if p.kind == "process" and p.pid == second.pid]
    stored = next((p for p in find_whereabouts(conversation, first.marker) if p.kind != "process"), None)
    for place in find_whereabouts(conversation, first.marker):
        used = next((p for p in mine if _stem(p.text) == _stem(place.text) != p.text), None)
        if place.kind != "process" or place.pid != second.pid or used is None or used.text == place.text:
            continue
        old, new = (each.text.removeprefix(_stem(each.text)).strip("[]") for each in (place, used))
        retyped = place.key == used.key
        anchor = next(iter(used.uses), None) or place.anchor
        origin = f" from `{stored.text}`" if stored is not None else ""
        summary = f"a new process has turn 1{origin} in `{_stem(place.text)}` under the key `{old}`, and turn 2 looked "
        return Observation(
            f"{summary}under `{new}`" + (": the key comes back as another type" if retyped else ""),
            anchor,
            (case.reason(NEW_PROCESS),),
            kind="other-type" if retyped else "new-key",
            related_to=find_related(conversation, first, first.marker, anchor or case.handler),
            fix="look under what is stored: JSON, for one, has no keys but texts, so `str(key)` wherever it is used"
            if retyped
            else "",
        )
    return None


def _report_keys(case: Case, conversation: Conversation, pair: tuple[str, str, Whereabouts], anew: str) -> Observation:
    old, new, place = pair
    second = conversation.turns[1]
    builds = find_builds(conversation, second.marker, second)
    build = next((op for op in builds if op.frames and op.turn == second.number), None)
    anchor = anchor_of(build) or place.anchor
    return Observation(
        f"turn 1 is kept in `{place.text}` under the key `{old}`, turn 2 looked under `{new}`: "
        f"the key is made anew for each {anew}",
        anchor,
        (case.reason(conversation.experiment),),
        kind="new-key",
        related_to=find_related(conversation, second, second.marker, anchor or case.handler),
    )


def _report_missed_file(case: Case, conversation: Conversation, place: Whereabouts, look: Op) -> Observation:
    second = conversation.turns[1]
    anchor = anchor_of(look) or place.anchor
    first = conversation.turns[0].marker
    stays = any(op.where == place.text for op in conversation.with_marker("disk", first))
    did = "is kept in" if stays else "was written to"
    return Observation(
        f"turn 1 {did} the file `{place.text}`, and turn 2 looked for `{look.where}`, which is not there",
        anchor,
        (case.reason(BASELINE),),
        kind="new-key",
        related_to=find_related(conversation, second, second.marker, anchor or case.handler),
        fix="make the file's name in one function, from the client's session key, and use it to write and to read",
    )


def _find_missed_read(case: Case, conversation: Conversation, first: Sent, second: Sent) -> Observation | None:
    """Turn 2 read the very store that has turn 1, and did not find it there."""
    place = find_read_again(conversation, first, second)
    held = conversation.writes(first.number, first.marker)
    # a Context that a server keeps in a database is found by its run: SC104 where nobody comes back for it
    of_a_run = any(op.f == "ctx-store" and not op.cls.startswith("InMemory") for op in held)
    if place is None or of_a_run or (place.kind == "service" and held):
        return None
    if any(first.marker in op.markers for op in conversation.select("wire", second.number, "read")):
        return None  # it was found
    queries = (op for op in find_queries(conversation, second, "sql") if op.frames)
    anchor = anchor_of(next(queries, None)) or place.anchor
    return Observation(
        f"turn 1 is kept in `{place.text}`, which turn 2 read without finding it: it was looked up under another key",
        anchor,
        (case.reason(BASELINE),),
        kind="new-key",
        related_to=find_related(conversation, second, second.marker, anchor or case.handler),
    )


def _store_keys(conversation: Conversation, first: Sent, second: Sent) -> tuple[str, str, Whereabouts] | None:
    """Keys that a store was used with, where the marker outlived its turn in some reachable place."""
    kept = find_whereabouts(conversation, first.marker)
    held = conversation.writes(first.number, first.marker)
    old, new = _keys_of(held), _keys_of(conversation.state_ops(second.number))
    asked = list(asked_keys(conversation, first, second))
    for place in kept:
        keys = [key for op, key in asked if (op.where, service_key(op.text)) == (place.text, place.key)]
        if place.kind == "service" and place.key is not None and keys and place.key not in keys:
            return place.key, keys[0], place
    reachable = [place for place in kept if _is_the_store(conversation, place, held, old)]
    return (min(old), min(new), reachable[0]) if reachable and old and new and not old & new else None


def _is_the_store(conversation: Conversation, place: Whereabouts, held: list[Op], keys: set[str]) -> bool:
    """Whether a place is the keyed store that took the turn, and not a log that the text went to as well."""
    if any(key in place.text or key == place.key or (place.key and key in place.key) for key in keys):
        return True
    if place.kind == "process":
        return any(op.f == "chat-store" and (op.generation, op.obj) not in conversation.gone for op in held)
    name = database_of(place.text).rpartition("/")[2]
    said = [op for op in conversation.select("sql", conversation.turns[0].number, "write") if op.markers]
    return any(name in op.where for op in held if "://" in op.where) or any(keys & {*op.arguments} for op in said)


def _cache_keys(conversation: Conversation, first: Sent, second: Sent) -> tuple[str, str, Whereabouts] | None:
    """Keys of the framework's cache, where turn 1 went in under another than turn 2 asked for."""
    old = _keys_of(conversation.handed_over(first.marker, first.number))
    new = _keys_of(conversation.handed_back(second.number))
    place = next(iter(find_whereabouts(conversation, first.marker)), None)
    return (min(old), min(new), place) if place is not None and old and new and not old & new else None


def _keys_of(ops: Iterable[Op]) -> set[str]:
    """The keys that ops carry."""
    return {op.key for op in ops if op.key is not None}


def _place_keys(conversation: Conversation, first: Sent, second: Sent) -> tuple[str, str, Whereabouts] | None:
    """Keys of the app's own container, where both turns are in it under different ones."""
    later = {(p.kind, _stem(p.text)): p for p in find_whereabouts(conversation, second.marker) if p.kind != "service"}
    for place in find_whereabouts(conversation, first.marker):
        other = later.get((place.kind, _stem(place.text)))
        if other is None or other.text == place.text or _stem(place.text) == place.text:
            continue
        if not is_intended(conversation):
            continue
        return place.key or place.text, other.key or other.text, place
    return None


def _stem(text: str) -> str:
    """A place without its key: the container's name, or a file's folder."""
    return text.partition("[")[0] if "[" in text else text.rpartition("/")[0] or text

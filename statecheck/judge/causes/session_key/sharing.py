"""Whoever comes is given what another session, thread or client without a key said."""

from __future__ import annotations

from typing import TYPE_CHECKING

from statecheck.experiments import ALIKE_KEYS, BASELINE, KEYLESS, OTHER_SESSION, OTHER_TENANT, SECOND_THREAD
from statecheck.judge.cause import Observation
from statecheck.judge.causes.session_key.handed_out import find_lookup, is_handed_out_twice
from statecheck.judge.checks.mixing import find_leaks
from statecheck.judge.evidence.deployed import advise_per_tab
from statecheck.judge.evidence.lines import anchor_of, defined_at, find_builds
from statecheck.judge.evidence.services import find_queries, named_tables
from statecheck.judge.evidence.state_lines import find_related
from statecheck.judge.evidence.whereabouts import Whereabouts, find_whereabouts

if TYPE_CHECKING:
    from statecheck.history import Op
    from statecheck.judge.conversation import Conversation, Sent
    from statecheck.judge.evidence.case import Case


_INDEX_FILES = ("docstore.json", "index_store.json", "vector_store.json")
_FILTER = (
    "retrieve what the client itself has said alone: put its key into the metadata of what is indexed, and filter by "
    "that (`MetadataFilters`), or keep an index for each; what is alike is found whoever said it"
)


def find_leak(case: Case) -> Observation | None:
    """Was a client of another session given what this session said?"""
    conversation = case.conversations.get(OTHER_SESSION)
    if conversation is None or not case.leaked(OTHER_SESSION):
        return None
    first, second = conversation.turns[:2]
    if is_handed_out_twice(case, first, second):
        return None
    baseline = case.conversations.get(BASELINE, conversation)
    kept = [place for turn in baseline.turns[:1] for place in find_whereabouts(baseline, turn.marker)]
    place = next((p for p in kept if p.anchor is not None and p.kind == "process"), None)
    builds = find_builds(conversation, first.marker, first)
    build = next((op for op in builds if op.frames and op.turn == first.number), None)
    if place is None and build is None:
        place = next((p for p in kept if p.anchor is not None), None)
    anchor = place.anchor if place else anchor_of(build)
    careless = _find_careless_read(conversation, first, second) if place is None or place.kind != "process" else None
    anchor = anchor_of(careless) or anchor
    text = careless.where if careless is not None and careless.f == "file" else place.text if place else ""
    where = f", in `{text}`" if text else ""
    differ = "another session key" if first.key != second.key else "no session key at all"
    return Observation(
        f"one user's conversation is shown to another{where}: a client with {differ} was given turn 1",
        anchor,
        (case.reason(OTHER_SESSION),),
        kind="shared-instance" if _is_one_object(conversation, first, second, place) else "shared-key",
        related_to=find_related(conversation, first, first.marker, anchor or case.handler),
        fix=_FILTER
        if careless is not None and _is_of_an_index(conversation, second, careless)
        else "look for what is kept under the client's own key, as it is written: nothing of that is in what is read "
        "(a query without it, the newest file of a folder)"
        if careless is not None
        else advise_per_tab(case),
    )


def _find_careless_read(conversation: Conversation, first: Sent, second: Sent) -> Op | None:
    """Where another session's turn read what is kept under this one's key, and did not ask by its own."""
    if not first.key or not second.key or first.key == second.key:
        return None
    wrote = {op.where for op in conversation.select("file", first.number, "write")}
    reads = [op for op in conversation.select("file", second.number, "read") if op.frames]
    for op in reads:
        listing = next((each for each in reads if op.where.rpartition("/")[0] == each.where), None)
        if op.where in wrote and (first.key in op.where or listing is not None):
            return listing or op  # of a folder's files one is chosen, whosever it is
    written = [op for op in conversation.with_marker("sql", first.marker) if op.action == "write"]
    tables = {table for op in written if first.key in op.arguments for table in named_tables(op.text)}
    queries = [op for op in find_queries(conversation, second, "sql") if op.frames and named_tables(op.text) & tables]
    asked = any(second.key in op.arguments for op in queries)
    return queries[0] if queries and not asked else None


def _is_of_an_index(conversation: Conversation, turn: Sent, read: Op) -> bool:
    """Whether what a turn read there is an index that a library has persisted."""
    there = [op.where for op in conversation.select("file", turn.number, "read") if op.where.startswith(read.where)]
    return any(where.endswith(_INDEX_FILES) for where in there)


def _is_one_object(conversation: Conversation, first: Sent, second: Sent, place: Whereabouts | None) -> bool:
    """Whether both sessions used one memory object, and not two under one key."""
    ops = [conversation.state_ops(turn.number) for turn in (first, second)]
    used = [{op.obj for op in each if op.f == "memory" and op.obj} for each in ops]
    return bool(used[0] & used[1]) if any(used) else place is not None and place.kind == "process"


def find_other_thread(case: Case) -> Observation | None:
    """Was a second thread of one user given what was said in the first, or another member of one company?"""
    conversation = case.conversations.get(SECOND_THREAD)
    if conversation is None or not case.leaked(SECOND_THREAD) or case.leaked(OTHER_SESSION):
        return None
    anchor, related = find_lookup(case, conversation, conversation.turns[1])
    varied = case.app.plan.varied if case.app.plan is not None else None
    sent = f" (the same {' and '.join(varied.within)}, another {varied.field})" if varied is not None else ""
    if varied is not None and varied.person:
        return Observation(
            f"one user's conversation is shown to another of the same group{sent}",
            anchor,
            (case.reason(SECOND_THREAD),),
            kind="shared-key",
            related_to=related,
            fix=f"let `{varied.field}` be a part of the key wherever the conversation is looked up, in what a cache or "
            "a dict compares (`__eq__`, `__hash__`, a dataclass' fields) too",
        )
    return Observation(
        "a second thread of the same user is given what was said in the first thread: the thread that the client "
        f"names does not choose the conversation{sent}",
        anchor,
        (case.reason(SECOND_THREAD),),
        kind="other-thread",
        severity="warning",
        related_to=related,
        fix="keep a conversation by user and thread; where all threads of a user are meant to share it, leave the "
        "thread out of the request",
    )


def find_other_tenant(case: Case) -> Observation | None:
    """Was somebody of another tenant, who has the same key there, given what this session said?"""
    conversation = case.conversations.get(OTHER_TENANT)
    if conversation is None or not case.leaked(OTHER_TENANT) or case.leaked(OTHER_SESSION):
        return None
    anchor, related = find_lookup(case, conversation, conversation.turns[1])
    plan = case.app.plan
    there = plan.elsewhere if plan is not None else None
    sent = f" ({there.said}, the same {plan.session_field})" if plan is not None and there is not None else ""
    tenant = f"`{there.field}`" if there is not None else "the tenant"
    return Observation(
        f"who has the same key in another tenant is given what was said in the first one: {tenant} is no part of what "
        f"the conversation is kept under{sent}",
        anchor,
        (case.reason(OTHER_TENANT),),
        kind=OTHER_TENANT,
        severity="warning" if there is not None and not there.numbered else "error",
        related_to=related,
        fix=f"let {tenant} be a part of the key wherever the conversation is looked up, unless no two tenants can "
        "have one key",
    )


def find_folded_key(case: Case) -> Observation | None:
    """Were two sessions one whose keys differ in case, punctuation or length alone?"""
    conversation = case.conversations.get(ALIKE_KEYS)
    if conversation is None or not case.leaked(ALIKE_KEYS) or case.leaked(OTHER_SESSION):
        return None
    leak = next(find_leaks(conversation))
    ran = {frame.function for op in conversation.select(turn=leak.turn.number) for frame in op.frames}
    folded = min(conversation.select("folding"), key=lambda op: op.method not in ran, default=None)
    found, related = find_lookup(case, conversation, leak.turn)
    line = defined_at(folded)
    anchor = line or found
    by = f" (`{folded.name}`)" if folded is not None else ""
    return Observation(
        f"two users whose keys are alike share one conversation{by}: `{leak.turn.key}` is given what "
        f"`{leak.other.key}` said",
        anchor,
        (case.reason(ALIKE_KEYS),),
        kind="folded-key",
        related_to=tuple(dict.fromkeys(filter(None, [found if line is not None else None, *related]))),
        fix="look a conversation up by the very key that the client sends; where a file or a cache takes no such name, "
        "encode it so that no two become one (`hashlib.sha256`, `urllib.parse.quote`)",
    )


def find_keyless(case: Case) -> Observation | None:
    """Were clients that send no session key given each other's, or that of somebody who sends one?"""
    conversation = case.conversations.get(KEYLESS)
    if conversation is None or not case.leaked(KEYLESS) or case.leaked(OTHER_SESSION) or case.leaked(SECOND_THREAD):
        return None
    leaks = list(find_leaks(conversation))
    keyed = next((leak for leak in leaks if leak.other.number == 1), None)
    leak = keyed or leaks[0]
    whose = "a user with a key said" if keyed else "others without one said: all of them share one conversation"
    anchor, related = find_lookup(case, conversation, leak.turn)
    return Observation(
        f"a client that sends no session key is given what {whose}",
        anchor,
        (case.reason(KEYLESS),),
        kind=KEYLESS,
        severity="error" if keyed else "warning",
        related_to=related,
        fix="refuse a turn without a session key, or make a new key for it and return that",
    )

"""Which field of a request is the message and which say who is talking; what to send in the others."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from statecheck.source import weights
from statecheck.source.field_evidence import FieldEvidence, decide
from statecheck.source.fields import FILE, Field, Json, plain
from statecheck.source.roles import is_history, is_setting, name_evidence

if TYPE_CHECKING:
    from collections.abc import Sequence

NOBODY = "no field says who is talking"
_MOST_RIVALS = 3
_KEPT = re.compile(
    r"localStorage|sessionStorage|cookie|uuid|nanoid|ulid|getuser|argv\[1\]|session_state", re.IGNORECASE
)
_TYPED = re.compile(r"\.value\b|\binput\(|readline|\.trim\(|\.strip\(|\bprompt\(|argv\[2|chat_input|stdin")
_SAMPLES: dict[str, Json] = {"integer": 1, "number": 1, "boolean": False, "array": [], "object": {}, "file": FILE}


@dataclass(frozen=True, slots=True)
class Choice:
    """The roles of a request's fields.

    Attributes:
        message: what carries the user's words; a list if they travel in one.
        sessions: what says who is talking, the surest first.
        history: a list of the earlier messages beside the message.
        extras: other fields that must be sent.
        why: a sentence each.
        order: all of them as they were given.
    """

    message: Field
    sessions: tuple[Field, ...]
    history: Field | None
    extras: tuple[Field, ...]
    why: tuple[str, ...]
    order: tuple[Field, ...]


def evidence_of(field: Field) -> tuple[FieldEvidence, ...]:
    """Return all that speaks for a field being the message or the session.

    That is its name, how a client comes by its value, where it travels and what the handler does with it.
    """
    travels = weights.PLACES.get(field.place.where)
    return (
        _name_evidence(field),
        *_client_evidence(field),
        *([travels] if travels is not None else ()),
        *((weights.TYPED_PARTS,) if field.parts is not None else ()),
        *field.evidence,
    )


def _name_evidence(field: Field) -> FieldEvidence:
    return name_evidence(".".join(field.place.path))


def _client_evidence(field: Field) -> tuple[FieldEvidence, ...]:
    """Return what a client's value says: learned, kept by the browser, typed by the user, or named."""
    if field.origin == "learned":
        return (weights.LEARNED,)
    return _spelling_evidence(field.said)


def _spelling_evidence(said: str) -> tuple[FieldEvidence, ...]:
    if not said:
        return ()
    if _KEPT.search(said):
        return (weights.KEPT,)
    named = name_evidence(said, weights.CLIENT_VALUE)
    return (named, weights.TYPED) if _TYPED.search(said) else (named,)


def score(field: Field) -> float:
    """Return how a field leans by all that speaks for it: positive for the message, negative for the session."""
    return decide(evidence_of(field)).leaning


def find_field(name: str, fields: Sequence[Field]) -> Field | None:
    """Return the field that a user named: `session_id`, `applicant.id`, `header X-Pupil`."""
    *where, path = name.split(maxsplit=1)
    wanted = [plain(part) for part in path.split(".")]
    for field in fields:
        mine = [plain(part) for part in field.place.path]
        if mine[-len(wanted) :] == wanted and (not where or where[0].lower() == field.place.where):
            return field
    return None


def choose_roles(
    fields: Sequence[Field], message: Field | None = None, session: Field | None = None
) -> Choice | list[Field]:
    """Give every field its role; where no field is surely the message, the fields that it might be.

    Args:
        fields: what is sent, or may be.
        message: the message by the user's own word, or None.
        session: the session by the user's own word, or None.
    """
    lists = [f for f in fields if f.turn_keys is not None]
    texts = sorted((f for f in fields if _may_speak(f) and f != session), key=lambda f: -score(f))
    why = []
    if message is None:
        chosen = texts[0] if texts and score(texts[0]) > weights.MESSAGE_ABOVE else None
        if chosen is None and lists:
            chosen = max(lists, key=lambda f: (is_history(f.name), f.required))
        if chosen is None:
            chosen = _find_lone_text(texts)
        if chosen is None:
            return texts
        message = chosen
        why.append(_why_message(message, texts))
    else:
        why.append(f"`{message.place}` carries the message because an option says so")
    history = next((f for f in lists if f != message), None)
    rest = [f for f in fields if f not in (message, history)]
    sessions = [session] if session is not None else _find_sessions(rest, message)
    if session is not None:
        why.append(f"`{session.place}` carries the session because an option says so")
        sessions += [f for f in _find_sessions(rest, message) if f != session and f.required]
    elif sessions:
        why.append(_why_session(sessions[0], len(rest)))
    else:
        why.append(NOBODY)
    if history is not None and not (history.required or not sessions):
        why.append(f"`{history.place}` could carry the earlier messages, but is optional beside a session and left out")
        history = None
    extras = tuple(f for f in rest if f not in sessions and (f.required or (f.said == "" and f.known and _sent(f))))
    return Choice(message, tuple(sessions), history, extras, tuple(why), tuple(fields))


def find_rivals(choice: Choice) -> list[Field]:
    """Return the fields that could be the session in place of the one that was chosen, likeliest first.

    A field whose name says that it is one is doubted only for another of which that can be said too.
    """
    taken = (choice.message, choice.history, *choice.sessions)
    able = [f for f in choice.order if f not in taken and f.type in ("", "string", "integer") and not f.limited]
    sure = bool(choice.sessions) and _named(choice.sessions[0]) <= -weights.SURE_NAME
    able = [f for f in able if not is_setting(f.name) and f.turn_keys is None and f.place.path]
    return sorted((f for f in able if _named(f) <= (weights.SESSION_AT_MOST if sure else 0)), key=score)[:_MOST_RIVALS]


def _sent(field: Field) -> bool:
    """Whether a client sends this literal (a server's own default need not be sent)."""
    return field.required


def _may_speak(field: Field) -> bool:
    told = field.leaning >= weights.GIVEN or field.parts is not None
    if field.type not in ("", "string") and not (field.type == "array" and told):
        return False
    if field.limited or field.form == "uuid" or field.turn_keys is not None:
        return False
    if not field.place.path and field.place.where != "body":
        return False
    return not (is_setting(field.name) and field.leaning < weights.GIVEN)


def _find_lone_text(texts: list[Field]) -> Field | None:
    """Return the one text that no other rivals: the others lean clearly more towards a session, or are not needed."""
    needed = [f for f in texts if f.required] or texts
    needed = [f for f in needed if f.place.where in ("body", "query", "event")]
    if not needed or score(needed[0]) <= weights.LEAST_MESSAGE:
        return None
    return needed[0] if len(needed) == 1 or score(needed[0]) - score(needed[1]) >= weights.CLEARLY_MORE else None


def _find_sessions(rest: list[Field], message: Field) -> list[Field]:
    """Tell what says who is talking: by score; else the one needed text that is left."""
    able = [
        f
        for f in rest
        if f.type in ("", "string", "integer") and not (is_setting(f.name) and f.leaning > weights.SESSION_AT_MOST)
    ]
    able = [f for f in able if (not f.limited or f.origin == "learned") and not isinstance(f.value, list)]
    found = sorted(
        (f for f in able if score(f) <= weights.SESSION_AT_MOST), key=lambda f: score(f) - weights.NEEDED * f.required
    )
    if any(
        f.leaning <= weights.FOUND_BY for f in found
    ):  # what the handler never looks at is no rival of what it looks up by
        found = [f for f in found if f.leaning <= weights.FOUND_BY or f.required or f.said]
    if found:
        first, others = (
            found[0],
            [
                f
                for f in found[1:]
                if f.leaning <= weights.FOUND_BY or (f.required and _named(f) <= weights.NAMED_SESSION)
            ],
        )
        if (
            _named(first) <= -weights.SURE_NAME
        ):  # all of a tenant's users have one tenant, by which state may be found too
            others = [f for f in others if not is_setting(f.name)]
        return [first, *others] if others else _complete_path(first, found)
    needed = [f for f in able if (f.required or f.said) and f.type != "integer" and score(f) <= weights.MOST_SESSION]
    if len(needed) == 1 and message.turn_keys is None:
        return needed
    return []


def _complete_path(first: Field, found: list[Field]) -> list[Field]:
    """Return the session; all that its path names, the last first, where nothing else tells which of them it is."""
    told = first.leaning <= weights.SESSION_AT_MOST or _named(first) <= weights.NAMED_SESSION
    if told or first.place.where != "path":
        return [first]
    named = [f for f in found if f.place.where == "path" and f.form == first.form and not is_setting(f.name)]
    return named[::-1] or [first]


def _named(field: Field) -> float:
    """Return how far names say that a field is the session: its own, or the one that client code has for it."""
    return min(_name_evidence(field).weight, decide(_spelling_evidence(field.said)).leaning)


def _why_message(message: Field, texts: list[Field]) -> str:
    said = f"`{message.place}` carries the message"
    if message.turn_keys is not None:
        return f"`{message.place}` is a list of messages, so the client sends the conversation in full"
    if message.parts is not None:
        return f"{said}: {weights.TYPED_PARTS.because}"
    if message.leaning >= weights.GIVEN:
        return f"{said}: {decide(message.evidence).message[0].because}"
    if (named := name_evidence(message.name)).weight > weights.MESSAGE_ABOVE:
        return f"{said}: {named.because}"
    return f"{said}: " + ("no other text does" if len(texts) == 1 else "the others do not")


def _why_session(session: Field, others: int) -> str:
    said = f"`{session.place}` carries the session"
    if session.leaning <= weights.SESSION_AT_MOST:
        return f"{said}: {decide(session.evidence).session[0].because}"
    if (named := _name_evidence(session)).weight <= weights.NAMED_SESSION:
        return f"{said}: {named.because}"
    if (travels := weights.PLACES.get(session.place.where)) is not None:
        return f"{said}: {travels.because}"
    return f"{said}: " + ("it is the one field left" if others == 1 else "no other does")


def sample_value(field: Field) -> Json:
    """Tell what to send in a field that is neither message nor session."""
    if field.known or field.value is not None:
        return field.value
    return _SAMPLES.get(field.type, "sample")


def overlay_fields(sent: Sequence[Field], taken: Sequence[Field]) -> tuple[Field, ...]:
    """Tell what a client sends, with what is known of it from the server; needed fields that it leaves out follow."""
    laid = []
    for field in sent:
        known = next((f for f in taken if f.place.matches(field.place)), None)
        if known is None:
            laid.append(field)
            continue
        a_text = known.type == "string" and field.type != "array"  # whatever list its name speaks of
        laid.append(
            replace(
                known,
                place=field.place if field.place.where != "path" else known.place,
                said=field.said,
                origin=field.origin,
                limited=field.limited or known.limited,
                required=True,
                value=field.value if field.known else known.value,
                known=field.known or known.known,
                turn_keys=None if a_text else field.turn_keys or known.turn_keys,
            )
        )
    missing = [
        f for f in taken if f.required and not any(f.place.matches(s.place) or f.place.holds(s.place) for s in laid)
    ]
    return (*laid, *missing)

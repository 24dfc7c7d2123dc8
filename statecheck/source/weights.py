"""Every weight by which statecheck guesses how a client talks to an app, each with its meaning.

A guess is only where the trials begin: `lab.scout` sends turns by the plans in their order until one is confirmed.

Fields are weighed on one axis. +10 is the user's own words beyond doubt, -10 names who is talking beyond doubt, and 0
says nothing. A field is taken for the message above `MESSAGE_ABOVE`, for the session at `SESSION_AT_MOST` and below.
Endpoints, requests that open a session, and values in answers have scores of their own, which are only compared with
each other and with the limits beside them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from statecheck.source.field_evidence import FieldEvidence, Source

if TYPE_CHECKING:
    from statecheck.source.fields import Where

# ------------------------------------------------------------------------ fields: what the server's code does with them

_GIVES = "the handler passes it to the model"
_FINDS = "the handler finds state by it"

ASKED = FieldEvidence("code", 9.0, _GIVES)
"""It is what a chat, completion or run call is asked."""
CHAT_MESSAGE = FieldEvidence("code", 5.0, _GIVES)
"""It is the content of a chat message."""
RUN_INPUT = FieldEvidence("code", 3.0, _GIVES)
"""A run is given it under a name that says nothing: it may be for the workflow's own steps."""
STORED = FieldEvidence("code", 3.0, "the handler stores it")
"""It is added to a list or a store."""
MEASURED = FieldEvidence("code", 0.5, "the handler measures it")
"""Its length is taken: keys seldom are measured, texts are."""
WHOLE_MESSAGE = FieldEvidence("code", 6.0, "nothing else is sent there")
"""It is a connection's whole message, which the app does not take apart."""
TYPED_PARTS = FieldEvidence("code", 5.0, "it is a list of typed parts, of which one is a text")
"""Only what people say is taken apart into texts, images and files."""
REPEATED = FieldEvidence("code", -0.5, "the answer repeats it")
"""It is in the answer: a client gets its session back more often than its words."""
FORMATTED = FieldEvidence("code", -1.0, "the handler demands a format of it")
"""It is read as a number or a time, or matched with a pattern: words are free."""
KEY_TEXT = FieldEvidence("code", -2.0, "the handler makes a key of it")
"""It is put into a text without blanks: `f"chat:{x}"`."""
LOOKED_FOR = FieldEvidence("code", -4.0, _FINDS)
"""It is looked for in a container that changes: `x in sessions`."""
PATH = FieldEvidence("code", -4.0, _FINDS)
"""A path or a digest is made of it."""
QUERIED = FieldEvidence("code", -4.0, _FINDS)
"""A query selects rows by it."""
READ_AS_UUID = FieldEvidence("code", -4.0, "the handler reads it as a UUID")
KEY = FieldEvidence("code", -5.0, _FINDS)
"""It is a key of a container that is no table of constants."""

WHOLE = 1.0
"""The share of a weight that counts for what a value is made of, where a part speaks as the whole does."""
PART = 0.6
"""The same, where the value may be made of other things too."""
PART_OF_PROMPT = 0.7
"""The same, for what a prompt is made of."""

# ------------------------------------------------------------------------------------------------- fields: their names


@dataclass(frozen=True, slots=True)
class NamedWeight:
    """How much a name counts that ends in one of these words; `meaning` is why."""

    weight: float
    words: str
    meaning: str


@dataclass(frozen=True, slots=True)
class NameUse:
    """How much of a name's weight counts (`share`), by what is so named; `because` may hold the name."""

    source: Source
    share: float
    because: str


OWN_NAME = NameUse("name", 1.0, "its name says so")
CLIENT_VALUE = NameUse("said", 0.5, "client code calls it `{name}`")
VARIABLE = NameUse("code", 0.3, "the handler calls it `{name}`")
ENTRY = NameUse("code", 0.3, "the handler puts it under `{name}`")
PARAMETER = NameUse("code", 0.4, "the handler passes it on as `{name}`")
KEYWORD = NameUse("code", 0.6, "the handler passes it on as `{name}`")
"""Libraries name their keywords with care: `session_id=`, `user_msg=`."""

NAMES = (
    NamedWeight(
        10.0,
        "message msg text question prompt query utterance",
        "the user's words, and nothing else",
    ),
    NamedWeight(
        9.0,
        "q input content ask messages",
        "the same, in words that mean something else now and then",
    ),
    NamedWeight(
        8.0,
        "comment body say instruction instructions",
        "words, written or spoken",
    ),
    NamedWeight(
        7.0,
        "brief item note notes description said request",
        "a short text of a certain sort",
    ),
    NamedWeight(
        6.0,
        "feedback task command topic entry post answer reply",
        "a text by its trade, or what it is about",
    ),
    NamedWeight(
        4.0,
        "data value payload string str event subject title order",
        "what holds a text among other things",
    ),
    NamedWeight(
        -10.0,
        "session conversation sid thread conv",
        "a conversation, and nothing else",
    ),
    NamedWeight(
        -9.0,
        "cid dialog",
        "the same, in words that mean something else now and then",
    ),
    NamedWeight(
        -8.0,
        "user uid visitor customer username login",
        "who is talking",
    ),
    NamedWeight(
        -7.0,
        "client account caller guest member employee sender phone email household",
        "who is talking, by a part that they play",
    ),
    NamedWeight(
        -6.0,
        "room channel ticket case matter board",
        "who is talking, or what it is about, by a trade",
    ),
    NamedWeight(
        -5.0,
        "chat context history scope",
        "what a conversation lies in",
    ),
    NamedWeight(
        -3.0,
        "name",
        "people have names, and so have things",
    ),
)
ID_OF = -5.0
"""An id of somebody (`pupil_id`) counts this, and `ID_OF_SHARE` of what the somebody counts."""
ID_OF_SHARE = 0.5
ID_OF_THING = -6.0
"""An id of something that no table knows: `hive_id`."""
ID_OF_SETTING = -1.0
"""An id of a setting, or of a text: `model_id`."""
BARE_ID = -5.0
BEFORE_THE_LAST = 0.6
"""The share that counts of a word before the last, where the last says nothing: `message_de`."""

# ------------------------------------------------------------------- fields: how clients send them, where they travel

LEARNED = FieldEvidence("origin", -8.0, "a client takes it from an answer")
"""What a client takes from one answer and sends with the next turn is not typed by its user."""
KEPT = FieldEvidence("origin", -6.0, "a client keeps it")
"""It comes out of a browser's storage, a new UUID, a program's first argument."""
TYPED = FieldEvidence("origin", 3.0, "a client's user types it")

PLACES: dict[Where, FieldEvidence] = {
    "path": FieldEvidence("place", -4.0, "where it travels says so"),
    "header": FieldEvidence("place", -4.0, "where it travels says so"),
    "cookie": FieldEvidence("place", -5.0, "where it travels says so"),
}
"""Words travel in a body or in a query, where anything may."""

# --------------------------------------------------------------------------------------- fields: limits of the decision

MESSAGE_ABOVE = 3.0
"""A field that leans more than this is the message."""
SESSION_AT_MOST = -3.0
"""A field that leans at most this is a session."""
GIVEN = 4.0
"""Code that counts so much gives a field to the model, whatever its name."""
FOUND_BY = -4.0
"""Code that counts at most this finds state by a field."""
NAMED_SESSION = -5.0
"""A name that counts at most this says that it is somebody's, or a conversation's."""
SURE_NAME = 6.0
"""A name that counts so much, either way, is doubted only for another one of which that can be said too."""
WHOLE_BODY = 5.0
"""A body that is never taken apart is a field of its own from here on."""
LEAST_MESSAGE = -4.0
"""The one text that is left over may be the message if it leans more than this."""
CLEARLY_MORE = 1.5
"""By so much the likeliest text has to lead the next one, where neither is surely the message."""
MOST_SESSION = 2.0
"""The one needed field that is left over may be the session if it leans at most this."""
NEEDED = 2.0
"""Of two sessions the one that the server insists on is taken, if the other does not lead by more than this."""
SETTING = -5.0
"""What counts against a setting, where some text has to be the message."""
SPOKEN_PARAMETER = 5.0
"""What counts for a parameter of a plain function whose whole name is one that such functions have for it."""

# ---------------------------------------------------------------------------------------------------------- endpoints


@dataclass(frozen=True, slots=True)
class Sign:
    """A sign that an endpoint takes the turns, or does not; `because` is printed, if it is not empty."""

    weight: float
    because: str = ""

    def times(self, number: float) -> Sign:
        """Return the same sign, counted so many times."""
        return replace(self, weight=self.weight * number)


METHODS = {"POST": 2.0, "WEBSOCKET": 1.5, "EVENT": 1.5, "PUT": 1.0, "PATCH": 0.5, "GET": 0.0}
"""Turns change something, so most are sent by POST."""
ASKS_MODEL = Sign(3.0, "its handler calls a model")
"""Once for each degree of certainty, which are `CHAT_CALL`, `RUN_CALL` and `STORE_CALL`."""
CHAT_CALL = 3.0
"""A call that asks a model."""
RUN_CALL = 2.0
"""A call that runs an agent, a workflow or a query engine."""
STORE_CALL = 1.0
"""A call that keeps a message or retrieves for one."""
FIRST_MESSAGE = 2.0
"""An endpoint whose handler asks a model with at least this certainty wants a message."""
SPEAKING_PATH = Sign(3.0, "its name speaks of a conversation")
SPEAKING_NAME = Sign(2.0, "its name speaks of a conversation")
TAKES_SESSION = Sign(3.0, "it takes who is talking")
"""A conversation goes on there: of two endpoints that ask a model, the other one answers questions."""
NAMES_ONE = -9.0
"""A field names a conversation, or somebody, from here on down: `conversation_id`, `user_id`."""
OTHER_BUSINESS = Sign(-8.0)
"""Its name is that of a health check, an upload, a login."""
CALLED_BY_CLIENT = Sign(4.0, "client code calls it")
CALLED_BY_TEST = Sign(1.0, "client code calls it")
BEST_TEXT = 0.3
"""The share that counts of the leaning of the text that leans most, which is capped at `BEST_TEXT_AT_MOST`."""
BEST_TEXT_AT_MOST = 10.0
NO_TEXT = -10.0
STREAMS = Sign(-2.0, "it streams")
"""An app with two ways of answering is asked the simpler way."""
NO_RIVAL = 9.0
"""An endpoint that scores this much less than the best is no rival of it."""

# --------------------------------------------------------------------------------------- requests that open a session

OPENS_ABOVE_PATH = 8.0
"""`POST /threads` before `/threads/{id}/messages`: it makes what the turns' path lies in."""
OPENS_NAMED_PATH = 7.0
"""`POST /threads/new`: a word for a beginning, in the same place."""
OPENS_OWN_PATH = 6.0
"""`PUT /threads/{id}`: the client names the session, and the app makes it."""
ANSWERS_SESSION = 4.0
"""The answer has a name in it that the turns send."""
UPLOADS = 2.0
"""It takes a file besides: what is talked about is uploaded first, and known by the id that the answer gives."""
NAMES_BEGINNING = 2.0
NAMES_SESSION = 1.0
NAMES_BOTH = 2.0
"""And so much more where both are named: `new_session`."""
FIRST_TURN = 2.0
"""It asks a model and takes no session, but its answer gives one: a conversation starts there and goes on elsewhere."""
ASKED_BY_GET = -1.0
SPEAKS_ITSELF = -3.0
"""It asks a model, so it is more likely a turn of another sort."""
OPENS = 5.0
"""A request opens a session from here on."""

# --------------------------------------------------------------------------------------------------- values in answers

SAME_NAME = 10.0
"""It is called what the session is called."""
SHARED_WORD = 5.0
"""For each word that its path shares with what the session is called, `id` aside."""
SESSION_NAME = 0.1
"""The share that counts of how much its name is a session's."""
WHOLE_ANSWER = 0.1
"""The answer is one bare value, so that is it, where nothing else is."""
ANSWER_NAME = -4.0
"""A value so named may be a session key."""
HEADER_NAME = -5.0
"""A header so named is one; headers have names of many sorts."""

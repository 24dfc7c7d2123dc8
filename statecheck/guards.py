"""What rules experiments out, by what is known of the app alone; what names an experiment stands beside those."""

from __future__ import annotations

from statecheck.so_far import Guard
from statecheck.steps import OPENED

ONE_USER = Guard(
    "the app knows its users by a table of its own (`{lone}`), so that all clients are one of them",
    lambda so_far: bool(so_far.lone),
)
TOO_FEW_USERS = Guard(
    "the app's code knows fewer users than would open a session here", lambda so_far: 0 < so_far.users < max(OPENED)
)
TABS_APART = Guard("each tab of the page has a conversation of its own", lambda so_far: so_far.tabs_apart)
SENT_WHOLE = Guard("the client sends the whole conversation with every turn", lambda so_far: so_far.sent_whole)
RENEWED = Guard(
    "each answer tells the client what to send next, so that its turns cannot overlap", lambda so_far: so_far.renewed
)
NO_TABLES = Guard(
    "no store makes its tables when it is first used", lambda so_far: not (so_far.overlapped and so_far.makes_tables)
)
NO_STREAM = Guard("no answer comes piece by piece", lambda so_far: not (so_far.overlapped and so_far.streams))
NO_CONNECTION = Guard("each turn is a request of its own", lambda so_far: not so_far.connects)
NOTHING_ASKED = Guard("nothing is asked of a person", lambda so_far: not so_far.asks)
NO_THREADS = Guard(
    "nothing that a client sends belongs to something else, as a thread to a user", lambda so_far: not so_far.threads
)
NO_TENANTS = Guard(
    "nothing that a client sends says in which tenant a session key is looked up", lambda so_far: not so_far.tenants
)
NEEDS_KEY = Guard("the app does not do without a session key", lambda so_far: not so_far.optional_key)
NO_LIMIT = Guard(
    "nothing of the app's holds a limited number of sessions",
    lambda so_far: not (so_far.bounded or so_far.pushed_out),
)
NO_FOLDING = Guard(
    "the app does nothing to a session key that could make two of them one", lambda so_far: not so_far.folds
)
NOT_BY_TEXT = Guard("the app goes by no message's text", lambda so_far: not so_far.by_text)
NO_EVENTS = Guard("a client sends no event that may be delivered twice", lambda so_far: not so_far.events)
NO_IDS = Guard("the app hands out no session ids", lambda so_far: not so_far.hands_out)
NO_RUNS = Guard(
    "no server of workflows keeps its runs where another one finds them, with a model called in them",
    lambda so_far: not so_far.resumes,
)
NO_FLAGS = Guard("no boolean of the request could change how it is answered", lambda so_far: not so_far.flags)
NO_CUTTING = Guard(
    "nothing in the code takes a text apart, or has room for a part of it", lambda so_far: not so_far.cuts
)
NO_COUNT = Guard(
    "nothing in the code says how many messages are kept that a talk could pass", lambda so_far: not so_far.counts
)
NO_FAILURE = Guard(
    "nothing of a turn is kept before a model has answered, and no code sees to a call that fails",
    lambda so_far: not so_far.fallible,
)

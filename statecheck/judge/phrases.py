"""What people say of state loss in words of their own, reduced to what all of it has in common."""

from __future__ import annotations

import re

_CONCEPTS: dict[str, tuple[str, ...]] = {
    "forgets": (
        "lose|losing|lost|loses|loss|forget|forgot|amnesia|disappear|vanish|gone|wipe|wiping|reset|empty|empties|blank|"
        "missing|missed|fresh|clears|cleared|delete|drop|ignor",
        "not|no|never|cannot|cant|doesnt|dont|didnt|isnt|arent|wasnt|wont|unable|fails|stops|without "
        "remember|recall|persist|keep|kept|save|saving|saved|see|seen|sees|know|find|found|stay|survive|retain|carry|"
        "carried|update|memory|memories|history|work|restore|there|aware|available|record|idea|recollect",
    ),
    "thing": (
        "memory|memories|history|histories|conversation|chat|message|session|state|thread|remember|context|answer|said",
    ),
    "user": (
        "user|customer|people|person|client|tenant|everyone|everybody|someone|somebody|stranger|visitor|member|patient|"
        "guest|account|organisation|organization",
    ),
}
"""{concept: ways to say it}. Each way is groups of words, as those of a phrase are."""
_IDIOMS = {
    "every other": "sometimes",
    "every second": "sometimes",
    "half of the time": "sometimes",
    "half the time": "sometimes",
    "now and then": "sometimes",
    "from scratch": "forgets",
    "from zero": "forgets",
    "starts over": "forgets",
    "start over": "forgets",
    "at the same time": "simultaneous",
    "at the same moment": "simultaneous",
    "at once": "simultaneous",
    "back to back": "simultaneous",
    "again and again": "repeatedly",
    "over and over": "repeatedly",
    "[]": "empty",
    "{}": "empty",
    "each other": "another",
    "one another": "another",
    "somebody elses": "another",
    "someone elses": "another",
    "somebody else": "another",
    "someone else": "another",
    "human in the loop": "hitl",
    "human-in-the-loop": "hitl",
    "out of order": "reordered",
    "wrong order": "reordered",
    "log in": "login",
    "logged out": "logout",
    "signed out": "logout",
    "set-cookie": "cookie",
}
"""{words that mean one thing together: a word for that}."""
_MOST_WORDS = 30  # what is longer is a log, where words stand together by chance
_SHORTEST_STEM = 4  # letters: `not` is no beginning of `note`


def split_words(text: str) -> list[str]:
    """Return the words of a text in lower case, idioms as one; none of a text that is too long to say one thing."""
    plain = text.lower().replace("_", " ")
    for idiom, word in _IDIOMS.items():
        plain = plain.replace(idiom, word)
    words = re.findall(r"[a-z0-9']+", plain)
    return words if len(words) <= _MOST_WORDS else []


def is_said(phrase: str, words: list[str]) -> bool:
    """Whether all that a phrase asks for is among the words.

    Args:
        phrase: groups, each of which has to be said in one of its ways: `forgets|lost answer` is a word that begins
            with `forgets` or with `lost`, and one that begins with `answer`. Of fewer than four letters it is the word
            itself, as it is with a dot: `fast.` is no beginning of `fastapi`. `$forgets` is a concept that several
            phrases share.
        words: of what is said, as `split_words` gives them.
    """
    return all(_is_any_said(group, words) for group in phrase.split())


def _is_any_said(group: str, words: list[str]) -> bool:
    ways = group.split("|")
    plain = [way for way in ways if not way.startswith("$")]
    stems = tuple(way for way in plain if len(way) >= _SHORTEST_STEM and not way.endswith("."))
    whole = {way.rstrip(".") for way in plain}
    if any(word in whole or word.startswith(stems) for word in words):
        return True
    concepts = [way[1:] for way in ways if way.startswith("$")]
    return any(is_said(way, words) for concept in concepts for way in _CONCEPTS[concept])

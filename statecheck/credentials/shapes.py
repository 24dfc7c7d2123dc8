"""What credentials look like, whatever the variable is called that holds them: one table, and what reads as random.

The forms are those that the providers document and that secret scanners (detect-secrets, gitleaks) look for. To add
one is a row here.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from statecheck.probe.offline import PROVIDERS

if TYPE_CHECKING:
    from collections.abc import Iterator

    Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Shape:
    """The form of one kind of credential.

    Attributes:
        name: whose it is.
        begins: one of these stands in each of them, so that most texts need no further look; empty where none does.
        form: what follows what, as a pattern. What a client may look at (a prefix) is its group `kept`.
        issued: an app may make ones of this form itself, as session keys: they are secrets where they are handed over
            or stored, and are not looked for in what the app says.
    """

    name: str
    begins: tuple[str, ...]
    form: str
    issued: bool = False


_LONG = "[A-Za-z0-9_-]"
SHAPES: tuple[Shape, ...] = (
    Shape(
        "OpenAI, Anthropic and those who copy their form",
        ("sk-",),
        rf"(?P<kept>sk-(?=[\w-]*\d)(?:[a-z]+-)*){_LONG}{{20,}}",
    ),
    Shape("Stripe", ("k_live_", "k_test_"), r"(?P<kept>[srp]k_(?:live|test)_)[A-Za-z0-9]{16,}"),
    Shape("signing secrets of webhooks", ("whsec_",), r"(?P<kept>whsec_)[A-Za-z0-9+/=]{16,}"),
    Shape("AWS", ("AKIA", "ASIA", "AROA", "ABIA", "ACCA"), r"(?P<kept>A(?:KIA|SIA|ROA|BIA|CCA))[A-Z0-9]{16}"),
    Shape("Google", ("AIza",), rf"(?P<kept>AIza){_LONG}{{35}}"),
    Shape("Google OAuth", ("ya29.", "GOCSPX-"), r"(?P<kept>ya29\.|GOCSPX-)[A-Za-z0-9_.-]{20,}"),
    Shape("GitHub", ("ghp_", "gho_", "ghu_", "ghs_", "ghr_"), r"(?P<kept>gh[pousr]_)[A-Za-z0-9]{36,}"),
    Shape("GitHub, fine-grained", ("github_pat_",), r"(?P<kept>github_pat_)[A-Za-z0-9_]{22,}"),
    Shape("GitLab", ("glpat-", "gloas-", "gldt-", "glrt-"), rf"(?P<kept>gl(?:pat|oas|dt|rt)-){_LONG}{{20,}}"),
    Shape("Slack", ("xox", "xapp-"), r"(?P<kept>xox[a-z]-|xapp-)[A-Za-z0-9-]{10,}"),
    Shape("Slack webhooks", ("hooks.slack.com/",), r"(?P<kept>hooks\.slack\.com/services/)[A-Za-z0-9/_-]{20,}"),
    Shape("Discord webhooks", ("/api/webhooks/",), rf"(?P<kept>/api/webhooks/\d{{5,}}/){_LONG}{{40,}}"),
    Shape("Telegram", (":",), rf"(?P<kept>\d{{8,10}}:){_LONG}{{35}}"),
    Shape("Hugging Face", ("hf_",), r"(?P<kept>hf_)[A-Za-z0-9]{30,}"),
    Shape(
        "model and search providers",
        (
            "gsk_",
            "xai-",
            "pplx-",
            "r8_",
            "nvapi-",
            "tvly-",
            "pcsk_",
            "csk-",
            "fw_",
            "jina_",
            "llx-",
            "lsv2_",
            "voyage-",
        ),
        rf"(?P<kept>gsk_|xai-|pplx-|r8_|nvapi-|tvly-(?:dev-)?|pcsk_|csk-|fw_|jina_|llx-|lsv2_(?:pt|sk)_){_LONG}{{20,}}",
    ),
    Shape("SendGrid", ("SG.",), r"(?P<kept>SG\.)[A-Za-z0-9_-]{20,}\.[A-Za-z0-9_-]{20,}"),
    Shape("Twilio", ("AC", "SK"), r"(?P<kept>AC|SK)[0-9a-f]{32}"),
    Shape("Mailgun", ("key-",), r"(?P<kept>key-)[0-9a-f]{32}"),
    Shape(
        "package indexes, registries, vaults and clouds",
        ("npm_", "pypi-", "dckr_pat_", "dop_v1_", "hvs.", "shpat_", "glsa_", "sntrys_", "pul-"),
        r"(?P<kept>npm_|pypi-|dckr_pat_|dop_v1_|hvs\.|shpat_|glsa_|sntrys_|pul-)[A-Za-z0-9_-]{24,}",
    ),
    Shape(
        "private keys",
        ("PRIVATE KEY",),
        r"(?P<kept>-----BEGIN [A-Z ]*PRIVATE KEY(?: BLOCK)?-----(?:\\n|\s)*)(?:[A-Za-z0-9+/=:,. -]|\\n|\s)+"
        r"(?P<end>-----END [A-Z ]*PRIVATE KEY(?: BLOCK)?-----)",
    ),
    Shape(
        "JSON web tokens",
        ("eyJ",),
        r"(?P<kept>)eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{4,}\.[A-Za-z0-9_-]{10,}",
        issued=True,
    ),
)
_USER_IN_URL = re.compile(
    r"(?i)\b[a-z][a-z0-9+.-]*://(?P<user>[^\s/?#@:'\"<>]*)(?::(?P<secret>[^\s/?#'\"<>]+))?@(?=[\w\[%/?])"
)
_URL_AS_A_WHOLE = re.compile(r"(?i)[a-z][a-z0-9+.-]*://[^:@/]*:(?!\d{1,5}[/?#])(?P<secret>.+)@[^@\s]*")
"""Alone in a value a password may hold what ends it in a text: `/`, `#`, `?`."""
_PAIR = re.compile(
    r"(?i)(?<![a-z])(?:password|passwd|pwd|sslpassword|(?:[a-z]+_)?token|secret|client_secret|accountkey|"
    r"sharedaccesskey|sig|signature|(?:x[-_])?api[-_]?key|access[-_]?key)=(?P<secret>[^&;\s'\"]+)"
)
"""A part of a connection string or of a query."""
_BEARER = re.compile(r"(?i)\b(?:bearer|basic|token)\s+(?P<secret>[A-Za-z0-9._~+/=-]{16,})")
_CONTEXT = frozenset(
    {
        "AUTH",
        "AUTHORIZATION",
        "BEARER",
        "DSN",
        "WEBHOOK",
        "SIGNING",
        "SALT",
        "JWT",
        "COOKIE",
        "PRIVATE",
        "CREDS",
        "CRED",
    }
    | {"API", "LICENSE", "SEED", "SIGNATURE", "ENCRYPTION", "FERNET", "HMAC", "ACCESS", "SESSION", "TOKENS", "LOGIN"}
    | set(PROVIDERS)
)
"""Words in a name that say that a random value is a credential."""
_WHOLE = re.compile(r"[A-Za-z0-9+/=_.~:-]+")
_LEAST_RANDOM, _LEAST_HEX, _LEAST_BITS = 16, 32, 3.2
_PLAIN = re.compile(r"[0-9.:-]+|[a-z]+(?:[-_.:/][a-z0-9]+)*|[A-Z]+(?:_[A-Z0-9]+)*|.*://.*|/.*|\./.*|~.*")
"""Numbers, dates, words and names, places: not random, however long."""
_REFERENCE = re.compile(r"\$|<|\{|%\(|!(?:[A-Z]|[a-z]+\b)|\*+$")
_EXEMPT = re.compile(
    r"(?i)(?:your|replace|insert|put|paste|enter)[-_ ].*|change[-_ ]?(?:me|this|it).*"
    r"|example|dummy|sample|placeholder|todo|x+|none|null|nil|true|false|yes|no|on|off|enabled?|disabled?|auto|default|optional|required|-+|\.+|sc-dummy"
    r"|(?:env|vault|arn|ssm|file|secret)s?:.*|os\..*"
)


@cache
def _compiled() -> tuple[tuple[Shape, re.Pattern[str]], ...]:
    return tuple((shape, re.compile(rf"(?<![A-Za-z0-9]){shape.form}(?![A-Za-z0-9])")) for shape in SHAPES)


def match_shapes(text: str, *, said: bool = False) -> Iterator[re.Match[str]]:
    """Yield what has the form of a provider's credential; the group `kept` is what a client may look at.

    Args:
        text: any.
        said: it is what an app says, which may make credentials itself; see `Shape.issued`.
    """
    for shape, pattern in _compiled():
        if not (said and shape.issued) and any(begin in text for begin in shape.begins):
            yield from pattern.finditer(text)


def find_parts(value: str) -> Iterator[Span]:
    """Yield where the credentials in a text stand that is none as a whole: in URLs, connection strings, queries."""
    if whole := _URL_AS_A_WHOLE.fullmatch(value):
        yield from [] if is_reference(whole["secret"]) else [whole.span("secret")]
        return
    for found in _USER_IN_URL.finditer(value):
        group = "secret" if found["secret"] else "user"
        if not is_reference(found[group]) and (group == "secret" or is_random(found["user"])):
            yield found.span(group)
    for pattern in (_PAIR, _BEARER):
        yield from (found.span("secret") for found in pattern.finditer(value) if not is_reference(found["secret"]))


def is_random(value: str) -> bool:
    """Whether a value reads as made by a machine to be hard to guess: not a word, a name, a number, a place."""
    if len(value) < _LEAST_RANDOM or not _WHOLE.fullmatch(value) or _PLAIN.fullmatch(value):
        return False
    kinds = sum(map(bool, (re.search("[a-z]", value), re.search("[A-Z]", value), re.search("[0-9]", value))))
    if re.fullmatch("[0-9a-fA-F]+", value):
        return len(value) >= _LEAST_HEX
    counts = Counter(value)
    bits = -sum(n / len(value) * math.log2(n / len(value)) for n in counts.values())
    return kinds > 1 and bits >= _LEAST_BITS


def hints_at_secret(name: str) -> bool:
    """Whether a name makes it likely that a random value is a credential."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).upper().replace("-", "_").replace(".", "_").split("_")
    return not _CONTEXT.isdisjoint(words)


def is_reference(value: str) -> bool:
    """Whether a value says where the credential is to be had: `${NAME}`, `<name>`, `{{ name }}`."""
    return _REFERENCE.match(value) is not None


def is_exempt(value: str) -> bool:
    """Whether a value is no credential yet: a placeholder, a reference to where it is kept, or nothing."""
    stripped = value.strip()
    return not stripped or is_reference(stripped) or _EXEMPT.fullmatch(stripped) is not None

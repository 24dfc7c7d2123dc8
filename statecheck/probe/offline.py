"""What fails because there is no network and no key: how to tell, and the dummy keys that let most of it not fail."""

from __future__ import annotations

import errno
import re
import socket
from typing import TYPE_CHECKING

from .frameworks import FRAMEWORKS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

DUMMY = "sc-dummy"

_KEYS = (
    "OPENAI ANTHROPIC AZURE_OPENAI GOOGLE GEMINI MISTRAL COHERE CO GROQ TOGETHER DEEPSEEK OPENROUTER PERPLEXITY PPLX "
    "FIREWORKS CEREBRAS XAI NVIDIA REPLICATE VOYAGE JINA DASHSCOPE MOONSHOT ZHIPUAI ZAI UPSTAGE AI21 SAMBANOVA "
    "HUGGINGFACE LLAMA MINIMAX FRIENDLI LLAMA_CLOUD TAVILY BRAVE SERPER PINECONE WATSONX NEBIUS NOVITA CLARIFAI"
)
PROVIDERS = tuple(_KEYS.split())
"""Who takes an API key, as variables name them."""
_OTHERS = {
    "HF_TOKEN": DUMMY,
    "HUGGINGFACEHUB_API_TOKEN": DUMMY,
    "REPLICATE_API_TOKEN": DUMMY,
    "FRIENDLI_TOKEN": DUMMY,
    "CLARIFAI_PAT": DUMMY,
    "AWS_ACCESS_KEY_ID": DUMMY,
    "AWS_SECRET_ACCESS_KEY": DUMMY,
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_MAX_ATTEMPTS": "1",  # fails at once instead of trying five times
    "AZURE_OPENAI_ENDPOINT": "https://sc-dummy.invalid/",
    "OPENAI_API_VERSION": "2024-10-21",
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",  # LiteLLM fetches a price list when it is imported
    "HF_HUB_OFFLINE": "1",  # likewise
    "GOOGLE_CLOUD_PROJECT": DUMMY,
    "GOOGLE_CLOUD_LOCATION": "us-central1",
}
_READ_BY = {package: dict(framework.secrets) for framework in FRAMEWORKS for package in framework.packages}
"""What a library reads by itself, for apps that import it alone: Chainlit does other things where it is set."""

_SECRET_WORDS = frozenset(
    {"SECRET", "SECRETS", "PASSWORD", "PASSWD", "PASS", "PASSPHRASE", "CREDENTIAL", "CREDENTIALS", "APIKEY", "PAT"}
)
_KEY_WORDS = frozenset({"KEY", "KEYS", "TOKEN"})
_NOT_SECRET_ENDINGS = frozenset(
    {"PREFIX", "SUFFIX", "NAME", "HEADER", "FIELD", "COLUMN", "FILE", "PATH", "DIR", "URL", "URI", "TYPE"}
    | {"TTL", "LIMIT", "COUNT", "LENGTH", "SIZE", "BUDGET", "ROTATION"}
)

_UNREACHABLE = frozenset(
    {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EHOSTDOWN, errno.EADDRNOTAVAIL}
    | {errno.ECONNREFUSED, errno.ETIMEDOUT, errno.ECONNRESET}
)
_OFFLINE_NAMES = frozenset(
    {"APIConnectionError", "APITimeoutError", "ConnectError", "ConnectTimeout", "ConnectTimeoutError"}
    | {"ConnectionError", "ReadTimeout", "ReadError", "PoolTimeout", "NewConnectionError", "MaxRetryError"}
    | {"NameResolutionError", "EndpointConnectionError", "ProxyConnectionError", "ClientConnectorError"}
    | {"ServerDisconnectedError", "ServiceUnavailable", "LocalEntryNotFoundError"}
    | {"OfflineModeIsEnabled", "NoCredentialsError", "PartialCredentialsError", "NoRegionError"}
    | {"NoAuthTokenError", "DefaultCredentialsError", "TransportError", "AuthenticationError"}
    | {"UnauthorizedError", "URLError"}
)
_LACK = r"(missing|not (been )?(set|found|provided|given)|must be (set|provided)|must provide|please (set|provide|pass)"
_LACK += r"|could not (resolve|find|load)|did not find|unable to locate|need(s|ed)?|requires?|required|no)"
_WANTED = r"(api[-_ ]?key|api[-_ ]?token|credentials?|authentication (method|token)|access[-_ ]?token|region)"
_OFFLINE_TEXT = re.compile(
    rf"\b{_LACK}\b.{{0,80}}{_WANTED}|{_WANTED}.{{0,80}}\b{_LACK}\b"
    r"|couldn'?t connect|connection error|fail(ed)? (to connect|connecting|to resolve)|name resolution"
    r"|max retries exceeded|(network|host) is unreachable|cannot connect to host",
    re.IGNORECASE | re.DOTALL,
)


def dummy_credentials(environ: Mapping[str, str]) -> dict[str, str]:
    """List the variables of model providers that are missing, with values that let their classes be built."""
    wanted = {f"{name}_API_KEY": DUMMY for name in PROVIDERS} | _OTHERS
    return {name: value for name, value in wanted.items() if not environ.get(name)}


def secrets_read_by(package: str) -> tuple[str, ...]:
    """Return the secrets that a library reads from the environment by itself."""
    return tuple(_READ_BY.get(package, ()))


def dummy_for(name: str) -> str:
    """Return what stands for the secret of a variable; a library of Telegram looks at the form of its token."""
    known = _OTHERS | {variable: value for variables in _READ_BY.values() for variable, value in variables.items()}
    return known.get(name) or (f"1000000001:{DUMMY}" if name.endswith("TOKEN") else DUMMY)


def is_secret(name: str) -> bool:
    """Whether an environment variable's name says that its value is a secret."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).upper().replace("-", "_").split("_")
    if words[-1] in _NOT_SECRET_ENDINGS:
        return False
    if words[-1] == "PWD" and len(words) > 1:  # `PWD` alone is the working directory
        return True
    return any(word in _SECRET_WORDS or word in _KEY_WORDS or word.endswith(("APIKEY", "PASSWORD")) for word in words)


def is_offline(error: BaseException) -> bool:
    """Whether an error, or one that it was raised from, means that nothing beyond loopback can be reached."""
    return any(map(_is_offline, chain(error)))


def lacks_credentials(error: BaseException) -> bool:
    """Whether an error's text complains of a missing key, region or connection."""
    return any(_OFFLINE_TEXT.search(str(one)) is not None for one in chain(error))


def is_unreachable(error: BaseException) -> bool:
    """Whether an error, or one that it was raised from, is of a connection, by its type."""
    return any(map(_is_unreachable, chain(error)))


def _is_unreachable(error: BaseException) -> bool:
    if isinstance(error, (ConnectionError, TimeoutError, socket.gaierror, socket.timeout)):
        return True
    if isinstance(error, OSError) and error.errno in _UNREACHABLE:
        return True
    return any(base.__name__ in _OFFLINE_NAMES for base in type(error).__mro__)


def _is_offline(error: BaseException) -> bool:
    if _is_unreachable(error):
        return True
    if isinstance(error, KeyError) and error.args and isinstance(error.args[0], str):
        return is_secret(error.args[0])
    return _OFFLINE_TEXT.search(str(error)) is not None


def chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and those that it was raised from, or while they were handled."""
    seen: set[int] = set()
    queue: list[BaseException | None] = [error]
    while queue:
        one = queue.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        queue += [one.__cause__, one.__context__, *getattr(one, "exceptions", ())]

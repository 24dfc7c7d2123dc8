"""Credentials are known by what they look like, and what stands for them looks the same."""

from __future__ import annotations

import base64
import json
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from statecheck.credentials.config_texts import mask_text
from statecheck.credentials.dummies import imitate, make_dummy, scrub_text, scrub_value
from statecheck.credentials.shapes import SHAPES, Shape, is_random, match_shapes
from statecheck.probe.offline import DUMMY

# No credential stands here as a whole: what scans this repository for them should have nothing to find.
BODY = "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0fG3hJ6"
OPENAI = f"sk-proj-{BODY}"
AWS = "AK" + f"IA{BODY[:16].upper()}"
HEX = "0123456789abcdef" * 2
FERNET = base64.urlsafe_b64encode(bytes(range(200, 232))).decode()


@st.composite
def credentials(draw: st.DrawFn) -> tuple[Shape, str]:
    shape = draw(st.sampled_from(SHAPES))
    text = draw(st.from_regex(rf"\A(?:{shape.form})\Z", fullmatch=True).map(str.strip))
    return shape, text


@example((SHAPES[3], "AK" + "IA" + "0" * 16), "{}")
@given(credentials(), st.sampled_from(["{}", "key={}", '"{}"', "https://example.com/?x={}", "{}\n", "a {} b"]))
def test_each_form_is_found_wherever_it_stands_and_its_dummy_has_the_same(
    found: tuple[Shape, str], around: str
) -> None:
    shape, secret = found
    if re.fullmatch(shape.form, secret) is None or not any(begin in secret for begin in shape.begins):
        return  # hypothesis ends a text with a newline where `$` would allow it
    said = around.format(secret)

    assert any(secret in match[0] or match[0] in secret for match in match_shapes(said))
    dummy = imitate(secret)
    assert dummy == secret or secret not in scrub_text(said)
    assert re.fullmatch(shape.form, dummy)
    assert imitate(dummy) == dummy


@pytest.mark.parametrize(
    ("name", "value", "dummy"),
    [
        ("LLM", OPENAI, "sk-proj-sC0dU0mM0yS0cD0"),
        ("CLOUD", AWS, "AKIASC0DU0MM"),
        ("OPENAI_API_KEY", "anything", DUMMY),
        ("BOT_TOKEN", "1234567", f"1000000001:{DUMMY}"),
        ("FERNET_KEY", FERNET, base64.urlsafe_b64encode(b"sc-dummy" * 4).decode()),
        ("ENCRYPTION_KEY", HEX, "5cd05cd0"),
        ("TENANT_SECRET", "6f1c2f0a-3f3e-4c61-9d0e-5a8e0d3c9a11", "00000000-0000-4000-8000-000000000000"),
        ("AUTH", BODY, DUMMY),
        ("GROQ", BODY, DUMMY),
        ("DATABASE", "postgresql://shop:hun/ter#2@db/shop", f"postgresql://shop:{DUMMY}@db/shop"),
        ("BROKER", "Server=db;User=shop;Password=hunter2;Port=1", f"Server=db;User=shop;Password={DUMMY};Port=1"),
        ("HOOK", f"https://example.com/in?api_key={HEX[:9]}&v=1", f"https://example.com/in?api_key={DUMMY}&v=1"),
        ("SENTRY_DSN", f"https://{HEX}@example.com/4", "https://5cd05cd0"),
    ],
)  # fmt: skip
def test_a_variable_has_a_dummy_of_its_form(name: str, value: str, dummy: str) -> None:
    safe = scrub_value(name, value)

    assert safe.startswith(dummy)
    assert len(safe) == len(value) or safe in (dummy, DUMMY)
    assert scrub_value(name, safe) == safe


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MODE", "production"),
        ("APP_ID", HEX),  # a name that says nothing
        ("AUTH", "https://example.com/a/long/path/to/log/in"),
        ("AUTH", "enabled-for-all-our-users"),
        ("SESSION", "2026-11-30"),
        ("REDIS", "redis://localhost:6379/0"),
        ("SITE", "https://example.com:8080/@somebody?mail=a@b.example"),
        ("PATH", "/usr/local/bin:/usr/bin"),
        ("MODEL", "sk-learn-tutorial-for-beginners"),
        ("DATABASE", "postgresql://shop:${PASSWORD}@db/shop"),
    ],
)
def test_what_is_none_stays(name: str, value: str) -> None:
    assert scrub_value(name, value) == value


def test_a_document_keeps_its_form() -> None:
    key = f"-----BEGIN PRIVATE KEY-----\n{BODY * 3}\n-----END PRIVATE KEY-----\n"
    account = {"type": "service_account", "private_key": key, "client_email": "a@b.example", "token_uri": "https://x/t"}
    safe = json.loads(make_dummy("GOOGLE_CREDENTIALS", json.dumps(account)))

    assert {**safe, "private_key": ""} == {**account, "private_key": ""}
    assert BODY not in safe["private_key"]
    assert safe["private_key"].startswith("-----BEGIN PRIVATE KEY-----\n")


@given(st.text("0123456789abcdef", min_size=33))
def test_long_hexadecimals_are_random_and_words_are_not(text: str) -> None:
    assert is_random(text) or text.isdigit() or text.isalpha()
    assert not is_random(" ".join(text))


CONFIG = {
    "api_key: hunter22": f"api_key: {DUMMY}",
    "  password: hunter2  # of the shop": f"  password: {DUMMY}  # of the shop",
    'db_password = "it is mine"': f'db_password = "{DUMMY}"',
    "secret='hunter2'": f"secret='{DUMMY}'",
    '{"apiKey": "hunter2", "model": "gpt"}': f'{{"apiKey": "{DUMMY}", "model": "gpt"}}',
    "aws_secret_access_key = abc/def": f"aws_secret_access_key = {DUMMY}",
    "url: postgres://shop:hunter2@db/shop": f"url: postgres://shop:{DUMMY}@db/shop",
    "spring.datasource.password=hunter2": f"spring.datasource.password={DUMMY}",
    f"token: {FERNET}": f"token: {base64.urlsafe_b64encode(b'sc-dummy' * 4).decode()}",
    f"anything: {OPENAI}": f"anything: {imitate(OPENAI)}",
    "# password: hunter2": f"# password: {DUMMY}",
    "password: correct horse/9 battery": f"password: {DUMMY}",
    "password: 20261130": f"password: {DUMMY}",
}
KEPT = [
    "max_tokens: 512",
    "key: user_id",
    "primary_key = thread_id",
    "token: bearer",
    "password: ${DB_PASSWORD}",
    'api_key: "<your key>"',
    "api_key: your-key-here",
    "api_key: os.environ/OPENAI_API_KEY",
    "password:",
    'password: ""',
    "password: null",
    "secret_name: shop-secrets",
    '{"keys": ["a", "b"], "token": {"x": 1}}',
    "prompt: the password is what nobody knows",
    "password: |",
    "passwords: must have eight letters, of which one is large",
    "password = read_password(file)",
    "access_key: 4096",
]


@pytest.mark.parametrize("line", CONFIG)
def test_a_line_of_a_configuration_file_keeps_its_form(line: str) -> None:
    assert mask_text(f"a: 1\n{line}\nb: 2\n", lambda _: False)[0] == f"a: 1\n{CONFIG[line]}\nb: 2\n"


@pytest.mark.parametrize("line", KEPT)
def test_a_line_without_a_credential_stays(line: str) -> None:
    assert mask_text(line, lambda _: False) == (line, ())


def test_what_the_code_says_too_stays_but_for_keys_of_providers() -> None:
    text = f"password: wonderland\napi_key: {OPENAI}\n"

    assert mask_text(text, lambda _: True)[0] == f"password: wonderland\napi_key: {imitate(OPENAI)}\n"


@given(st.text())
def test_any_text_can_be_a_configuration_file(text: str) -> None:
    masked, _ = mask_text(text, lambda _: False)

    assert masked.count("\n") == text.count("\n")
    assert mask_text(masked, lambda _: False)[0] == masked

"""Secrets in command lines."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from razorprof.targets.redact import REDACTED, names_secret, redact_command, redact_text

SECRET = "hunter2,&;x"


@pytest.mark.parametrize(
    "arguments",
    [
        ["app", f"--password={SECRET}"],
        ["app", "--password", SECRET],
        ["app", "--api-key", SECRET, "--port", "1"],
        ["app", f"--token:{SECRET}"],
        ["app", "-token", SECRET],
        ["app", "password", SECRET],
        ["env", f"DB_PASSWORD={SECRET}", "app"],
        ["app", f"--dbPasswd={SECRET}"],
        ["app", f"--aws-secret-access-key={SECRET}"],
        ["app", f"postgresql://admin:{SECRET.replace('/', '')}@db:5432/shop"],
        ["app", f"https://{SECRET}@host/path"],
        ["app", f"https://host/path?a=1&access_token={SECRET}"],
        ["sh", "-c", f"app --password {SECRET} --port 1"],
        ["sh", "-c", f"app --password='{SECRET} and more'"],
        ["app", f'{{"user": "a", "client_secret": "{SECRET}"}}'],
        ["curl", "-H", f"Authorization: Token {SECRET}"],
        ["curl", "-H", f"Cookie: session={SECRET}"],
        ["curl", "-H", f"X-Api-Key: {SECRET}"],
        ["app", f"--credentials={SECRET}"],
        ["app", f"--password={SECRET} with spaces {SECRET}"],
    ],
)
def test_what_follows_or_is_assigned_to_a_secret_word_is_hidden(arguments: list[str]) -> None:
    shown = redact_command(arguments)
    assert "hunter2" not in shown
    assert REDACTED in shown


@pytest.mark.parametrize(
    "token",
    [
        "ghp_" + "a1" * 18,
        "glpat-" + "x" * 20,
        "AKIAABCDEFGHIJKLMNOP",
        "eyJhbGciOiJI.eyJzdWIiOiIx.abc",
        "xoxb-12345678901",
    ],
)
def test_tokens_of_well_known_shape_are_hidden_wherever_they_stand(token: str) -> None:
    assert token not in redact_command(["app", "x" + " " + token])
    assert token not in redact_command(["app", token])


@pytest.mark.parametrize(
    "arguments",
    [
        ["gunicorn", "app:wsgi", "--workers", "4", "--bind=0.0.0.0:8000"],
        ["python3", "-m", "http.server", "--directory", "/srv/keyboards"],
        ["app", "--monkey=1", "--url", "http://host:80/a?b=c", "mail@example.org"],
        ["java", "-Xmx512m", "-jar", "app.jar"],
    ],
)
def test_ordinary_command_lines_stay_as_they_are(arguments: list[str]) -> None:
    assert redact_command(arguments) == " ".join(arguments)


def test_an_option_after_a_secret_option_is_no_secret() -> None:
    assert redact_command(["app", "--token", "--verbose", "file"]) == "app --token --verbose file"


def test_the_host_of_an_address_stays_readable() -> None:
    assert redact_command(["app", "redis://:pw@cache:6379/0"]) == f"app redis://{REDACTED}@cache:6379/0"


@pytest.mark.parametrize(
    ("name", "secret"), [("apiKey", True), ("PGPASSWORD", True), ("keys", True), ("turkey", False)]
)
def test_names_of_secrets_are_known_by_their_parts(name: str, secret: bool) -> None:
    assert names_secret(name) is secret


def test_a_long_command_line_is_cut_and_says_so() -> None:
    shown = redact_command(["app", "a" * 200_000, "b"])
    assert len(shown) < 20_000
    assert shown.endswith("...")


@pytest.mark.parametrize(
    "piece",
    [
        "a",
        "a=",
        "password=",
        "-a ",
        "@",
        "a://",
        "a://@",
        " ",
        "bearer ",
        "'\"",
        "x-",
        "cookie ",
        "key:",
        "eyJ",
        ".",
    ],
)
def test_hostile_text_takes_no_more_than_linear_time(piece: str) -> None:
    text = piece * (1_000_000 // len(piece))
    before = time.process_time()
    redact_text(text)
    assert time.process_time() - before < 2.0


@given(st.lists(st.text(max_size=60), max_size=8))
def test_any_command_line_can_be_redacted(arguments: list[str]) -> None:
    assert isinstance(redact_command(arguments), str)


@given(st.sampled_from(["--password", "--auth-token", "--api_key", "SECRET"]), st.text(min_size=12, max_size=40))
def test_whatever_is_assigned_in_one_argument_is_hidden_to_its_end(name: str, value: str) -> None:
    assert value not in redact_command(["app", f"{name}={value}"])

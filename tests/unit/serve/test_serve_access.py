"""Who may ask: addresses, tokens, Host headers, certificates."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from razorprof.errors import ToolFailed, UsageError
from razorprof.serve.access import Access, access_for, read_token, tls_context
from razorprof.serve.address import parse_address

TOKEN = "0123456789abcdef0123"


@pytest.mark.parametrize(
    ("text", "host", "port", "loopback"),
    [
        ("127.0.0.1:9105", "127.0.0.1", 9105, True),
        ("127.8.8.8:0", "127.8.8.8", 0, True),
        ("[::1]:80", "::1", 80, True),
        ("[::ffff:127.0.0.1]:80", "::ffff:127.0.0.1", 80, True),
        (":9105", "0.0.0.0", 9105, False),
        ("0.0.0.0:1", "0.0.0.0", 1, False),
        ("[::]:1", "::", 1, False),
        ("192.0.2.1:65535", "192.0.2.1", 65535, False),
    ],
)
def test_an_address_says_where_and_who_can_reach_it(text: str, host: str, port: int, loopback: bool) -> None:
    address = parse_address(text)
    assert (address.host, address.port, address.is_loopback) == (host, port, loopback)


@pytest.mark.parametrize(
    "text", ["", "9105", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "::1:9105", "a b:1", "h:-1"]
)
def test_what_is_no_address_is_refused_with_the_form(text: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse_address(text)
    assert "ADDRESS:PORT" in refused.value.hint


def test_an_address_that_others_reach_is_refused_without_a_token() -> None:
    with pytest.raises(UsageError, match="needs a token"):
        access_for(parse_address(":9105"), None)
    assert access_for(parse_address(":9105"), TOKEN.encode()).hosts is None


def test_the_token_counts_only_as_a_whole_and_as_a_bearer_token() -> None:
    access = Access(TOKEN.encode())
    assert access.is_granted({"Authorization": f"Bearer {TOKEN}"})
    assert access.is_granted({"Authorization": f"bearer  {TOKEN} "})
    for header in ("", TOKEN, f"Basic {TOKEN}", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", "Bearer é\udcff"):
        assert not access.is_granted({"Authorization": header})
    assert not access.is_granted({})


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:9105", "127.0.0.1:1", "[::1]:9105", "[::1]"])
def test_our_own_names_are_answered_on_the_loopback(host: str) -> None:
    assert access_for(parse_address("127.0.0.1:1"), None).refusal([host], {}) is None


@pytest.mark.parametrize(
    "hosts", [["evil.example"], ["127.0.0.1.evil.example:9105"], ["localhost", "localhost"], [""]]
)
def test_other_names_are_not(hosts: list[str]) -> None:
    refused = access_for(parse_address("127.0.0.1:1"), None).refusal(hosts, {})
    assert refused is not None
    assert refused.status == 421


def test_pages_of_other_sites_may_not_ask() -> None:
    access = Access()
    assert access.refusal(["localhost"], {"Sec-Fetch-Site": "none"}) is None
    for site in ("cross-site", "same-site"):
        refused = access.refusal(["localhost"], {"Sec-Fetch-Site": site})
        assert refused is not None
        assert refused.status == 403


def test_a_token_is_read_from_a_file_that_only_its_owner_may_read(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    file.chmod(0o600)
    assert read_token(file) == TOKEN.encode()
    for mode in (0o604, 0o640, 0o620):
        file.chmod(mode)
        with pytest.raises(UsageError, match="others may read"):
            read_token(file)


@pytest.mark.parametrize(
    "content", ["", "short", "two words and long enough", f"{TOKEN}\n{TOKEN}", "x" * 5000, "é" * 20]
)
def test_what_is_no_token_is_refused_without_showing_it(tmp_path: Path, content: str) -> None:
    file = tmp_path / "token"
    file.write_text(content)
    file.chmod(0o600)
    with pytest.raises(UsageError) as refused:
        read_token(file)
    assert not content or content not in str(refused.value)


def test_a_token_file_that_is_none_is_refused_at_once(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe, 0o600)
    for path in (pipe, tmp_path, tmp_path / "nothing"):
        with pytest.raises(UsageError):
            read_token(path)


def test_a_certificate_that_cannot_be_used_is_told_with_its_file(tmp_path: Path) -> None:
    assert tls_context(None, None) is None
    with pytest.raises(UsageError, match="--tls-cert"):
        tls_context(None, tmp_path / "key")
    (tmp_path / "cert").write_text("no certificate")
    for name in ("cert", "nothing"):
        with pytest.raises(ToolFailed, match="certificate"):
            tls_context(tmp_path / name, None)

"""URLs of pages: what is understood, and what is refused without being repeated."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from razorprof.errors import NotSupported, RazorprofError, UsageError
from razorprof.remote.http_address import PageAddress, parse_page_address


@pytest.mark.parametrize(
    ("url", "address", "shown"),
    [
        ("http://127.0.0.1:6060", ("127.0.0.1", 6060, "/metrics", False), "http://127.0.0.1:6060/metrics"),
        ("http://127.0.0.1:80/", ("127.0.0.1", 80, "/metrics", False), "http://127.0.0.1:80/metrics"),
        ("http://localhost:1/a?b=c", ("127.0.0.1", 1, "/a?b=c", False), "http://localhost:1/a"),
        ("https://[::1]/m", ("::1", 443, "/m", True), "https://[::1]:443/m"),
        ("http://127.0.0.1", ("127.0.0.1", 80, "/metrics", False), "http://127.0.0.1:80/metrics"),
    ],
)
def test_a_url_becomes_an_address_that_is_shown_without_its_query(
    url: str, address: tuple[str, int, str, bool], shown: str
) -> None:
    found = parse_page_address(url)
    assert (found.host, found.port, found.path, found.tls) == address
    assert str(found) == shown


@pytest.mark.parametrize(
    "url",
    ["", "ftp://127.0.0.1:1", "http://", "http://:80", "127.0.0.1:80", "http://127.0.0.1:99999", "http://[::1",
     "http://127.0.0.1:0", "http://127.0.0.1:1/a b", "http://127.0.0.1:1/\r\nX: y", "http://127.0.0.1:1/#f",
     "http://127.0.0.1:1/ä", "http://127.0.0.1:1/" + "a" * 3000],
)  # fmt: skip
def test_what_is_no_url_of_a_page_is_a_usage_error(url: str) -> None:
    with pytest.raises(UsageError) as error:
        parse_page_address(url)
    assert error.value.hint


@pytest.mark.parametrize("url", ["http://me:sesame@127.0.0.1:1/", "http://sesame@127.0.0.1:1"])
def test_credentials_are_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(UsageError) as error:
        parse_page_address(url)
    assert "sesame" not in f"{error.value} {error.value.hint}"


def test_a_host_by_name_is_refused_because_it_would_have_to_be_asked_for() -> None:
    with pytest.raises(NotSupported, match="by name"):
        parse_page_address("http://example.com:9100/metrics")


@given(st.text(max_size=60), st.sampled_from(["", "http://", "http://127.0.0.1:", "https://["]))
def test_any_text_is_an_address_or_an_error_of_ours(text: str, start: str) -> None:
    try:
        found = parse_page_address(start + text)
    except RazorprofError:
        return
    assert isinstance(found, PageAddress)
    assert found.path.isascii()
    assert found.path.isprintable()
    assert 0 < found.port < 65536

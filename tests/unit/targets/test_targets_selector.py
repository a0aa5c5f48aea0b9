"""The TARGET grammar."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from razorprof.errors import NotSupported, UsageError
from razorprof.targets.selector import SelectorKind, parse_selector


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("1234", SelectorKind.PID, "1234"),
        ("pid:0012", SelectorKind.PID, "12"),
        ("gunicorn", SelectorKind.NAME, "gunicorn"),
        ("name:celery*", SelectorKind.NAME, "celery*"),
        ("name:42", SelectorKind.NAME, "42"),
        ('cmd:"celery worker"', SelectorKind.CMD, "celery worker"),
        ("cmd:a:b", SelectorKind.CMD, "a:b"),
        ("port:8000", SelectorKind.PORT, "8000"),
        ("container:3F2a", SelectorKind.CONTAINER, "3f2a"),
        ("url:http://127.0.0.1:6060", SelectorKind.URL, "http://127.0.0.1:6060"),
        ("app:web", SelectorKind.NAME, "app:web"),
        ("²", SelectorKind.NAME, "²"),
    ],
)
def test_each_form_of_the_grammar_is_understood(text: str, kind: SelectorKind, value: str) -> None:
    selector = parse_selector(text)
    assert (selector.kind, selector.value, selector.text) == (kind, value, text)


@pytest.mark.parametrize(
    "text",
    ["", "  ", "name:", "pid:", "pid:abc", "pid:-1", "0", "pid:0", "port:0", "port:65536", "port:http",
     "url:", "url:ftp://127.0.0.1:1", "url:127.0.0.1:1", "url:http://a:b@127.0.0.1:1",
     "container:", "container:xyz", "container:../etc", "cmd:\0", "pid:1e3", "pid:" + "9" * 5000],
)  # fmt: skip
def test_what_cannot_be_meant_is_a_usage_error_with_a_hint(text: str) -> None:
    with pytest.raises(UsageError) as error:
        parse_selector(text)
    assert error.value.hint


def test_the_job_is_the_name_given_and_empty_for_a_pid() -> None:
    assert parse_selector("name:web").job == "web"
    assert parse_selector("port:8000").job == "8000"
    assert parse_selector("77").job == ""


@given(st.text(max_size=40))
def test_any_text_is_either_a_selector_or_a_usage_error(text: str) -> None:
    try:
        selector = parse_selector(text)
    except (UsageError, NotSupported):
        return
    assert selector.value

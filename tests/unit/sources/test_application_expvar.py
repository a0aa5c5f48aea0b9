"""expvar's JSON as samples: numbers by their names, all else passed over, hostile pages refused."""

from __future__ import annotations

import json

import pytest

from razorprof.errors import NotSupported, ToolFailed
from razorprof.model.labels import Labels
from razorprof.remote.http_page import Page
from razorprof.sources.application_expvar import MOST_BYTES, MOST_SAMPLES, VarsParser


def page(document: object) -> Page:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return Page("application/json; charset=utf-8", body, 0.001)


def values(document: object, taken: frozenset[str] = frozenset()) -> dict[tuple[str, Labels], float]:
    return {(sample.name, sample.labels): sample.value for sample in VarsParser(taken).parse(page(document))}


def test_numbers_and_maps_of_numbers_become_gauges() -> None:
    found = values(
        {
            "cmdline": ["./shop"],
            "memstats": {"Alloc": 5, "PauseNs": [1, 2]},
            "requests": 3,
            "load.avg-1": 0.5,
            "cache": {"hits": 7, "name": "x", "deep": {"n": 1}, "on": True},
            "version": "1.2",
            "ready": True,
            "list": [1, 2],
            "none": None,
        }
    )
    assert found == {
        ("expvar_requests", Labels()): 3.0,
        ("expvar_load_avg_1", Labels()): 0.5,
        ("expvar_cache", Labels(key="hits")): 7.0,
    }


def test_names_that_razorprof_gives_itself_are_left_to_it() -> None:
    document = {"cmdline": [], "a": 1, "b": 2}
    assert values(document, frozenset({"expvar_a"})) == {("expvar_b", Labels()): 2.0}


def test_the_same_names_are_the_same_objects_at_the_next_page() -> None:
    parser = VarsParser(frozenset())
    first, second = (parser.parse(page({"cmdline": [], "a": {"b": n}})) for n in (1, 2))
    assert first[0].metric is second[0].metric
    assert first[0].labels is second[0].labels


@pytest.mark.parametrize(
    ("document", "kind"),
    [
        (b"", ToolFailed),
        (b"{", ToolFailed),
        (b"[" * 100_000, ToolFailed),
        (b"\xff\xfe", ToolFailed),
        (b" " * (MOST_BYTES + 1), ToolFailed),
        ([1, 2], NotSupported),
        ({"status": "ok", "uptime": 3}, NotSupported),
    ],
    ids=["empty", "cut", "deep", "no text", "large", "a list", "other JSON"],
)
def test_what_is_no_page_of_expvar_is_refused(document: object, kind: type[Exception]) -> None:
    with pytest.raises(kind):
        values(document)


def test_numbers_that_no_float_holds_and_too_many_are_passed_over() -> None:
    text = b'{"cmdline": [], "huge": 1e999, "nan": NaN, "long": ' + b"9" * 400 + b', "fine": 1}'
    assert values(text) == {("expvar_fine", Labels()): 1.0}
    many = {"cmdline": [], **{f"n{number}": number for number in range(2 * MOST_SAMPLES)}}
    assert len(values(many)) == MOST_SAMPLES

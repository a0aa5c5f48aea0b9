"""What expvar says is taken field by field; what is no such page is refused in words."""

from __future__ import annotations

import json

import pytest
from razorprof_go.endpoint_source import memstats
from razorprof_go.expvar_collector import parse_vars

from razorprof.errors import NotSupported, ToolFailed


def test_figures_are_taken_and_what_is_none_is_left_out() -> None:
    page = {
        "cmdline": ["x"],
        "memstats": {"Alloc": 12, "NextGC": 4194304, "Sys": -1, "Frees": True, "Mallocs": "9"},
    }
    assert memstats(json.dumps(page).encode()) == {"Alloc": 12.0, "NextGC": 4194304.0}


def test_another_page_of_json_has_no_memstats() -> None:
    for page in ("{}", "[]", "7", '{"memstats": [1]}'):
        with pytest.raises(NotSupported):
            memstats(page.encode())


def test_what_is_no_json_is_said_to_be_none() -> None:
    for page in (b"<html>", b"", b"\xff\xfe", b"[" * 200_000, b'{"memstats": NaN'):
        with pytest.raises(ToolFailed):
            memstats(page)


def test_the_ring_of_expvar_is_the_one_of_memory() -> None:
    ring = {"PauseNs": [7, *[0] * 255], "PauseEnd": [99, *[0] * 255]}
    figures = {"LastGC": 99, "PauseTotalNs": 7, "NumGC": 1, "NumForcedGC": 0, "GCCPUFraction": 0.25}
    block = parse_vars(json.dumps({"memstats": ring | figures}).encode())
    assert block.is_consistent()
    assert block.since(0) == [(99, 7)]
    for damage in ({"NumGC": -1}, {"PauseNs": [1]}, {"PauseEnd": "x"}, {"LastGC": None}):
        with pytest.raises(NotSupported):
            parse_vars(json.dumps({"memstats": ring | figures | damage}).encode())
    with pytest.raises(ToolFailed):
        parse_vars(b"<html>")

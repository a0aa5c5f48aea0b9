"""Which endpoint a user has named, and that it reaches whoever asks there: sources and captures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from razorprof.model.profile import Profile
from razorprof.model.target import Identity, Target
from razorprof.model.threads import ThreadDump
from razorprof.plugin.captures import CpuRequest, ThreadsRequest, Watch
from razorprof.plugin.protocols import Capability, Detection, Source, Support
from razorprof.remote.process import ProcessView
from razorprof.session import captures
from razorprof.targets.endpoint import endpoint_of

URL = "http://127.0.0.1:6060"
NAMED = Target(Identity(7, 1), "web", selector=f"url:{URL}")


@pytest.mark.parametrize(
    ("target", "url"),
    [
        (NAMED, URL),
        (replace(NAMED, selector=f"url:{URL}/app/metrics?x=1"), f"{URL}/app/metrics?x=1"),
        (replace(NAMED, parent=3), ""),
        (replace(NAMED, selector="port:6060"), ""),
        (replace(NAMED, selector="7"), ""),
        (replace(NAMED, selector=""), ""),
    ],
)
def test_only_a_url_that_named_this_very_process_is_an_endpoint(target: Target, url: str) -> None:
    assert endpoint_of(target) == url


class Asked:
    """A runtime that keeps what it was asked for."""

    name = "asked"

    def __init__(self) -> None:
        self.urls: list[str] = []

    def detect(self, process: ProcessView) -> Detection | None:
        return Detection("asked", "1")

    def capabilities(self, detection: Detection) -> Mapping[Capability, Support]:
        return {}

    def sources(self, detection: Detection) -> Sequence[Source]:
        return []

    def record_cpu(self, target: Target, detection: Detection, request: CpuRequest, watch: Watch) -> Profile:
        self.urls.append(request.url)
        return Profile()

    def dump_threads(
        self, target: Target, detection: Detection, request: ThreadsRequest, watch: Watch
    ) -> ThreadDump:
        self.urls.append(request.url)
        return ThreadDump(1.0, ())


def test_captures_are_told_the_endpoint_unless_they_name_one(monkeypatch: pytest.MonkeyPatch) -> None:
    runtime = Asked()
    monkeypatch.setattr(captures, "runtime_of", lambda target: (runtime, Detection("asked", "1")))
    captures.record_cpu(NAMED, CpuRequest(1.0), Watch())
    captures.record_cpu(NAMED, CpuRequest(1.0, url="http://127.0.0.1:1"), Watch())
    captures.dump_threads(NAMED, ThreadsRequest(), Watch())
    captures.dump_threads(replace(NAMED, selector="7"), ThreadsRequest(), Watch())
    assert runtime.urls == [URL, "http://127.0.0.1:1", URL, ""]

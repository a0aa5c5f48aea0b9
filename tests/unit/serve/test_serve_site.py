"""What each path answers, without sockets."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Callable

import pytest

from razorprof.clock import ManualClock
from razorprof.errors import PermissionDenied, TargetGone, ToolFailed
from razorprof.model.frame import Frame, ThreadId
from razorprof.model.metric import Sample, gauge
from razorprof.model.profile import Profile, StackKey
from razorprof.model.target import Identity, Target
from razorprof.model.threads import ThreadDump, ThreadGroup, ThreadInfo, ThreadState
from razorprof.plugin.captures import CpuRequest, ThreadsRequest, Watch
from razorprof.recording.profile_files import decode_profile
from razorprof.serve.access import Access
from razorprof.serve.answers import Answer, Question
from razorprof.serve.debug_pprof import Captures, DebugPprof
from razorprof.serve.pulse import Pulse
from razorprof.serve.site import Site, answer_before
from tests.unit.serve.served import OTHER, TARGET, Served

RSS = gauge("process_resident_memory_bytes", "bytes", "rss")
HOSTILE = Target(Identity(9, 1), "<script>\x1b[2J", 1.0)
FRAMES = (Frame("work", "app.py", 3),)
PROFILE = Profile(
    {StackKey(ThreadId(7), FRAMES): 2.0}, seconds=2.0, samples=200, rate_hz=100.0, value="cpu", rounds=200
)
DUMP = ThreadDump(
    1.0,
    tuple(ThreadInfo(number, f"worker-{number}", state=ThreadState.IDLE, frames=FRAMES) for number in range(1, 6)),
    groups=(ThreadGroup(ThreadState.IDLE, FRAMES, (1, 2, 3, 4, 5)),),
)


class Room:
    """A site over a fed view, with captures that are told what to give."""

    def __init__(self, *targets: Target, token: bytes | None = None) -> None:
        self.served = Served(RSS, targets=targets or (TARGET,))
        self.clock = ManualClock()
        self.requests: list[CpuRequest | ThreadsRequest] = []
        self.capture: Callable[[Target, Watch], Profile] = lambda target, watch: PROFILE
        self.pprof = DebugPprof(self.served.view, Captures(self._record, self._dump))
        self.pulse = Pulse(1.0, self.clock)
        self.site = Site(self.served.view, self.pulse, Access(token), pprof=self.pprof)

    def get(
        self, path: str, query: str = "", has_left: Callable[[], bool] = lambda: False, **headers: str
    ) -> Answer:
        pairs = dict(pair.split("=") for pair in query.split("&")) if query else {}
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.site.answer(Question(path, pairs, named, has_left), ["localhost"])

    def _record(self, target: Target, request: CpuRequest, watch: Watch) -> Profile:
        self.requests.append(request)
        return self.capture(target, watch)

    def _dump(self, target: Target, request: ThreadsRequest, watch: Watch) -> ThreadDump:
        self.requests.append(request)
        return DUMP


def text(answer: Answer) -> str:
    return answer.body.decode()


def test_it_is_ready_once_each_target_was_read_and_stays_so() -> None:
    room = Room(TARGET, OTHER)
    assert room.get("/-/ready").status == 503
    room.served.scrape(1.0, Sample(RSS, 1.0))
    room.served.tick(1.0)
    waiting = room.get("/-/ready")
    assert (waiting.status, text(waiting)) == (503, "waiting for the first look at 8 worker\n")
    room.served.scrape(2.0, Sample(RSS, 1.0), target=OTHER)
    room.served.tick(2.0)
    assert room.get("/-/ready").status == 200
    room.served.pipeline.add(HOSTILE)
    room.served.tick(3.0)
    assert room.get("/-/ready").status == 200


def test_when_sampling_has_stopped_nothing_old_passes_for_new() -> None:
    room = Room()
    room.served.scrape(1.0, Sample(RSS, 1.0))
    room.served.tick(1.0)
    assert [room.get(path).status for path in ("/metrics", "/-/healthy", "/-/ready")] == [200, 200, 200]
    room.clock.advance(16.0)
    assert [room.get(path).status for path in ("/metrics", "/-/healthy", "/-/ready")] == [503, 503, 503]
    assert "no tick for 16 s" in text(room.get("/metrics"))
    room.pulse.beat()
    assert room.get("/metrics").status == 200


def test_there_is_no_page_before_the_first_tick() -> None:
    assert Room().get("/metrics").status == 503


def test_metrics_come_in_the_format_and_packing_that_was_asked_for() -> None:
    room = Room()
    room.served.scrape(1.0, Sample(RSS, 1.0))
    room.served.tick(1.0)
    plain = room.get("/metrics")
    assert plain.type == "text/plain; version=0.0.4; charset=utf-8"
    packed = room.get("/metrics", Accept="application/openmetrics-text;version=1.0.0", Accept_Encoding="gzip")
    assert packed.type.startswith("application/openmetrics-text; version=1.0.0")
    assert ("Content-Encoding", "gzip") in packed.more
    assert gzip.decompress(packed.body).endswith(b"# EOF\n")


def test_without_the_token_only_health_is_told_and_no_names() -> None:
    room = Room(token=b"0123456789abcdef")
    for path in ("/", "/metrics", "/debug/pprof/profile", "/nothing"):
        refused = room.get(path)
        assert (refused.status, refused.more) == (401, (("WWW-Authenticate", "Bearer"),))
    assert room.get("/-/healthy").status == 200
    assert text(room.get("/-/ready")) == "not ready\n"
    room.served.tick(1.0)
    assert room.requests == []
    assert room.get("/metrics", Authorization="Bearer 0123456789abcdef").status == 200


def test_the_index_links_the_pages_and_escapes_names() -> None:
    room = Room(HOSTILE)
    index = room.get("/")
    assert index.type.startswith("text/html")
    assert "&lt;script&gt;\\x1b[2J" in text(index)
    assert "<script>" not in text(index)
    assert '<a href="/metrics">' in text(index)


def test_a_profile_is_pprof_of_the_only_target() -> None:
    room = Room()
    answer = room.get("/debug/pprof/profile", "seconds=2")
    assert (answer.status, answer.type) == (200, "application/octet-stream")
    assert decode_profile(answer.body, "p.pb.gz").total == pytest.approx(2.0)
    assert room.requests == [CpuRequest(2.0)]


@pytest.mark.parametrize("seconds", ["0", "-1", "301", "nan", "inf", "x", "1e9"])
def test_seconds_out_of_bounds_are_refused(seconds: str) -> None:
    room = Room()
    assert room.get("/debug/pprof/profile", f"seconds={seconds}").status == 400
    assert room.requests == []


def test_one_of_several_targets_must_be_named() -> None:
    room = Room(TARGET, OTHER)
    several = room.get("/debug/pprof/goroutine")
    assert (several.status, "7, 8" in text(several)) == (400, True)
    assert text(room.get("/debug/pprof/goroutine", "pid=8")).startswith("8 worker\n")
    for pid in ("1", "x", "99"):
        assert room.get("/debug/pprof/profile", f"pid={pid}").status == 404


def test_a_target_that_ended_is_not_profiled() -> None:
    room = Room()
    room.served.end(1.0)
    room.served.tick(1.0)
    assert room.get("/debug/pprof/profile").status == 404


def test_a_second_capture_is_told_to_come_again() -> None:
    room = Room()
    inside, go_on = threading.Event(), threading.Event()

    def capture(target: Target, watch: Watch) -> Profile:
        inside.set()
        assert go_on.wait(10)
        return PROFILE

    room.capture = capture
    first: list[Answer] = []
    thread = threading.Thread(target=lambda: first.append(room.get("/debug/pprof/profile")))
    thread.start()
    assert inside.wait(10)
    for path in ("profile", "goroutine"):
        refused = room.get(f"/debug/pprof/{path}")
        assert (refused.status, refused.more) == (429, (("Retry-After", "10"),))
    go_on.set()
    thread.join(10)
    assert first[0].status == 200
    assert room.get("/debug/pprof/goroutine").status == 200


def test_a_capture_ends_when_its_client_leaves_or_the_server_ends() -> None:
    for left in (True, False):
        room = Room()

        def capture(target: Target, watch: Watch, room: Room = room, left: bool = left) -> Profile:
            if not left:
                threading.Thread(target=room.pprof.stop, args=(5.0,)).start()
            assert watch.enough.wait(10)
            return PROFILE

        room.capture = capture
        has_gone = (lambda: True) if left else (lambda: False)
        assert room.get("/debug/pprof/profile", has_left=has_gone).status == 200


@pytest.mark.parametrize(
    ("error", "status"),
    [(TargetGone("ended"), 410), (PermissionDenied("no\x1b", hint="doctor"), 403), (ToolFailed("broken"), 502)],
)
def test_what_goes_wrong_is_told_with_its_hint(error: Exception, status: int) -> None:
    room = Room()

    def capture(target: Target, watch: Watch) -> Profile:
        raise error

    room.capture = capture
    answer = room.get("/debug/pprof/profile")
    assert answer.status == status
    assert "\x1b" not in text(answer)
    assert room.get("/debug/pprof/goroutine").status == 200  # the place is free again


def test_threads_are_told_in_groups_or_one_by_one() -> None:
    room = Room()
    grouped = text(room.get("/debug/pprof/goroutine", "debug=1"))
    single = text(room.get("/debug/pprof/goroutine", "debug=2"))
    assert grouped.count("work (app.py:3)") == 1
    assert single.count("work (app.py:3)") == 5
    assert room.get("/debug/pprof/goroutine", "debug=0").status == 400


def test_allocations_are_refused_with_the_reason() -> None:
    refused = Room().get("/debug/pprof/heap")
    assert refused.status == 501
    assert "--attach" in text(refused)


def test_other_paths_are_not_there() -> None:
    room = Room()
    for path in ("/metrics/", "/debug/pprof/", "/debug/pprof/cmdline", "/../etc/passwd", "//", ""):
        assert room.get(path).status == 404


def test_while_the_target_is_waited_for_it_is_alive_but_not_ready() -> None:
    assert answer_before(Question("/-/healthy")).status == 200
    assert {answer_before(Question(path)).status for path in ("/-/ready", "/metrics", "/")} == {503}

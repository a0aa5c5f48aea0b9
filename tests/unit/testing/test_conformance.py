"""The conformance kit catches what plug-ins do wrong: each fault by one that has it, and is good otherwise."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import pytest
from rich.console import RenderableType
from rich.text import Text

from razorprof.errors import NotSupported, TargetGone, ToolFailed, UsageError
from razorprof.model.labels import Labels
from razorprof.model.metric import Sample, counter, gauge, histogram
from razorprof.model.notice import Notice
from razorprof.model.profile import Profile
from razorprof.model.target import Target
from razorprof.plugin.loading import find_runtime, formats
from razorprof.plugin.panels import PanelSize, PanelView
from razorprof.plugin.protocols import Capability, Detection, SourceOptions, Support
from razorprof.remote.process import ProcessView
from razorprof.testing import conformance
from razorprof.testing.conformance.programs import python_program

WORK = counter("work_total", "", "Work done.", "kind")
TOOK = histogram("took_seconds", "seconds", "How long it took.")
HEAT = gauge("heat_ratio", "ratio", "How hot.")


def rules(findings: Iterable[conformance.Finding]) -> set[str]:
    return {finding.rule for finding in findings}


class Source:
    """Good: a counter, a gauge and a histogram. Made bad by what `give` and `metrics` are replaced with."""

    name: ClassVar[Any] = "work"
    metrics: ClassVar[Any] = (WORK, TOOK, HEAT)

    def __init__(self, give: Any = None, **attributes: Any) -> None:
        self.give = give or good_samples
        self.closed = 0
        for name, value in attributes.items():
            setattr(self, name, value)

    def open(self, target: Target, options: SourceOptions) -> Any:
        return Reader(self, target)


class Reader:
    def __init__(self, source: Source, target: Target) -> None:
        self._source, self._target, self._reads = source, target, 0
        self.rest: Any = getattr(source, "rest", 0.0)
        self._closed = 0

    def read(self) -> Any:
        if not ProcessView(self._target.pid).is_same(self._target.identity) and not hasattr(self._source, "blind"):
            raise TargetGone("gone")
        self._reads += 1
        return self._source.give(self._reads)

    def close(self) -> None:
        self._closed += 1
        getattr(self._source, "closing", lambda times: None)(self._closed)


def good_samples(number: int) -> list[Any]:
    buckets = [Sample(TOOK, count, Labels(le=bound), "_bucket") for bound, count in (("0.1", 1.0), ("+Inf", 3.0))]
    return [
        Sample(WORK, float(number), Labels(kind="hard")),
        *buckets,
        Sample(TOOK, 3.0, suffix="_count"),
        Sample(TOOK, 0.5, suffix="_sum"),
        Sample(HEAT, 0.5),
    ]


def leaves(*_: Any) -> Any:
    raise SystemExit(3)


def crashes(*_: Any) -> Any:
    raise ZeroDivisionError("oops")


def sleeps(seconds: float, then: Any) -> Any:
    time.sleep(seconds)
    return then


def signals(process: ProcessView) -> Detection:
    os.kill(process.pid, 28)
    return COPY


def second_close(times: int) -> None:
    if times > 1:
        raise ValueError("closed twice")


def check(source: Source) -> set[str]:
    return rules(conformance.check_source(source, pause=0.0, limit=0.6))


def test_a_good_source_has_no_findings() -> None:
    conformance.expect(conformance.check_source(Source(), pause=0.0))


@pytest.mark.parametrize(
    ("source", "rule"),
    [
        (Source(lambda n: [Sample(gauge("other", "", "x"), 1.0)]), "undeclared"),
        (Source(lambda n: [Sample(gauge("work_total", "", "x"), 1.0)]), "kind"),
        (Source(lambda n: [Sample(replace(HEAT, unit="bytes"), 1.0)]), "unit"),
        (Source(lambda n: [Sample(WORK, 10.0 - n, Labels(kind="a"))]), "counter_fell"),
        (Source(lambda n: [Sample(WORK, -1.0, Labels(kind="a"))]), "value"),
        (Source(lambda n: [Sample(WORK, float("nan"), Labels(kind="a"))]), "value"),
        (Source(lambda n: [Sample(WORK, 1.0, Labels(colour="a"))]), "label"),
        (Source(lambda n: [Sample(HEAT, 1.0), Sample(HEAT, 2.0)]), "duplicate"),
        (Source(lambda n: [Sample(TOOK, 1.0)]), "suffix"),
        (Source(lambda n: [Sample(TOOK, 1.0, Labels(le="0.1"), "_bucket")]), "histogram"),
        (Source(lambda n: [Sample(HEAT, "hot")]), "type"),  # type: ignore[arg-type]
        (Source(lambda n: ["text"]), "type"),
        (Source(lambda n: sleeps(3, [])), "hang"),
        (Source(crashes), "read"),
        (Source(leaves), "read"),
        (Source(lambda n: None), "read"),
        (Source(closing=second_close), "close"),
        (Source(closing=crashes), "close"),
        (Source(blind=True), "gone"),
        (Source(rest="soon"), "type"),
        (Source(name="two words"), "name"),
        (Source(metrics="none"), "shape"),
        (Source(metrics=(counter("work", "", "x"),), give=lambda n: []), "metric_name"),
        (Source(metrics=(gauge("heat_bytes", "seconds", "x"),), give=lambda n: []), "metric_unit"),
        (Source(metrics=(gauge("heat_ms", "ms", "x"),), give=lambda n: []), "metric_unit"),
        (Source(metrics=(gauge("heat", "", ""),), give=lambda n: []), "metric_help"),
        (Source(metrics=(gauge("heat", "", "x", "pid"),), give=lambda n: []), "label_name"),
        (Source(open=crashes), "open"),
        (Source(open=lambda target, options: object()), "open"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each_fault_of_a_source_is_found(source: Source, rule: str) -> None:
    assert rule in check(source)


def test_a_refusal_is_an_answer_only_where_the_author_says_so() -> None:
    def refuse(target: Target, options: SourceOptions) -> Any:
        raise NotSupported("no tool")

    assert check(Source(open=refuse)) == {"open"}
    assert not conformance.check_source(Source(open=refuse), may_refuse=True)


def test_expect_lists_all_findings() -> None:
    with pytest.raises(AssertionError, match="work: other is given and not declared"):
        conformance.expect(conformance.check_source(Source(lambda n: [Sample(gauge("other", "", "x"), 1.0)])))


class Runtime:
    """Good: CPython's own detection under another name. Faults are put in its place."""

    name: ClassVar[str] = "copy"

    def __init__(self, **attributes: Any) -> None:
        for name, value in attributes.items():
            setattr(self, name, value)

    def detect(self, process: ProcessView) -> Detection | None:
        found = find_runtime("cpython").detect(process)
        return None if found is None else replace(found, runtime="copy")

    def capabilities(self, detection: Detection) -> Mapping[Capability, Support]:
        return {Capability.GC: Support(False, reason="not looked at")}

    def sources(self, detection: Detection) -> Sequence[Any]:
        return []


COPY = Detection("copy", "1.0")


def writes(process: ProcessView) -> Detection:
    Path(os.devnull).write_text("x")
    return COPY


def slow(process: ProcessView) -> Detection | None:
    time.sleep(0.3)
    return COPY if "python" in process.comm() else None


@pytest.mark.parametrize(
    ("runtime", "rule"),
    [
        (Runtime(detect=writes), "detect_writes"),
        (Runtime(detect=signals), "detect_writes"),
        (Runtime(detect=slow), "detect_slow"),
        (Runtime(detect=lambda process: COPY), "detect_claims"),
        (Runtime(detect=lambda process: None), "detect"),
        (Runtime(detect=lambda process: "copy"), "detect"),
        (Runtime(detect=lambda process: Detection("other", "1")), "detect"),
        (Runtime(detect=crashes), "detect"),
        (Runtime(capabilities=crashes), "capabilities"),
        (Runtime(capabilities=lambda found: {Capability.GC: Support(False)}), "capabilities"),
        (Runtime(capabilities=lambda found: {Capability.GC: Support(True, intrusiveness=9)}), "capabilities"),
        (Runtime(capabilities=lambda found: {Capability.CPU: Support(True)}), "capabilities"),
        (Runtime(capabilities=lambda found: {"gc": True}), "capabilities"),
        (Runtime(sources=lambda found: [Source(), Source()]), "sources"),
        (Runtime(sources=lambda found: [object()]), "sources"),
        (Runtime(sources=lambda found: [Source(crashes)]), "read"),
        (Runtime(sources=None), "shape"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each_fault_of_a_runtime_is_found(runtime: Any, rule: str) -> None:
    with python_program() as program:
        assert rule in rules(conformance.check_runtime(runtime, own=program.pid, may_refuse=False))


def test_a_good_runtime_has_no_findings() -> None:
    with python_program() as program:
        conformance.expect(conformance.check_runtime(Runtime(), own=program.pid))


class Broken:
    """Our own format, with faults put in the place of what it does."""

    def __init__(self, **attributes: Any) -> None:
        good = next(format for format in formats() if format.name == "razorprof")
        for name in ("name", "endings", "can_read", "write", "read"):
            setattr(self, name, attributes.get(name, getattr(good, name)))


GOOD = next(format for format in formats() if format.name == "razorprof")


def careless(content: bytes) -> Profile:
    if content[:1] != b"{":
        raise KeyError("no brace")
    return GOOD.read(content)


def doubled(content: bytes) -> Profile:
    found = GOOD.read(content)
    return replace(found, weights={key: 2 * weight for key, weight in found.weights.items()})


@pytest.mark.parametrize(
    ("format", "rule"),
    [
        (Broken(read=doubled), "round_trip"),
        (Broken(read=careless), "hostile"),
        (Broken(read=lambda content: sleeps(3, None)), "round_trip"),
        (Broken(write=lambda profile: os.urandom(8)), "write"),
        (Broken(write=lambda profile: "text"), "write"),
        (Broken(write=crashes), "write"),
        (Broken(can_read=False), "read"),
        (Broken(endings=("json",)), "endings"),
        (Broken(endings=".json"), "shape"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each_fault_of_a_format_is_found(format: Any, rule: str) -> None:
    assert rule in rules(conformance.check_format(format, limit=0.5))


class Sender:
    def __init__(self, notifier: Notifier) -> None:
        self._notifier = notifier
        self._closed = 0

    def send(self, notices: Sequence[Notice], timeout: float) -> None:
        self._notifier.act(notices, timeout)

    def close(self) -> None:
        self._closed += 1
        self._notifier.closing(self._closed)


class Notifier:
    name: ClassVar[Any] = "teller"
    options: ClassVar[Any] = {"to": "whom to tell"}
    wants_repeats: ClassVar[Any] = False
    most: ClassVar[Any] = 5

    def __init__(self, act: Any = lambda notices, timeout: None, **attributes: Any) -> None:
        self.act = act
        self.closing: Any = lambda times: None
        for name, value in attributes.items():
            setattr(self, name, value)

    def open(self, options: Mapping[str, str], clock: Any) -> Any:
        if options.get("to") == "nobody":
            raise UsageError("whom?")
        return Sender(self)


def patient(notices: Sequence[Notice], timeout: float) -> None:
    raise ToolFailed("nobody answered")


@pytest.mark.parametrize(
    ("notifier", "rule"),
    [
        (Notifier(lambda notices, timeout: sleeps(timeout + 4, None)), "timeout"),
        (Notifier(crashes), "send"),
        (Notifier(leaves), "send"),
        (Notifier(patient), "send"),
        (Notifier(closing=second_close), "close"),
        (Notifier(open=crashes), "open"),
        (Notifier(open=lambda options, clock: Sender(Notifier())), "options"),
        (Notifier(options={"to": ""}), "options"),
        (Notifier(options=["to"]), "shape"),
        (Notifier(most=0), "shape"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each_fault_of_a_notifier_is_found(notifier: Any, rule: str) -> None:
    assert rule in rules(conformance.check_notifier(notifier, {}, bad={"to": "nobody"}, timeout=0.1))


def test_a_good_notifier_has_no_findings_and_one_that_claims_to_have_told_the_silent_has() -> None:
    notifier: Any = Notifier()
    conformance.expect(conformance.check_notifier(notifier, {"to": "all"}, bad={"to": "nobody"}))
    assert rules(conformance.check_notifier(notifier, {}, hanging={})) == {"timeout"}


class Panel:
    name: ClassVar[Any] = "drawing"
    title: ClassVar[Any] = "a drawing"
    needs: ClassVar[Any] = ()

    def __init__(self, draw: Any = lambda view, size: Text("good"), **attributes: Any) -> None:
        self._draw = draw
        for name, value in attributes.items():
            setattr(self, name, value)

    def render(self, view: PanelView, size: PanelSize) -> RenderableType:
        drawn: RenderableType = self._draw(view, size)
        return drawn


@pytest.mark.parametrize(
    ("panel", "rule"),
    [
        (Panel(lambda view, size: "x" * (1 // (size.width - 1))), "render"),
        (Panel(lambda view, size: view.series()[0][0]), "render"),
        (Panel(lambda view, size: 42), "render"),
        (Panel(lambda view, size: Path(os.devnull).write_text("x") and "x"), "deeds"),
        (Panel(title=""), "shape"),
        (Panel(needs="python_info"), "shape"),
        (Panel(name=7), "name"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each_fault_of_a_panel_is_found(panel: Any, rule: str) -> None:
    assert rule in rules(conformance.check_panel(panel))


def test_a_panel_that_hangs_or_is_slow_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    from razorprof.testing.conformance import panels

    monkeypatch.setattr(panels, "_LIMIT", 0.2)
    monkeypatch.setattr(panels, "LONGEST_DRAW", 0.02)
    for seconds, rule in ((1.0, "hang"), (0.05, "slow")):
        panel: Any = Panel(lambda view, size, seconds=seconds: sleeps(seconds, "x"))
        assert rules(conformance.check_panel(panel)) == {rule}

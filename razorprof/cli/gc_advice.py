"""The ``--advise`` part of ``razorprof gc``: look at one target for some seconds, then say what to change.

Called by cli.gc. Watches through a session, as ``top`` does, so that the advice rests on the same figures. Ctrl-C
ends the watching, and what was seen until then is still judged.
"""

from __future__ import annotations

import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from razorprof.cli import output
from razorprof.errors import ExitCode, TargetGone, ToolFailed, UsageError

if TYPE_CHECKING:
    from razorprof.analysis.advice_observation import Observation
    from razorprof.model.advice import Advice, AdviceFigure
    from razorprof.model.gc import GcState
    from razorprof.model.gil import GilState
    from razorprof.model.target import Target
    from razorprof.model.verdict import Verdict
    from razorprof.plugin.protocols import Detection
    from razorprof.session.session import Session
    from razorprof.session.view import SessionState

DEFAULT_SECONDS, LONGEST_SECONDS = "10", 3600.0
_LATEST = 15.0  # seconds more than asked for: then the collector was not seen often enough, and that is said
_TEXT_WIDTH = 100


@dataclass(frozen=True, slots=True)
class Advised:
    """What came of it. code: of the command; observation is None where nothing was seen."""

    observation: Observation | None
    advice: tuple[Advice, ...]
    gc: GcState | None
    gil: GilState | None
    code: ExitCode
    reason: str = ""


def advise_on(
    target: Target, detection: Detection, seconds: float, *, probe: bool, progress: Callable[[float], None]
) -> Advised:
    """Watch for `seconds`, or until Ctrl-C or the target's end, and judge. progress: told the seconds seen. Raises
    NotSupported where its runtime has no advice."""
    from razorprof.analysis.advice_observation import SHORTEST_SECONDS
    from razorprof.model.metric import Sample
    from razorprof.plugin import loading
    from razorprof.session import protect
    from razorprof.session.advising import advise, need_adviser
    from razorprof.session.observing import Observing, look_at_workers, read_now
    from razorprof.session.session import Session, SessionOptions

    need_adviser(detection.runtime)
    protect.step_back()
    observing = Observing(target, detection)
    session = Session(
        SessionOptions(probe=probe), sources=loading.sources, runtimes=loading.runtimes, taps=(observing.see,)
    )
    before = look_at_workers(target)
    session.watch(target)
    code = ExitCode.DONE

    began: float | None = None

    def publish(state: SessionState) -> None:
        nonlocal began
        began = state.time if began is None else began
        progress(min(seconds, observing.seconds))
        if observing.seconds >= seconds or state.time - began >= seconds + _LATEST:
            session.stop()

    with _interrupting(session) as interrupted:
        session.run(publish)
        is_alive, last = session.alive(), observing.last[0]
        if is_alive and last is not None:  # allocated blocks, which the session reads too seldom
            readings = read_now(target, "gc")
            observing.note(last.time, (reading for reading in readings if isinstance(reading, Sample)))
        verdict: Verdict | None = session.view.verdict(target.identity)
        found = observing.observation(verdict=verdict, before=before, now=look_at_workers(target))
    if not is_alive:
        code = ExitCode.NO_TARGET
    elif interrupted.is_set():
        code = ExitCode.INTERRUPTED
    reason = ""
    if found is None:
        reason = _why_nothing(session, target)
    elif not found.is_long_enough:
        reason = f"seen for {found.seconds:.1f} s only: advice needs {SHORTEST_SECONDS:g} s at least"
    if reason and code is ExitCode.DONE:
        code = ExitCode.TOOL_FAILED
    return Advised(found, advise(found) if found is not None else (), *observing.last, code, reason)


def settle(advised: Advised, target: Target) -> int:
    """The exit code, once all is printed. Raises where there is nothing to print at all."""
    if advised.observation is None and advised.code is ExitCode.NO_TARGET:
        raise TargetGone("the target ended before its collector could be seen", value=target.pid)
    if advised.observation is None and advised.code is not ExitCode.INTERRUPTED:
        raise ToolFailed("its collector could not be read", value=advised.reason)
    return advised.code


def advice_document(advised: Advised) -> dict[str, Any]:
    """The keys that ``--advise`` adds to the document of ``gc``."""
    seen = advised.observation
    document: dict[str, Any] = {
        "advice": None if advised.reason else [_advice(advice) for advice in advised.advice],
        "advice_seconds": None if seen is None else seen.seconds,
    }
    if advised.reason:
        document["advice_reason"] = advised.reason
    if seen is not None and seen.verdict is not None:
        document["limited_by"] = {"limit": seen.verdict.limit.value, "words": seen.verdict.words}
    if advised.code is ExitCode.NO_TARGET:
        document["state"] = "gone"
    return document


def print_advice(advised: Advised) -> None:
    """The advice as paragraphs on stdout."""
    for line in advice_lines(advised):
        output.print_text(line)


def advice_lines(advised: Advised) -> Iterator[str]:
    """The paragraphs, line by line."""
    seen = advised.observation
    if seen is None or advised.reason:
        yield f"No advice: {advised.reason or 'nothing was seen'}."
        return
    if seen.verdict is not None:
        yield f"Limited by: {seen.verdict.words}."
    if not advised.advice:
        yield f"Nothing to change that {seen.seconds:.0f} s of figures would bear out."
    for number, advice in enumerate(advised.advice, 1):
        yield ""
        yield f"{number}. {advice.title}"
        yield from _paragraph("Figures", "; ".join(_shown(figure) for figure in advice.figures))
        yield from _paragraph("Why", advice.reasoning)
        yield from _paragraph("Change", advice.change)
        check = advice.check
        yield from _paragraph("Check", f"{check.command}: {_shown(check.figure)} now, should get {check.better}")
        doubt = f". {advice.doubt}" if advice.doubt else ""
        yield from _paragraph("Confidence", f"{advice.confidence}; figures {advice.quality}{doubt}")


def progress_to(seconds: float) -> Callable[[float], None]:
    """A line on stderr that is written over again, where stderr is a terminal."""
    if not output.is_tty(sys.stderr):
        return lambda seen: None

    def show(seen: float) -> None:
        sys.stderr.write(f"\rlooking: {seen:.0f} of {seconds:.0f} s (Ctrl-C judges what was seen) ")
        sys.stderr.flush()

    return show


def end_progress() -> None:
    """Clear the line of progress."""
    if output.is_tty(sys.stderr):
        sys.stderr.write("\r" + " " * 60 + "\r")
        sys.stderr.flush()


def parse_seconds(text: str | None, *, advise: bool, watch: bool) -> float:
    """The value of ``-d``. Raises UsageError where it is too short to judge by, or the options contradict."""
    from razorprof.analysis.advice_observation import SHORTEST_SECONDS
    from razorprof.units import parse_duration

    if advise and watch:
        raise UsageError("--advise and --watch exclude each other", hint="--advise looks once; -d says how long")
    if text is not None and not advise:
        raise UsageError("-d is for --advise", value=text, hint="without it: --interval, --watch")
    seconds = parse_duration(DEFAULT_SECONDS if text is None else text)
    if not SHORTEST_SECONDS <= seconds <= LONGEST_SECONDS:
        raise UsageError(
            "the duration is out of range",
            value=text,
            hint=f"between {SHORTEST_SECONDS:g} and {LONGEST_SECONDS:g} seconds: less shows too little",
        )
    return seconds


@contextmanager
def _interrupting(session: Session) -> Iterator[threading.Event]:
    """Within, the first Ctrl-C ends the session; a second one is a KeyboardInterrupt as ever."""
    import signal
    from types import FrameType

    interrupted = threading.Event()

    def end(_number: int, _frame: FrameType | None) -> None:
        if interrupted.is_set():
            raise KeyboardInterrupt
        interrupted.set()
        session.stop()

    before = signal.signal(signal.SIGINT, end)
    try:
        yield interrupted
    finally:
        signal.signal(signal.SIGINT, before)


def _why_nothing(session: Session, target: Target) -> str:
    for status in session.view.state().targets:
        for source in status.sources:
            if status.target.identity == target.identity and source.name == "gc" and source.error is not None:
                return source.error.message
    return "its garbage collector was not read"


def _advice(advice: Advice) -> dict[str, Any]:
    return {
        "name": advice.name,
        "title": advice.title,
        "confidence": advice.confidence.value,
        "quality": advice.quality.value,
        "figures": [_figure(figure) for figure in advice.figures],
        "reasoning": advice.reasoning,
        "change": advice.change,
        "check": {
            "command": advice.check.command,
            "figure": advice.check.figure.name,
            "now": advice.check.figure.value,
            "better": advice.check.better.value,
        },
        "doubt": advice.doubt or None,
    }


def _figure(figure: AdviceFigure) -> dict[str, Any]:
    return {"name": figure.name, "value": figure.value, "unit": figure.unit, "quality": figure.quality.value}


def _shown(figure: AdviceFigure) -> str:
    from razorprof.render.figures import count, percent, rate, size

    writers: dict[str, Callable[[float], str]] = {"ratio": percent, "bytes": size, "per_second": rate}
    return f"{figure.name} {writers.get(figure.unit, count)(figure.value)}"


def _paragraph(word: str, text: str) -> Iterator[str]:
    width = min(_TEXT_WIDTH, output.terminal_width()) if output.is_tty(sys.stdout) else _TEXT_WIDTH
    heading = f"   {word + ':':<12}"
    yield from textwrap.wrap(
        text, max(40, width), initial_indent=heading, subsequent_indent=" " * len(heading), break_on_hyphens=False
    )

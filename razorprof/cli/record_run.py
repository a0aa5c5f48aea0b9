"""A recording as its user sees it: opened, watched while it grows, ended by a signal, copied at another one.

The session records in a thread of its own; the main one hears signals, which only leave a word, and looks a few
times a second whether it is over.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from razorprof.cli import output
from razorprof.errors import RazorprofError, TargetGone, ToolFailed
from razorprof.recording.rzp_format import Header
from razorprof.recording.rzp_ring import FOLDER_ENDING, Ring
from razorprof.recording.rzp_single import SingleFile
from razorprof.recording.rzp_writer import RecordingWriter, new_header
from razorprof.render import figures
from razorprof.render.text import cut_end, printable
from razorprof.session.pipeline import host_name
from razorprof.session.session import Session
from razorprof.session.view import SessionState

_ENDING_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_LOOK, _REDRAW = 0.1, 5  # seconds; looks to a redrawing
_CLEAR = "\r\x1b[K"


@dataclass(frozen=True, slots=True)
class Plan:
    """seconds: None until it is ended; last: how far a ring reaches back, None for a plain file; follows: whether
    it goes on when all targets are gone."""

    interval: float
    seconds: float | None
    last: float | None
    max_bytes: int
    force: bool
    follows: bool


def run(
    path: Path, plan: Plan, make_session: Callable[[RecordingWriter], Session], *, as_json: bool
) -> int | None:
    """Record until it ends. Raises what stopped it; TargetGone where there was not one tick."""
    header = new_header(host_name(), plan.interval)
    ring = None if plan.last is None else _ring(path, header, plan)
    sink = ring or SingleFile.create(path, header, force=plan.force, max_bytes=plan.max_bytes)
    writer = RecordingWriter(sink, header, bounds=None if ring is None else ring.bounds())
    try:
        session = make_session(writer)
    except BaseException:
        writer.close()
        _remove(path, ring)
        raise
    recording = _Recording(path, plan, writer, ring, session, as_json=as_json)
    with _signals(recording.hear):
        session.listen(recording.tick)
        session.start()
        try:
            recording.watch()
        finally:
            session.stop()
            writer.close()
        recording.finish()
    return None


def _ring(path: Path, header: Header, plan: Plan) -> Ring:
    from razorprof.recording.output_files import check_output

    check_output(path, force=plan.force)
    folder = path.with_name(path.name + FOLDER_ENDING)
    return Ring.create(folder, header, seconds=plan.last or 0.0, max_bytes=plan.max_bytes, force=plan.force)


class _Recording:
    """One recording, from its start to its end."""

    def __init__(
        self,
        path: Path,
        plan: Plan,
        writer: RecordingWriter,
        ring: Ring | None,
        session: Session,
        *,
        as_json: bool,
    ) -> None:
        self._path, self._plan, self._writer, self._ring, self._session = path, plan, writer, ring, session
        self._as_json = as_json
        self._ended = ""
        self._asked = False  # by SIGUSR1
        self._draws = output.is_tty(sys.stderr) and os.environ.get("TERM", "dumb") != "dumb"
        self._drawn = False

    def hear(self, number: int, _frame: FrameType | None) -> None:
        """A signal's handler."""
        if number == signal.SIGUSR1:
            self._asked = True
        else:
            self._ended = "signal"

    def watch(self) -> None:
        """Until it is over. The main thread."""
        self._announce()
        looks = 0
        while not self._ended:
            time.sleep(_LOOK)
            looks += 1
            if looks % _REDRAW == 0:
                self._draw(self._session.view.state())
            if not self._session.is_running() and not self._ended:
                raise ToolFailed("sampling has ended by an error", hint="this is a bug: see where with --debug")
        self._clear()

    def tick(self) -> None:
        """After each tick, in the session's thread: that of the writer."""
        writer, first, last = self._writer, self._writer.first, self._writer.last
        if self._asked:
            self._asked = False
            self._answer()
        if writer.error is not None:
            self._end("error")
        elif writer.is_full:
            self._end("max_bytes")
        elif not (self._plan.follows or self._session.alive()):
            self._end("gone")
        elif self._plan.seconds is not None and (last or 0.0) - (first or 0.0) >= self._plan.seconds:
            self._end("duration")

    def finish(self) -> None:
        """Tell what is in it. Raises what stopped it."""
        writer, ring = self._writer, self._ring
        if writer.error is not None:
            self._tell(self._path if ring is None else ring.folder, writer.size)
            raise writer.error
        if not writer.ticks and self._ended == "gone":
            _remove(self._path, ring)
            gone = self._session.view.state().targets
            raise TargetGone(
                "the target ended before anything was recorded",
                value="; ".join(f"{status.target.pid} {status.how}".strip() for status in gone[:5]),
            )
        size = writer.size
        if ring is not None:
            try:
                size = ring.dump(self._path, None, force=self._plan.force)
            except RazorprofError as error:
                error.hint = f"the recording lies in {ring.folder}: razorprof show opens it"
                raise
            ring.remove()
        self._tell(self._path, size)

    def _announce(self) -> None:
        targets = [status.target for status in self._session.view.state().targets]
        names = ", ".join(f"{target.pid} {printable(target.name)}" for target in targets[:8])
        more = f" and {len(targets) - 8} more" if len(targets) > 8 else ""
        where = printable(str(self._path if self._ring is None else self._ring.folder))
        output.say(f"recording {names}{more} into {where} (Ctrl-C ends it)")

    def _answer(self) -> None:
        """SIGUSR1: a copy of the ring, or a mark."""
        if self._ring is None:
            self._writer.mark("SIGUSR1")
            return
        stamp = time.strftime("%Y%m%d-%H%M%S")
        name = f"{self._path.stem}-{stamp}{self._path.suffix}"
        try:
            size = self._ring.dump(self._path.with_name(name), self._writer.current())
        except RazorprofError as error:  # the recording itself goes on
            output.print_error(error)
        else:
            self._tell(self._path.with_name(name), size, copied=True)

    def _end(self, why: str) -> None:
        self._ended = self._ended or why

    def _tell(self, path: Path, size: int, *, copied: bool = False) -> None:
        writer = self._writer
        seconds = (writer.last or 0.0) - (writer.first or 0.0)
        document: Mapping[str, Any] = {
            "file": str(path),
            "bytes": size,
            "seconds": seconds,
            "ticks": writer.ticks,
            "start": writer.first,
            "end": writer.last,
            "ended": None if copied else self._ended,
        }
        if self._as_json:
            output.print_json_line(document)
        why = {"max_bytes": f" (--max-bytes {figures.size(self._plan.max_bytes)} is reached)"}.get(self._ended, "")
        output.say(
            f"wrote {printable(str(path))}: {figures.duration(seconds)}, {figures.size(size)}"
            f"{'' if copied else why}"
        )

    def _draw(self, state: SessionState) -> None:
        if not self._draws:
            return
        self._drawn = True
        writer = self._writer
        seconds = (writer.last or 0.0) - (writer.first or 0.0)
        living = sum(status.ended is None for status in state.targets)
        who = printable(state.targets[0].target.name) if len(state.targets) == 1 else f"{living} targets"
        words = f"recording {who}: {figures.duration(seconds)}, {figures.size(writer.size)}"
        if self._plan.seconds is not None:
            words += f", {figures.duration(max(0.0, self._plan.seconds - seconds))} left"
        self._write(_CLEAR + cut_end(words, max(10, output.terminal_width() - 1)))

    def _clear(self) -> None:
        if self._draws and self._drawn:
            self._drawn = False
            self._write(_CLEAR)

    def _write(self, text: str) -> None:
        try:
            sys.stderr.write(text)
            sys.stderr.flush()
        except OSError:
            self._draws = False


@contextmanager
def _signals(hear: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    """What ends a recording, and SIGUSR1. nohup's SIG_IGN stays."""
    before = {}
    for number in (*_ENDING_SIGNALS, signal.SIGUSR1):
        if signal.getsignal(number) is not signal.SIG_IGN:
            before[number] = signal.signal(number, hear)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _remove(path: Path, ring: Ring | None) -> None:
    """What holds nothing is not left behind."""
    with suppress(RazorprofError, OSError):
        if ring is not None:
            ring.remove()
        else:
            path.unlink()

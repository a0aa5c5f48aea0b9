"""Writes a recording while a session runs: a tap of its pipeline, and the keeper of what is no event.

    writer = RecordingWriter(SingleFile.create(path), new_header(host, interval))
    Session(..., recorder=writer).run(...)
    writer.close()

Everything of one tick is one block, appended by one write at `commit`: a kill loses at most the last tick. Never
raises while it records: `error` says that it had to stop, and what was written until then can be read. With
`retry` it goes on in a new segment once the disk takes one. One thread, but for `mark`.
"""

from __future__ import annotations

import math
import secrets
from collections import deque
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from razorprof import __version__
from razorprof.clock import Clock, SystemClock
from razorprof.errors import RazorprofError
from razorprof.model.alert import AlertChange
from razorprof.model.metric import Metric
from razorprof.model.scrape import Ended, Event, Scrape, Tick
from razorprof.model.target import Identity, Target
from razorprof.recording.rzp_carried import Carried
from razorprof.recording.rzp_encode import BAD_VALUES, Encoder, HasLabels
from razorprof.recording.rzp_format import (
    BLOCK_HEAD,
    HAS_TICK,
    ID_BYTES,
    LARGEST_RAW,
    SEGMENT_HEAD,
    FrameType,
    Header,
    SegmentEnd,
    frame,
)
from razorprof.recording.rzp_sink import OpenSegment, SegmentBounds, Sink
from razorprof.recording.rzp_values import CLOCK_STEP, LEFT_OUT, Cost, Mark
from razorprof.recording.rzp_zstd import Packer

_LARGEST_BLOCK = 4 << 20  # unpacked: more of one tick goes into several
_MOST_RAW = LARGEST_RAW // 2 - (1 << 20)  # of a block, and of a segment before another one
_CLOCK_STEP, _SLOW_LOOK = 1.0, 0.1  # seconds
_MOST_OWN_MARKS = 1000
_LONGEST_NOTE = 300


def new_header(host: str, interval: float, clock: Clock | None = None) -> Header:
    """The header of a recording that begins now."""
    created = (clock or SystemClock()).time()
    return Header(secrets.token_bytes(ID_BYTES), created, host, f"razorprof {__version__}", interval)


class RecordingWriter:
    """See above. ticks, samples: recorded; first, last: times of ticks; is_full: the sink takes no more; error:
    why it had to stop, None while it records."""

    def __init__(
        self,
        sink: Sink,
        header: Header,
        *,
        clock: Clock | None = None,
        bounds: SegmentBounds | None = None,
        first_segment: int = 1,
        retry: float | None = None,
    ) -> None:
        """retry: seconds between attempts to go on after an error; None: there are none."""
        self._sink = sink
        self._retry = retry
        self._stopped: float | None = None  # monotonic: since when nothing is written, while it tries again
        self._tried = 0.0
        self._header = header
        self._clock = clock or SystemClock()
        self._bounds = bounds or SegmentBounds()
        self._carried = Carried()
        self._encoder = Encoder()
        self._encoder.carried()
        self._packer = Packer()
        self._segment = OpenSegment(first_segment)
        self._marks: deque[Mark] = deque(maxlen=_MOST_OWN_MARKS)
        self._own_marks = 0
        self._left_out: set[str] = set()
        self._oldest, self._newest = math.inf, -math.inf  # times in what is not written yet
        self._ticked: float | None = None  # a tick that is not written yet
        self._latest: tuple[float, float] | None = None  # the last tick: its time, and the monotonic time then
        self._wall: float | None = None
        self._closed = False
        self.ticks = 0
        self.samples = 0
        self.first: float | None = None
        self.last: float | None = None
        self.is_full = False
        self.error: RazorprofError | None = None

    @property
    def size(self) -> int:
        """What lies on the disk."""
        return self._sink.size

    @property
    def is_recording(self) -> bool:
        """Whether it still takes what comes."""
        return not (self._closed or self.is_full or self.error is not None)

    @property
    def _takes(self) -> bool:
        """Whether it hears what comes: also while it waits for the disk, so that it knows what there is then."""
        return self.is_recording or (self._stopped is not None and not (self._closed or self.is_full))

    def __call__(self, event: Event) -> None:
        """Take one event."""
        if not self._takes:
            return
        if self._ticked is not None:  # nobody said that the tick is complete
            self.commit()
        match event:
            case Scrape():
                self._know(event.target)
                if self._try(f"{event.source}", lambda: self._encoder.scrape(event)):
                    self._carried.scrape(event)
                    self._note_time(event.time)
            case Ended():
                self._know(event.target)
                if self._try("the end of a target", lambda: self._encoder.ended(event)):
                    self._carried.ended(event)
                    self._note_time(event.time)
            case Tick():
                self._tick(event)
        if len(self._encoder.buffer) > _LARGEST_BLOCK:
            self._write()

    def declare(self, source: str, metrics: Sequence[Metric], *, open_ended: bool = False) -> None:
        """What a source gives, before its first scrape."""
        if self._takes and self._try(
            source, lambda: self._encoder.declare(source, metrics, open_ended=open_ended)
        ):
            self._carried.declare(source, metrics, open_ended=open_ended)

    def add(self, target: Target, command: str = "") -> None:
        """A target is looked at from now on."""
        is_new = self._takes and not self._carried.knows(target.identity)
        if is_new and self._try("a target", lambda: self._encoder.add(target, command)):
            self._carried.add(target, command)

    def forget(self, identity: Identity) -> None:
        """A target that ended is of no interest any more."""
        if self._takes:
            self._encoder.forget(identity)
            self._carried.forget(identity)

    def row(
        self, time: float, series: Sequence[HasLabels], bits: NDArray[np.uint64], *, ruled: bool = False
    ) -> None:
        """What the store took at `time`. The same series are handed in as the same object; ruled: they are
        results of rules."""
        if self._takes and self._try(
            "a row of the store", lambda: self._encoder.row(time, series, bits, ruled=ruled)
        ):
            self._note_time(time)

    def cost(self, cost: Cost) -> None:
        """What razorprof costs, as of the last tick."""
        if self._takes:
            self._encoder.cost(cost)

    def alerts(self, changes: Sequence[AlertChange]) -> None:
        """Alerts that changed at the last tick."""
        if self._takes:
            for change in changes:
                self._try("an alert", lambda change=change: self._encoder.change(change))  # type: ignore[misc]

    def mark(self, text: str) -> None:
        """Note something at this time. Any thread; written with the next tick."""
        self._marks.append(Mark(self._now(), text))

    def commit(self) -> None:
        """The tick is complete: write it."""
        if not self._takes:
            return
        while self._marks:
            mark = self._marks.popleft()
            self._try("a mark", lambda mark=mark: self._encoder.mark(mark))  # type: ignore[misc]
            self._note_time(mark.time)
        if self._stopped is not None and self._clock.monotonic() - self._tried >= (self._retry or 0.0):
            self._go_on()
        self._write()

    def current(self) -> SegmentEnd | None:
        """The segment that is being written, as far as it is written; None where there is none."""
        return self._segment.end() if self._segment.is_begun else None

    def close(self) -> None:
        """Write what is left, the segment's end and the index, and let go of the file. Twice is once."""
        if self._closed:
            return
        self.commit()
        self._closed = True
        try:
            if self.error is None and self._segment.is_begun:
                self._end_segment()
        except RazorprofError as error:
            self.error = error
        try:
            self._sink.close()
        except RazorprofError as error:
            self.error = self.error or error

    def _tick(self, tick: Tick) -> None:
        self._note_clock()
        if not math.isfinite(tick.time) or (self._latest is not None and tick.time < self._latest[0]):
            self._note(LEFT_OUT, "a tick went back in time")
            return
        self._encoder.tick(tick)
        self._ticked = tick.time
        self._latest = (tick.time, self._clock.monotonic())
        self._note_time(tick.time)

    def _know(self, target: Target) -> None:
        if not self._carried.knows(target.identity):
            self.add(target)

    def _now(self) -> float:
        """This moment on the time line of the ticks, which a step of the machine's clock does not move."""
        if self._latest is None:
            return self._clock.time()
        return self._latest[0] + self._clock.monotonic() - self._latest[1]

    def _note_time(self, time: float) -> None:
        if math.isfinite(time):
            self._oldest, self._newest = min(self._oldest, time), max(self._newest, time)

    def _note_clock(self) -> None:
        """Ticks follow the monotonic clock: whoever compares them with other logs must know of a step."""
        clock, before = self._clock, self._wall
        began, time, ended = clock.monotonic(), clock.time(), clock.monotonic()
        if ended - began > _SLOW_LOOK:
            return  # others had the CPU between the looks
        self._wall = now = time - began
        if before is not None and abs(now - before) > _CLOCK_STEP:
            way = "forward (or the machine slept)" if now > before else "back"
            self._note(CLOCK_STEP, f"the machine's clock went {way} by {abs(now - before):.3f} s")

    def _note(self, kind: str, text: str) -> None:
        if self._own_marks < _MOST_OWN_MARKS:
            self._own_marks += 1
            self._encoder.mark(Mark(self._now(), text, kind))

    def _try(self, what: str, encode: Callable[[], None]) -> bool:
        """Values of plugins may be of any type: what cannot be written is left out, and noted once."""
        try:
            encode()
            return True
        except BAD_VALUES as error:
            if what not in self._left_out and len(self._left_out) < _MOST_OWN_MARKS:
                self._left_out.add(what)
                self._note(LEFT_OUT, f"{what}: {type(error).__name__}: {error}"[:_LONGEST_NOTE])
            return False

    def _fail(self, error: RazorprofError) -> None:
        self.error = error
        if self._retry is not None:
            self._tried = self._clock.monotonic()
            self._stopped = self._tried if self._stopped is None else self._stopped

    def _go_on(self) -> None:
        """In a new segment, where the one before can be ended; its packed stream lacks what could not be written,
        so that nothing more of that comes."""
        now, before = self._clock.monotonic(), self._segment
        try:
            if before.is_begun:
                end = before.end()
                self._sink.end(frame(FrameType.END, end.pack()), end)
        except RazorprofError as error:
            self._fail(error)
            return
        words = f"nothing for {now - (self._stopped or now):.0f} s: {self.error}"
        self._drop()
        self._begin_segment(before.number + 1 if before.is_begun else before.number)
        self.error, self._stopped = None, None
        self._note(LEFT_OUT, words)

    def _drop(self) -> None:
        """What came while nothing can be written."""
        self._encoder.take()
        self._encoder.samples = 0
        self._ticked, self._oldest, self._newest = None, math.inf, -math.inf
        if self._encoder.tables.is_full:
            self._encoder = Encoder()
            self._encoder.carried(self._carried.items())

    def _write(self) -> None:
        encoder, segment, ticked = self._encoder, self._segment, self._ticked
        if self._stopped is not None:
            self._drop()
            return
        if not encoder.buffer or (not segment.is_begun and self._newest == -math.inf):
            return
        raw = encoder.take()
        if len(raw) > _MOST_RAW:
            self._leave_out(len(raw))
            return
        time = ticked if ticked is not None else self._now()
        head = BLOCK_HEAD.pack(len(raw), 0 if ticked is None else HAS_TICK, time)
        frames = frame(FrameType.BLOCK, head + self._packer.pack(raw))
        try:
            if segment.is_begun:
                is_written = self._sink.append(frames)
            else:
                start = SEGMENT_HEAD.pack(self._header.id, segment.number, time, self._header.created)
                is_written = self._sink.begin(segment.number, frame(FrameType.SEGMENT, start) + frames)
            if not is_written:
                self.is_full = True
                return
            self._note_written(len(frames), len(raw))
            is_due = segment.exceeds(self._bounds) or encoder.tables.is_full
            if (is_due and ticked is not None) or segment.raw > _MOST_RAW:  # a tick is not torn without need
                self._end_segment()
        except RazorprofError as error:
            self._fail(error)

    def _leave_out(self, size: int) -> None:
        """What no reader would take. Definitions were in it: a new segment says them again."""
        self._ticked, self._oldest, self._newest = None, math.inf, -math.inf
        try:
            if self._segment.is_begun:
                self._end_segment()
            else:
                self._begin_segment(self._segment.number)
        except RazorprofError as error:
            self._fail(error)
        self._note(LEFT_OUT, f"what came at one time was too much: {size} bytes")

    def _note_written(self, frames: int, raw: int) -> None:
        segment, ticked = self._segment, self._ticked
        if ticked is not None:
            self.ticks += 1
            self.first = ticked if self.first is None else self.first
            self.last = ticked
            segment.ticks += 1
            segment.first = min(segment.first, ticked)
            segment.last = ticked
        segment.low, segment.high = min(segment.low, self._oldest), max(segment.high, self._newest)
        segment.bytes += frames
        segment.raw += raw
        segment.samples += self._encoder.samples
        self.samples += self._encoder.samples
        self._encoder.samples = 0
        self._ticked, self._oldest, self._newest = None, math.inf, -math.inf

    def _end_segment(self) -> None:
        segment = self._segment
        end = segment.end()
        self._sink.end(frame(FrameType.END, end.pack() + self._packer.end()), end)
        self._begin_segment(segment.number + 1)

    def _begin_segment(self, number: int) -> None:
        self._segment = OpenSegment(number)
        self._packer = Packer()
        self._encoder = Encoder()
        self._encoder.carried(self._carried.items())

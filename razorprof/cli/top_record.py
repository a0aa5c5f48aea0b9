"""``top --record``: what the session sees goes into a recording, too, whatever the screen shows of it.

For cli.top. The file is that of ``record``: `replay`, `show`, `query` and `rules backtest` read it. With --last it
is a ring, which becomes the file at the end; SIGUSR1 copies it meanwhile, and what a person captures holds a copy.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from razorprof.cli import output
from razorprof.errors import RazorprofError
from razorprof.model.alert import AlertChange
from razorprof.model.target import Target
from razorprof.recording.output_files import check_output, fill_name
from razorprof.recording.rzp_copy import copy_recording
from razorprof.recording.rzp_ring import FOLDER_ENDING, Ring
from razorprof.recording.rzp_single import SingleFile
from razorprof.recording.rzp_writer import RecordingWriter, new_header
from razorprof.render import figures
from razorprof.render.text import printable
from razorprof.session.pipeline import host_name
from razorprof.session.recorded_before import RecordedBefore

MOST_BYTES = 200 << 20  # as record's --max-bytes
_COPY_SECONDS = 10.0  # that the end waits for a copy


class TopRecording:
    """`writer` is the session's recorder; `hear` is told of alerts in the session's thread; `before` is asked by
    captures."""

    def __init__(
        self,
        template: str,
        chosen: Sequence[Target],
        interval: float,
        *,
        force: bool,
        last: float | None = None,
        talks: bool = False,
    ) -> None:
        """Creates the file. last: seconds of a ring; talks: copies are told at once and not only at the end.
        Raises UsageError for one that exists, unless `force`, and ToolFailed."""
        self._path = Path(fill_name(template, pid=chosen[0].pid, name=chosen[0].name, time=time.time()))
        self._force, self._talks = force, talks
        header = new_header(host_name(), interval)
        self._ring: Ring | None = None
        if last is None:
            sink = SingleFile.create(self._path, header, force=force, max_bytes=MOST_BYTES)
            self.writer = RecordingWriter(sink, header)
        else:
            check_output(self._path, force=force)
            folder = self._path.with_name(self._path.name + FOLDER_ENDING)
            self._ring = Ring.create(folder, header, seconds=last, max_bytes=MOST_BYTES, force=force)
            self.writer = RecordingWriter(self._ring, header, bounds=self._ring.bounds())
        place = self._path if self._ring is None else self._ring.folder
        self.before = RecordedBefore(place, lambda: self.writer.last)
        self._words: list[str] = []
        self._copying: threading.Thread | None = None
        self._handler = signal.signal(signal.SIGUSR1, self._asked)

    def hear(self, change: AlertChange, silenced: bool) -> None:
        """An alert changed."""
        self.writer.alerts([change])

    def close(self) -> None:
        """End it, once the session has ended, and say where it lies. Raises what stopped it before."""
        signal.signal(signal.SIGUSR1, self._handler)
        if self._copying is not None:
            self._copying.join(_COPY_SECONDS)
        writer, ring = self.writer, self._ring
        writer.close()
        for words in self._words:
            output.say(words)
        if not writer.ticks:
            if ring is None:
                self._path.unlink(missing_ok=True)
            else:
                ring.remove()
            return
        size = writer.size if ring is None or writer.error is not None else self._become_file(ring)
        where = self._path if ring is None or writer.error is None else ring.folder
        full = " (it is full)" if writer.is_full else ""
        output.say(f"wrote {printable(str(where))}: {figures.size(size)}{full}")
        if writer.error is not None:
            raise writer.error

    def _become_file(self, ring: Ring) -> int:
        try:
            size = ring.dump(self._path, None, force=self._force)
        except RazorprofError as error:
            error.hint = f"the recording lies in {ring.folder}: razorprof show opens it"
            raise
        ring.remove()
        return size

    def _asked(self, number: int, frame: FrameType | None) -> None:
        """SIGUSR1: a copy of the ring, or a mark. In the main thread, which draws and shall not wait."""
        if self._ring is None:
            self.writer.mark("SIGUSR1")
        elif self._copying is None or not self._copying.is_alive():
            self._copying = threading.Thread(target=self._copy, args=(self._ring.folder,), daemon=True)
            self._copying.start()

    def _copy(self, folder: Path) -> None:
        stamp = time.strftime("%Y%m%d-%H%M%S")
        path = self._path.with_name(f"{self._path.stem}-{stamp}{self._path.suffix}")
        try:
            size = copy_recording(folder, path)
            words = f"wrote {printable(str(path))}: {figures.size(size)}"
        except RazorprofError as error:
            words = f"no copy of the recording: {printable(str(error))}"
        if self._talks:
            output.say(words)
        else:
            self._words.append(words)

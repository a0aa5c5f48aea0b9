"""``top --record``: what the session sees goes into a recording, too, whatever the screen shows of it.

For cli.top. The file is that of ``record``: `replay`, `show`, `query` and `rules backtest` read it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from time import time

from razorprof.cli import output
from razorprof.model.alert import AlertChange
from razorprof.model.target import Target
from razorprof.recording.output_files import fill_name
from razorprof.recording.rzp_single import SingleFile
from razorprof.recording.rzp_writer import RecordingWriter, new_header
from razorprof.render import figures
from razorprof.render.text import printable
from razorprof.session.pipeline import host_name

MOST_BYTES = 200 << 20  # as record's --max-bytes


class TopRecording:
    """`writer` is the session's recorder; `hear` is told of alerts in the session's thread."""

    def __init__(self, template: str, chosen: Sequence[Target], interval: float, *, force: bool) -> None:
        """Creates the file. Raises UsageError for one that exists, unless `force`, and ToolFailed."""
        self._path = Path(fill_name(template, pid=chosen[0].pid, name=chosen[0].name, time=time()))
        header = new_header(host_name(), interval)
        sink = SingleFile.create(self._path, header, force=force, max_bytes=MOST_BYTES)
        self.writer = RecordingWriter(sink, header)

    def hear(self, change: AlertChange, silenced: bool) -> None:
        """An alert changed."""
        self.writer.alerts([change])

    def close(self) -> None:
        """End it, once the session has ended, and say where it lies. Raises what stopped it before."""
        writer = self.writer
        writer.close()
        if not writer.ticks:
            self._path.unlink(missing_ok=True)
            return
        full = " (it is full)" if writer.is_full else ""
        output.say(f"wrote {printable(str(self._path))}: {figures.size(writer.size)}{full}")
        if writer.error is not None:
            raise writer.error

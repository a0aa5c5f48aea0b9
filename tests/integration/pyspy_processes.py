"""What tests of the drivers ask /proc: which py-spy works on a process, is it alive, was it ever stopped."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path


def sampling(pid: int) -> list[int]:
    """Pids of the py-spy processes that look at `pid`."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                words = (folder / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if words[0].endswith(b"py-spy") and str(pid).encode() in words:
                found.append(int(folder.name))
    return found


def is_alive(pid: int) -> bool:
    """Whether the process is there and no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def wait_until(condition: Callable[[], object], timeout: float) -> bool:
    """Whether the condition came true within `timeout` seconds."""
    end = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def cpu_seconds(pid: int) -> float:
    """User and system time of the process, without its children."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class StopWatch:
    """Looks at all threads of a process as fast as it can, and remembers those found stopped or traced."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self.looks = 0
        self.stopped: list[str] = []

    def __enter__(self) -> StopWatch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join(10)

    def _look(self) -> None:
        main = os.open(f"/proc/{self._pid}/status", os.O_RDONLY)
        try:
            while not self._end.is_set():
                status = os.pread(main, 4096, 0).decode(errors="replace")
                fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
                self.looks += 1
                if fields["State"][0] in "Tt" or fields["TracerPid"] != "0":
                    self.stopped.append(f"{fields['State']} tracer {fields['TracerPid']}")
                time.sleep(0.0005)
        finally:
            os.close(main)

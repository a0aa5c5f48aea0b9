"""A small bundle for tests."""

from __future__ import annotations

from razorprof.recording.bundle import Manifest, Piece, Skipped

PIECES = (
    Piece("process.json", "process", b'{"pid": 7}\n'),
    Piece("threads.txt", "threads", b"no deadlock found\n" * 40),
)
MANIFEST = Manifest(
    created=1_700_000_000.0,
    host="here",
    target={
        "pid": 7,
        "name": "shop",
        "start_time": 1.5,
        "command": "shop \x1b[31m",
        "runtime": None,
        "version": None,
    },
    skipped=(Skipped("heap", "not allowed"),),
)

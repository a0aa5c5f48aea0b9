"""What runs inside the target while its allocations are recorded: the text of this module, and then a call of it.

Sent by memray_guard_process through the client that memray's own debugger script injects; never imported by
razorprof's commands. It runs in the native thread of that client and needs Python 3.9, memray and nothing of ours.
No module that gevent and its like replace is used, no thread is started, and the target's output stays its own.

It lets go by itself: after the time, at the bytes, when the disk fills, when the guard says so, and when the
guard is gone, which is what the end of the connection means. It also removes what it wrote.
"""

from __future__ import annotations

from typing import Any


def _razorprof_record(
    port: int, token: bytes, version: str, seconds: float, most_bytes: int, least_free: int, objects: bool
) -> None:
    import _socket
    import atexit
    import os
    import time
    from contextlib import suppress

    class Refused(Exception):
        def __repr__(self) -> str:
            return "razorprof " + str(self.args[0])

    try:
        import memray
    except ImportError as error:
        raise Refused("missing " + str(error)) from None
    shared: Any = memray  # where `memray attach` and `detach` look for the tracker, too
    if shared.__version__ != version:
        raise Refused("version " + shared.__version__)
    if getattr(memray, "_last_tracker", None) is not None:
        raise Refused("tracked")
    parent = next((p for p in (os.environ.get("TMPDIR"), "/tmp", "/var/tmp") if p and os.access(p, os.W_OK)), None)
    if parent is None:
        raise Refused("folder no writable folder for temporary files")
    folder = os.path.join(os.path.realpath(parent), "razorprof-" + os.urandom(12).hex())
    path = os.path.join(folder, "allocations.bin")
    connection = _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM)
    tracker: Any = None

    def tell(words: str) -> None:
        with suppress(OSError):
            connection.sendall(words.encode("utf-8", "replace") + b"\n")

    def finish(why: str = "exit") -> None:
        nonlocal tracker
        mine, tracker = tracker, None
        if mine is None:
            return
        if getattr(shared, "_last_tracker", None) is mine:
            shared._last_tracker = None
            mine.__exit__(None, None, None)  # type: ignore[union-attr]
        else:
            why = "detached"
        tell("done " + why)

    def remove() -> None:
        for forget, place in ((os.unlink, path), (os.rmdir, folder)):
            with suppress(OSError):
                forget(place)

    def until() -> str:
        end = time.monotonic() + seconds
        while True:
            left = end - time.monotonic()
            if left <= 0:
                return "time"
            connection.settimeout(min(0.2, left))
            try:
                heard = connection.recv(64)
            except OSError as error:
                if not isinstance(error, _socket.timeout):
                    return "alone"
            else:
                return "asked" if heard else "alone"
            if getattr(shared, "_last_tracker", None) is not tracker:
                return "detached"
            size = os.stat(path).st_size
            room = os.statvfs(folder)
            tell(f"size {size}")
            if size >= most_bytes:
                return "bytes"
            if room.f_bavail * room.f_frsize < least_free:
                return "disk"

    os.mkdir(folder, 0o700)
    try:
        connection.settimeout(10.0)
        connection.connect(("127.0.0.1", port))
        connection.sendall(token + b"\n")
        made = memray.Tracker(
            destination=memray.FileDestination(path, overwrite=False, compress_on_exit=False),
            trace_python_allocators=objects,
            memory_interval_ms=50,
        )
        made.__enter__()
        tracker = shared._last_tracker = made
        del made
        atexit.register(finish)
        try:
            tell("started " + folder)
            finish(until())
        finally:
            finish("failed")
            atexit.unregister(finish)
        connection.settimeout(60.0)  # the guard still copies; its end of the connection is the word to remove
        while connection.recv(64):
            pass
    except OSError as error:
        if not isinstance(error, _socket.timeout):
            raise Refused("system " + str(error)) from None  # with the file's name, which its repr leaves out
    finally:
        remove()
        connection.close()

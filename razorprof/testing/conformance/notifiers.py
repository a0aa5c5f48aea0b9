"""Checks of a notifier: its options, and that a sender keeps its time-out whatever the other end does."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from razorprof.clock import SystemClock
from razorprof.errors import RazorprofError, UsageError
from razorprof.model.labels import Labels
from razorprof.model.notice import Notice
from razorprof.plugin.border import misfit
from razorprof.plugin.notifiers import Notifier, PartlyTold, Sender
from razorprof.testing.conformance.findings import Finding, Notes, called

TIMEOUT, GRACE = 0.5, 2.0  # seconds that a sender is given, and that it may be late on a busy machine


def check_notifier(
    notifier: Notifier,
    options: Mapping[str, str],
    *,
    hanging: Mapping[str, str] | None = None,
    bad: Mapping[str, str] | None = None,
    timeout: float = TIMEOUT,
) -> list[Finding]:
    """What a notifier does not keep to. options: with which it can be opened and told something; hanging: with
    which the other end never answers (see silent_server); bad: with which it must not open."""
    notes = Notes(notifier)
    notes.name(notifier)
    shapes: tuple[tuple[str, Any], ...] = (
        ("options", Mapping[str, str]),
        ("wants_repeats", bool),
        ("most", int),
    )
    for name, kind in shapes:
        if wrong := misfit(getattr(notifier, name, None), kind, name):
            notes.add("shape", wrong)
    if notes.found:
        return notes.found
    if notifier.most < 1:
        notes.add("shape", f"most is {notifier.most}: it is never told anything")
    notes_of = [name for name, help in notifier.options.items() if not help.strip()]
    if notes_of:
        notes.add("options", f"the option {notes_of[0]} says nothing of itself")
    if bad is not None:
        _refuses(notifier, bad, timeout, notes)
    _tell(notifier, options, timeout, "", notes)
    if hanging is not None:
        _tell(notifier, hanging, timeout, " to an end that never answers", notes)
    return notes.found


@contextmanager
def silent_server() -> Iterator[str]:
    """The URL of a server on the loopback that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        held: list[socket.socket] = []

        def accept() -> None:
            while True:
                try:
                    held.append(server.accept()[0])
                except OSError:
                    return

        threading.Thread(target=accept, name="silent", daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}/"
        finally:
            server.shutdown(socket.SHUT_RDWR)
            for connection in held:
                connection.close()


def notices(count: int) -> list[Notice]:
    """Alerts to tell: no two of the same labels, texts of a hostile target among them."""
    return [
        Notice(
            Labels(alertname="Conformance", number=str(number), job="\x1b[2J<b>&\n"),
            {"summary": "a test of a notifier \u202e"},
            starts_at=1_700_000_000.0,
            ends_at=1_700_000_600.0,
            is_resolved=number % 2 == 1,
            value=float(number),
        )
        for number in range(count)
    ]


def _refuses(notifier: Notifier, options: Mapping[str, str], timeout: float, notes: Notes) -> None:
    done = called(lambda: notifier.open(options, SystemClock()), timeout + GRACE)
    if done.wrong or not isinstance(done.refused, UsageError):
        if done.value is not None and callable(getattr(done.value, "close", None)):
            called(done.value.close, timeout + GRACE)
        said = done.wrong or f"gave {type(done.refused or done.value).__name__}"
        notes.add("options", f"open with options that cannot be meant {said}, not UsageError")


def _tell(notifier: Notifier, options: Mapping[str, str], timeout: float, where: str, notes: Notes) -> None:
    opened = called(lambda: notifier.open(options, SystemClock()), timeout + GRACE)
    if opened.wrong or opened.refused or opened.value is None:
        notes.add("open", f"open{where} {opened.wrong or opened.refused or 'gave None'}")
        return
    sender: Sender = opened.value
    told = notices(min(3, notifier.most))
    done = called(lambda: sender.send(told, timeout), timeout + GRACE)
    if done.wrong:
        hangs = "did not return" in done.wrong
        what = (
            f"send{where} has not returned {GRACE:g} s after its time-out"
            if hangs
            else f"send{where} {done.wrong}"
        )
        notes.add("timeout" if hangs else "send", what)
    elif done.refused is not None and not isinstance(done.refused, RazorprofError):
        notes.add("send", f"send{where} raised {type(done.refused).__name__}: {done.refused}, which has no remedy")
    elif isinstance(done.refused, PartlyTold):
        if not set(map(id, done.refused.told)) <= set(map(id, told)):
            notes.add("send", "PartlyTold names notices that it was never given")
    elif done.refused is not None and not where:
        notes.add("send", f"send refused: {done.refused}")
    elif done.refused is None and where:
        notes.add("timeout", f"send{where} says that it was told")
    for times in ("close", "a second close"):
        closed = called(sender.close, timeout + GRACE)
        if closed.wrong or closed.refused:
            notes.add("close", f"{times} {closed.wrong or closed.refused}")

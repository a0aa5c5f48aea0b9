"""Run the shop: ``python -m shop``. It ends on SIGTERM or SIGINT, when its parent dies, or after --seconds."""

from __future__ import annotations

import argparse
import ctypes
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from functools import partial

from . import catalogue, ledger, mail, pricing, sessions
from .day import Day

_PR_SET_PTRACER, _ANYBODY = 0x59616D61, ctypes.c_ulong(-1)  # linux/prctl.h
_LOOK = 0.25  # seconds between two looks at the parent


def main() -> int:
    """Open the shop; 0 when it has closed in order, 1 when a thread could not be ended."""
    options = _parse_arguments()
    _let_anybody_look()
    day = Day(options.phase)
    asked: list[int] = []  # the handler only notes it: a lock taken in a handler may be one that we hold
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, _: asked.append(number))
    threads = _staff(day)
    for thread in threads:
        thread.start()
    print("shop open, pid", os.getpid(), flush=True)
    until = time.monotonic() + options.seconds if options.seconds else float("inf")
    while not asked and os.getppid() == options.parent and time.monotonic() < until:
        time.sleep(_LOOK)
    day.close()
    for thread in threads:
        thread.join(5)
    return int(any(thread.is_alive() for thread in threads))


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="shop", description="A sample program to look into.")
    parser.add_argument("--phase", type=float, default=30.0, help="seconds between two changes of the day")
    parser.add_argument("--seconds", type=float, default=0.0, help="close after so long; 0: never")
    # from the parent itself, because it may be gone before we can ask who it is
    parser.add_argument("--parent", type=int, default=os.getppid(), help="close when this is not the parent")
    return parser.parse_args()


def _let_anybody_look() -> None:
    """Where Yama lets only ancestors look into a process (ptrace_scope 1), let all of the same user: prctl(2).

    The demonstration shall work there without root, and the shop has no secrets. Refused where there is no Yama,
    and not needed there.
    """
    ctypes.CDLL(None).prctl(_PR_SET_PTRACER, _ANYBODY, 0, 0, 0)


def _staff(day: Day) -> list[threading.Thread]:
    """The threads by name, daemons, so that none can keep the program from ending."""
    books = ledger.Ledger()
    post = mail.PostOffice()
    work: dict[str, Callable[[], None]] = {
        "pricing": partial(pricing.serve, day),
        "catalogue": partial(catalogue.serve, day),
        "sessions": partial(sessions.serve, day),
        "checkout-1": partial(ledger.serve, day, books, "first"),
        "checkout-2": partial(ledger.serve, day, books, "second"),
        "postman": partial(post.receive, day),
        "mailer": partial(post.send, day),
        "night-watch": day.wait_until_closed,
    }
    return [threading.Thread(target=job, name=name, daemon=True) for name, job in work.items()]


if __name__ == "__main__":
    sys.exit(main())

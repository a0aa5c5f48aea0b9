"""Calm until SIGUSR1; then for six seconds it leaks memory and makes cycles for the collector; then calm again."""

from __future__ import annotations

import signal
import time

KEPT: list[bytes] = []
BEGAN: list[float] = []


def leak() -> None:
    KEPT.extend(bytes(1000) for _ in range(2000))


def storm() -> None:
    for _ in range(150_000):
        cycle: list[object] = []
        cycle.append(cycle)


def main() -> None:
    signal.signal(signal.SIGUSR1, lambda number, frame: BEGAN.append(time.monotonic()))
    print("ready", flush=True)
    while True:
        if BEGAN and time.monotonic() - BEGAN[0] < 6:
            leak()
            storm()
        time.sleep(0.02)


if __name__ == "__main__":
    main()

"""A target with workers, like a pre-forking server: N children that work a little, and one (the third) that burns.

Runs on Python 3.8+; ends by itself, and the workers with it. Prints `ready PID...` with the workers' pids.
"""

import os
import signal
import sys
import time


def calm(until):
    while time.monotonic() < until and os.getppid() == PARENT:
        sum(range(2000))
        time.sleep(0.05)


def burn(until):
    while time.monotonic() < until and os.getppid() == PARENT:
        sum(range(20000))


PARENT = os.getpid()

if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 6
    until = time.monotonic() + 90.0
    workers = []
    for number in range(count):
        pid = os.fork()
        if pid == 0:
            (burn if number == 2 else calm)(until)
            os._exit(0)
        workers.append(pid)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    print("ready", *workers, flush=True)
    try:
        time.sleep(until - time.monotonic())
    finally:
        for pid in workers:
            os.kill(pid, signal.SIGKILL)

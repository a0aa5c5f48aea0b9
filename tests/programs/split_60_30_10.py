"""A target whose CPU time is split 60 : 30 : 10 between three functions, by the CPU clock and not by counting.

Beside it an idle thread. Runs on Python 3.8+; ends by itself. Prints `ready`, then nothing.
"""

import sys
import threading
import time

CHUNK = 0.004  # CPU seconds for each tenth


def burn(seconds):
    until = time.thread_time() + seconds
    value = 0
    while time.thread_time() < until:
        for number in range(500):
            value += number * number % 7
    return value


def sixty():
    return burn(6 * CHUNK)


def thirty():
    return burn(3 * CHUNK)


def ten():
    return burn(CHUNK)


def work(until):
    while time.monotonic() < until:
        sixty()
        thirty()
        ten()


def idle(seconds):
    time.sleep(seconds)


if __name__ == "__main__":
    lifetime = float(sys.argv[1]) if len(sys.argv) > 1 else 120.0
    threading.Thread(target=idle, args=(lifetime,), name="idle-one", daemon=True).start()
    print("ready", threading.get_ident(), flush=True)
    work(time.monotonic() + lifetime)

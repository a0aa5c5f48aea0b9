"""A target whose CPU time is split 60 : 30 : 10 between three functions, by the CPU clock and not by counting.

Beside it an idle thread. Runs on Python 3.8+; ends by itself. Prints `ready`, then now and then the time (Unix
seconds) and the seconds of wall time that it has spent in each: `time sixty thirty ten`. On a machine that is busy
with other things a function also waits for a CPU, so the wall time is not exactly split as the CPU time is; who
samples threads sees wall time.
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
    spent = [0.0, 0.0, 0.0]
    cycles = 0
    now = time.monotonic()
    while now < until:
        for place, function in enumerate((sixty, thirty, ten)):
            function()
            before, now = now, time.monotonic()
            spent[place] += now - before
        cycles += 1
        if cycles % 10 == 0:
            sys.stdout.write("{:.6f} {:.6f} {:.6f} {:.6f}\n".format(time.time(), *spent))
            sys.stdout.flush()


def idle(seconds):
    time.sleep(seconds)


if __name__ == "__main__":
    lifetime = float(sys.argv[1]) if len(sys.argv) > 1 else 120.0
    threading.Thread(target=idle, args=(lifetime,), name="idle-one", daemon=True).start()
    print("ready", flush=True)
    work(time.monotonic() + lifetime)

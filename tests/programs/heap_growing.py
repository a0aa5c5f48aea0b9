"""A target that allocates in three ways: a leak, a cache that fills when SIGUSR1 comes and then stops, a churn.

A line of progress every 0.1 s. Argument: how many threads churn besides the main one.
"""

import signal
import sys
import threading
import time

kept = []
cache = {}


def leak():
    kept.append(bytearray(30_000))


def begin_to_fill(number, frame):
    cache["room"] = 40


def fill_cache(number):
    if cache.get("room", 0) > 0:
        cache["room"] -= 1
        cache[number] = bytearray(50_000)


def churn():
    return sum(len(bytearray(20_000)) for _ in range(20))


def work():
    while True:
        churn()
        time.sleep(0.003)


for _ in range(int(sys.argv[1]) if len(sys.argv) > 1 else 0):
    threading.Thread(target=work, daemon=True).start()
signal.signal(signal.SIGUSR1, begin_to_fill)
print("ready", flush=True)
number = 0
last = 0.0
while True:
    number += 1
    leak()
    fill_cache(number)
    churn()
    time.sleep(0.02)
    if time.monotonic() - last > 0.1:
        last = time.monotonic()
        print("step", number, flush=True)

"""Requests that each make some thousand containers and let them go: the first threshold is far below that.

Mended: gc.set_threshold, with the three numbers that follow (100000,10,10). Runs on Python 3.8+, ends by itself.
"""

import gc
import os
import sys
import time

from advice_own_figure import GcShare, Telling

UNTIL = time.monotonic() + float(os.environ.get("LIFETIME", "60"))


def answer(request):
    rows = [(request, [number]) for number in range(4000)]
    return len(rows)


if "--mended" in sys.argv:
    gc.set_threshold(*map(int, sys.argv[2].split(",")))
telling = Telling(GcShare())
print("ready", flush=True)
count = 0
while time.monotonic() < UNTIL:
    answer([count])
    count += 1
    telling.tick()

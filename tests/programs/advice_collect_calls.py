"""A program that calls gc.collect() after each piece of work, over a heap that stays.

Mended: it does not. Runs on Python 3.8+, ends by itself.
"""

import gc
import os
import sys
import time

from advice_own_figure import GcShare, Telling

UNTIL = time.monotonic() + float(os.environ.get("LIFETIME", "60"))

catalogue = [{"name": [number]} for number in range(100000)]
gc.collect()
telling = Telling(GcShare())
print("ready", flush=True)
while time.monotonic() < UNTIL:
    total = sum(number * number for number in range(20000))
    if "--mended" not in sys.argv:
        gc.collect()
    telling.tick()
    time.sleep(0.03)

"""A cache without a bound: objects that are referred to for ever.

Mended: the cache drops the oldest. Runs on Python 3.8+, ends by itself.
"""

import os
import sys
import time

from advice_own_figure import Growth, Telling

UNTIL = time.monotonic() + float(os.environ.get("LIFETIME", "60"))
MOST = 5000 if "--mended" in sys.argv else 1 << 40

cache = {}
telling = Telling(Growth())
print("ready", flush=True)
count = 0
while time.monotonic() < UNTIL:
    for _ in range(400):
        cache[count] = {"key": str(count), "row": [count, f"text {count}"]}
        count += 1
        if len(cache) > MOST:
            del cache[count - MOST - 1]
    telling.tick()
    time.sleep(0.05)

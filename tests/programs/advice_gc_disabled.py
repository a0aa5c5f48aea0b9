"""A program that switched the collector off for its cost, and makes cycles.

Mended: gc.enable with a high threshold instead. Runs on Python 3.8+, ends by itself.
"""

import gc
import os
import sys
import time

from advice_own_figure import Growth, Telling

UNTIL = time.monotonic() + float(os.environ.get("LIFETIME", "60"))

if "--mended" in sys.argv:
    gc.set_threshold(5000, 20, 50)
else:
    gc.disable()
telling = Telling(Growth())
print("ready", flush=True)
while time.monotonic() < UNTIL:
    for _ in range(150):
        parent = {"payload": "x" * 3000}
        parent["child"] = [parent]
    telling.tick()
    time.sleep(0.05)

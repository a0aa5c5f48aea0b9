"""Cycles, and a debugging flag that was left on: all that the collector finds is kept in gc.garbage.

Mended: without the flag. Runs on Python 3.8+, ends by itself.
"""

import gc
import os
import sys
import time

from advice_own_figure import Telling

UNTIL = time.monotonic() + float(os.environ.get("LIFETIME", "60"))

if "--mended" not in sys.argv:
    gc.set_debug(gc.DEBUG_SAVEALL)
telling = Telling(lambda: len(gc.garbage))
print("ready", flush=True)
while time.monotonic() < UNTIL:
    for _ in range(200):
        parent = {}
        parent["child"] = [parent]
    telling.tick()
    time.sleep(0.02)

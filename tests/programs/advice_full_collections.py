"""A large heap that stays, beside objects that live just long enough to grow old: full collections over and over.

Mended: gc.freeze after start-up, and gc.set_threshold with the numbers that follow (100000,10,1000).
Runs on Python 3.8+, ends by itself.
"""

import gc
import os
import sys
import time

from advice_own_figure import GcShare, Telling

UNTIL = time.monotonic() + float(os.environ.get("LIFETIME", "60"))

catalogue = [{"name": [number]} for number in range(200000)]
if "--mended" in sys.argv:
    gc.freeze()
    gc.set_threshold(*map(int, sys.argv[2].split(",")))
else:
    gc.collect()
telling = Telling(GcShare())
print("ready", flush=True)
batch = []
while time.monotonic() < UNTIL:
    batch = [[number] for number in range(30000)]  # the one before lives until this one is whole
    telling.tick()

"""Memory from malloc that is never freed; Python's own objects do not grow.

Mended: it is freed. Runs on Python 3.8+, ends by itself.
"""

import ctypes
import os
import sys
import time

from advice_own_figure import Growth, Telling

UNTIL = time.monotonic() + float(os.environ.get("LIFETIME", "60"))

c = ctypes.CDLL(None)
c.malloc.restype = ctypes.c_void_p
c.malloc.argtypes = [ctypes.c_size_t]
c.free.argtypes = [ctypes.c_void_p]
c.memset.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t]
telling = Telling(Growth())
print("ready", flush=True)
while time.monotonic() < UNTIL:
    block = c.malloc(100000)
    c.memset(block, 1, 100000)
    if "--mended" in sys.argv:
        c.free(block)
    telling.tick()
    time.sleep(0.05)

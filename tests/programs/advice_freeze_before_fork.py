"""A pre-forking server: a parent that loads a large heap, and two workers that serve out of it.

Mended: gc.freeze before the fork. The workers collect while they serve, as workers do sooner or later.
Runs on Python 3.8+, ends by itself.
"""

import gc
import os
import sys
import time

UNTIL = time.monotonic() + float(os.environ.get("LIFETIME", "60"))
PARENT = os.getpid()

if "--mended" in sys.argv:
    gc.disable()
catalogue = [{"name": [number], "text": f"entry {number}"} for number in range(150000)]
if "--mended" in sys.argv:
    gc.freeze()


def serve():
    gc.enable()
    while time.monotonic() < UNTIL and os.getppid() == PARENT:
        requests = [[number] for number in range(2000)]
        del requests
        gc.collect()
        time.sleep(1.0)
    os._exit(0)


for _ in range(2):
    if os.fork() == 0:
        serve()
print("ready", flush=True)
while time.monotonic() < UNTIL:
    time.sleep(0.2)

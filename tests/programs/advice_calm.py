"""A healthy service: some work, a bounded cache, a few cycles, much idleness. Nothing to advise.

--no-gc: with the collector off, and nothing that it would have to free. Runs on Python 3.8+, ends by itself.
"""

import collections
import gc
import os
import queue
import sys
import threading
import time

UNTIL = time.monotonic() + float(os.environ.get("LIFETIME", "60"))

if "--no-gc" in sys.argv:
    gc.disable()
cache = collections.OrderedDict()
work = queue.Queue()
threading.Thread(target=work.get, name="pool-0", daemon=True).start()
print("ready", flush=True)
count = 0
while time.monotonic() < UNTIL:
    for _ in range(200):
        cache[count] = {"key": [count]}
        count += 1
        if len(cache) > 2000:
            cache.popitem(last=False)
    if "--no-gc" not in sys.argv:
        for _ in range(20):
            cycle = []
            cycle.append(cycle)
    time.sleep(0.05)

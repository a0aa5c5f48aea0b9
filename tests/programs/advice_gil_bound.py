"""Four threads that compute in Python, for the sake of speed.

Mended: the same work in two processes. Runs on Python 3.8+, ends by itself.
"""

import os
import sys
import threading
import time

UNTIL = time.monotonic() + float(os.environ.get("LIFETIME", "60"))
PARENT = os.getpid()


def compute():
    total = 0
    while time.monotonic() < UNTIL:
        for number in range(20000):
            total += number * number % 7
        if os.getpid() != PARENT and os.getppid() != PARENT:
            os._exit(0)


if "--mended" in sys.argv:
    for _ in range(2):
        if os.fork() == 0:
            compute()
            os._exit(0)
else:
    for _ in range(4):
        threading.Thread(target=compute, daemon=True).start()
print("ready", flush=True)
while time.monotonic() < UNTIL:
    time.sleep(0.2)

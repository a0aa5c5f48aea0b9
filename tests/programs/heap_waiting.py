"""A target whose only thread waits for a lock and wakes every few seconds: where injected code has no place."""

import sys
import threading

SECONDS = float(sys.argv[1])
lock = threading.Lock()
lock.acquire()
print("ready", flush=True)
number = 0
while True:
    lock.acquire(timeout=SECONDS)
    number += 1
    print("step", number, flush=True)

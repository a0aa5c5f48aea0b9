"""A target with many threads (150 unless told otherwise) that wait, and one that is busy. Ends by itself.

Runs on Python 3.8+. Prints `ready`.
"""

import sys
import threading
import time


def wait_for(event):
    event.wait()


def spin(until):
    value = 0
    while time.monotonic() < until:
        for number in range(1000):
            value += number
    return value


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 150
    lifetime = float(sys.argv[2]) if len(sys.argv) > 2 else 120.0
    never = threading.Event()
    for index in range(count):
        threading.Thread(target=wait_for, args=(never,), name=f"waiter-{index}", daemon=True).start()
    print("ready", flush=True)
    spin(time.monotonic() + lifetime)

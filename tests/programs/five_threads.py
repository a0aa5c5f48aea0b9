"""A target with five busy threads whose stacks are 30 to 38 frames deep. Runs on Python 3.8+; ends by itself.

Prints `name native-id pthread-id` of each thread, then `ready`.
"""

import sys
import threading
import time


def leaf(count):
    total = 0
    for number in range(count):
        total += number * number
    return total


def descend(depth, count):
    return leaf(count) if depth == 0 else descend(depth - 1, count)


def work(depth, until):
    name, native, ident = threading.current_thread().name, threading.get_native_id(), threading.get_ident()
    sys.stdout.write(f"{name} {native} {ident}\n")  # one write: print would make two, and the threads mix
    sys.stdout.flush()
    while time.monotonic() < until:
        descend(depth, 2000)


if __name__ == "__main__":
    end = time.monotonic() + (float(sys.argv[1]) if len(sys.argv) > 1 else 120.0)
    for index in range(5):
        threading.Thread(target=work, args=(26 + 2 * index, end), name=f"worker-{index}", daemon=True).start()
    time.sleep(0.2)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while time.monotonic() < end:
        time.sleep(1)

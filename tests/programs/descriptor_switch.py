"""A target that holds many descriptors open while a file exists: an alert's condition, switched by a test.

Runs on Python 3.8+. Arguments: the file, and the seconds after which it ends by itself. Prints `ready`, then
`many` or `few` whenever it has changed.
"""

import os
import sys
import time

MANY = 60


def main():
    switch, seconds = sys.argv[1], float(sys.argv[2])
    held = []
    print("ready", flush=True)
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        wanted = os.path.exists(switch)
        if wanted and not held:
            held = [os.open(os.devnull, os.O_RDONLY) for _ in range(MANY)]
            print("many", flush=True)
        elif not wanted and held:
            for descriptor in held:
                os.close(descriptor)
            held = []
            print("few", flush=True)
        time.sleep(0.05)


if __name__ == "__main__":
    main()

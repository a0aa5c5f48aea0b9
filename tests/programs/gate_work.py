"""A program whose work is fixed, not its time: a run of a test suite, say. Three functions, 60 : 30 : 10.

Usage: gate_work.py SIZE [FUNCTION FACTOR]: SIZE cycles of about 40 ms; FUNCTION does FACTOR times its work. Prints
`ready`, waits for a line on stdin that lets it begin, and prints `done` and the CPU seconds that it used since
then. Runs on Python 3.8+.
"""

import sys
import time

UNIT = 6000


def sixty(count):
    value = 0
    for number in range(count):
        value += number * number % 7
    return value


def thirty(count):
    value = 0
    for number in range(count):
        value += number * number % 11
    return value


def ten(count):
    value = 0
    for number in range(count):
        value += number * number % 13
    return value


PARTS = ((sixty, 12), (thirty, 6), (ten, 2))


def main(cycles, dearer, factor):
    for _ in range(cycles):
        for function, parts in PARTS:
            function(int(parts * UNIT * (factor if function.__name__ == dearer else 1.0)))


if __name__ == "__main__":
    print("ready", flush=True)
    sys.stdin.readline()
    begun = time.process_time()
    more = sys.argv[2:4] if len(sys.argv) > 3 else ["", "1"]
    main(int(sys.argv[1]), more[0], float(more[1]))
    print("done", time.process_time() - begun, flush=True)

"""Threads that wait for each other in a circle, or only seem to. Ends by itself; runs on Python 3.8+.

    deadlocks.py KIND [SECONDS]

Prints the kernel's ids of the threads in question, then `ready` once they wait (healthy kinds: once they run).
"""

import queue
import sys
import threading
import time


def circle(make, count):
    """`count` threads of which each holds one lock and wants the next one's."""
    locks = [make() for _ in range(count)]
    all_hold = threading.Barrier(count)

    def take(index):
        sys.stdout.write(f"thread {threading.get_native_id()}\n")  # one write: lines do not mix
        with locks[index]:
            all_hold.wait()
            with locks[(index + 1) % count]:
                pass

    start(take, [(index,) for index in range(count)])


def rlock_and_join():
    """One holds an RLock and waits for the end of the other, which wants the RLock."""
    lock, held = threading.RLock(), threading.Event()

    def wants():
        sys.stdout.write(f"thread {threading.get_native_id()}\n")  # one write: lines do not mix
        held.wait()
        with lock:
            pass

    other = threading.Thread(target=wants, name="wants", daemon=True)
    other.start()

    def joins():
        sys.stdout.write(f"thread {threading.get_native_id()}\n")  # one write: lines do not mix
        with lock:
            held.set()
            other.join()

    start(joins, [()])


def rlock_with_timeout():
    """A circle of which one wait ends by itself, again and again."""
    first, second = threading.RLock(), threading.RLock()
    both_hold = threading.Barrier(2)

    def patient():
        with first:
            both_hold.wait()
            with second:
                pass

    def impatient():
        with second:
            both_hold.wait()
            while not first.acquire(timeout=30):
                pass

    start(patient, [()])
    start(impatient, [()])


def itself():
    """A thread that takes a plain lock twice."""
    lock = threading.Lock()

    def twice():
        sys.stdout.write(f"thread {threading.get_native_id()}\n")  # one write: lines do not mix
        with lock, lock:
            pass

    start(twice, [()])


def idle_pool():
    work = queue.Queue()
    start(lambda: work.get(), [()] * 6)


def condition():
    waited = threading.Condition()

    def wait():
        with waited:
            waited.wait()

    start(wait, [()] * 4)
    start(threading.Semaphore(0).acquire, [()])
    start(threading.Event().wait, [()])


def contended(make):
    """Two locks, always taken in the same order, by six threads that hold them for a moment."""
    first, second = make(), make()

    def work():
        while True:
            with first, second:
                time.sleep(0.002)

    def one():
        while True:
            with second:
                time.sleep(0.001)

    start(work, [()] * 4)
    start(one, [()] * 2)


def start(function, arguments):
    for index, args in enumerate(arguments):
        threading.Thread(target=function, args=args, name=f"{function.__name__}-{index}", daemon=True).start()


KINDS = {
    "rlock2": lambda: circle(threading.RLock, 2),
    "rlock3": lambda: circle(threading.RLock, 3),
    "lock2": lambda: circle(threading.Lock, 2),
    "join": rlock_and_join,
    "timeout": rlock_with_timeout,
    "itself": itself,
    "idle": idle_pool,
    "condition": condition,
    "contended-rlock": lambda: contended(threading.RLock),
    "contended-lock": lambda: contended(threading.Lock),
}

if __name__ == "__main__":
    KINDS[sys.argv[1]]()
    time.sleep(0.3)
    print("ready", flush=True)
    time.sleep(float(sys.argv[2]) if len(sys.argv) > 2 else 120.0)

"""Ten targets in one: each is limited by what its argument names. Runs on Python 3.8+, ends by itself.

python: one thread computes; native: three threads hash without the GIL; gil: four threads compute;
gc: full collections of a large heap; lock: four threads queue for a lock that a fifth holds in its sleep;
io: reads from a peer that answers late; idle: waits for work on a queue and a timer;
mixed: half computing, half waiting for the peer; throttled: as python, in a group with a small quota;
paging: touches a mapped file that does not fit into the memory of its group.
Prints `ready` when it is under way.
"""

import gc
import hashlib
import mmap
import os
import queue
import socket
import sys
import tempfile
import threading
import time

UNTIL = time.monotonic() + float(os.environ.get("LIFETIME", "60"))


def running():
    return time.monotonic() < UNTIL


def compute():
    total = 0
    while running():
        for number in range(20000):
            total += number * number % 7
    return total


def hash_blocks():
    block = b"x" * (8 << 20)
    while running():
        hashlib.sha256(block).digest()  # releases the GIL for large buffers


def threads(count, work):
    for number in range(count):
        threading.Thread(target=work, name=f"worker-{number}", daemon=True).start()
    while running():
        time.sleep(0.5)


def collect():
    keep = [{"number": number, "self": None} for number in range(400000)]
    for entry in keep:
        entry["self"] = entry
    while running():
        gc.collect()


def queue_for_lock():
    lock = threading.Lock()

    def work():
        while running():
            with lock:
                time.sleep(0.05)

    threads(5, work)


def late_peer():
    """A socket to a peer that answers a question after as many seconds as it says."""
    ours, theirs = socket.socketpair()

    def answer():
        while running():
            time.sleep(float(theirs.recv(64).decode()))
            theirs.sendall(b"answer")

    threading.Thread(target=answer, name="peer", daemon=True).start()
    return ours


def ask_and_wait(peer, seconds):
    peer.sendall(str(seconds).encode())
    peer.recv(16)


def ask():
    peer = late_peer()
    while running():
        ask_and_wait(peer, 0.2)


def idle():
    work = queue.Queue()
    threading.Thread(target=work.get, name="pool-0", daemon=True).start()
    threading.Thread(target=work.get, name="pool-1", daemon=True).start()
    while running():
        time.sleep(0.25)


def mixed():
    peer = late_peer()
    total = 0
    while running():
        began = time.monotonic()
        until = time.thread_time() + 0.05
        while time.thread_time() < until:
            total += sum(range(200))
        ask_and_wait(peer, time.monotonic() - began)  # half of the time, however crowded the machine is


def touch_pages():
    size = int(os.environ.get("MAPPED", str(160 << 20)))
    with tempfile.TemporaryFile() as file:
        for _ in range(size >> 20):
            file.write(os.urandom(1 << 20))
        file.flush()
        mapped = mmap.mmap(file.fileno(), size, prot=mmap.PROT_READ)
        mapped.madvise(mmap.MADV_RANDOM)  # one page a fault: no reading ahead
        place = 0
        print("paging", flush=True)
        while running():
            place = (place + 4096 * 4099) % size
            mapped[place]


KINDS = {
    "python": compute,
    "native": lambda: threads(3, hash_blocks),
    "gil": lambda: threads(4, compute),
    "gc": collect,
    "lock": queue_for_lock,
    "io": ask,
    "idle": idle,
    "mixed": mixed,
    "throttled": compute,
    "paging": touch_pages,
}

if __name__ == "__main__":
    print("ready", flush=True)
    KINDS[sys.argv[1]]()

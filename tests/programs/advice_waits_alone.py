"""One thread that asks eight slow peers one after the other, and computes a little on each answer.

Mended: one thread for each peer. Runs on Python 3.8+, ends by itself.
"""

import os
import socket
import sys
import threading
import time

from advice_own_figure import Rounds, Telling

UNTIL = time.monotonic() + float(os.environ.get("LIFETIME", "60"))
PARENT = os.getpid()


def peer():
    """A process that answers after a tenth of a second."""
    ours, theirs = socket.socketpair()
    if os.fork() == 0:
        ours.close()
        try:
            while theirs.recv(16) and os.getppid() == PARENT:
                time.sleep(0.1)
                theirs.sendall(b"answer")
        finally:
            os._exit(0)
    theirs.close()
    return ours


rounds = Rounds()
telling = Telling(rounds)


def ask(peers):
    while time.monotonic() < UNTIL:
        for one in peers:
            one.sendall(b"question")
            one.recv(16)
            sum(number * number for number in range(20000))
            rounds.done()
            if one is peers[0] and threading.current_thread() is threading.main_thread():
                telling.tick()


peers = [peer() for _ in range(8)]
print("ready", flush=True)
if "--mended" in sys.argv:
    for one in peers[1:]:
        threading.Thread(target=ask, args=([one],), daemon=True).start()
    ask(peers[:1])
else:
    ask(peers)

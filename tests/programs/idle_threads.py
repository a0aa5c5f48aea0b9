"""A target whose threads do nothing, each in its own way: sleep, a lock, a socket, a pipe. Ends by itself.

Runs on Python 3.8+. Prints `name native-id` of each thread, then `ready`.
"""

import os
import socket
import sys
import threading
import time


def sleeper(seconds):
    say_who()
    time.sleep(seconds)


def locked(lock):
    say_who()
    with lock:
        pass


def listener(server):
    say_who()
    server.accept()


def reader(descriptor):
    say_who()
    os.read(descriptor, 1)


def say_who():
    # One write: print would make two, and the threads mix.
    sys.stdout.write(f"{threading.current_thread().name} {threading.get_native_id()}\n")
    sys.stdout.flush()


def start(name, function, argument):
    threading.Thread(target=function, args=(argument,), name=name, daemon=True).start()


if __name__ == "__main__":
    lifetime = float(sys.argv[1]) if len(sys.argv) > 1 else 120.0
    held = threading.Lock()
    held.acquire()
    server = socket.socket()
    server.bind(("127.0.0.1", 0))
    server.listen()
    reading, writing = os.pipe()
    start("sleeper", sleeper, lifetime)
    start("locked", locked, held)
    start("listener", listener, server)
    start("reader", reader, reading)
    time.sleep(0.3)
    print("ready", flush=True)
    time.sleep(lifetime)

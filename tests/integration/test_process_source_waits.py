"""What real threads wait for, on every Python: the names come from their system calls."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import pytest

from razorprof.model.threads import WaitsOn
from razorprof.remote.process import ProcessView
from razorprof.remote.tasks import TaskRates, TaskReader, TaskStat
from razorprof.remote.waits import WaitReader
from tests.live_targets import PythonBuild, StartProgram

PROGRAM = '''
import fcntl, json, os, select, socket, subprocess, sys, threading, time

folder = sys.argv[1]
lock = threading.Lock(); lock.acquire()
server = socket.socket(); server.bind(("127.0.0.1", 0)); server.listen(5)
client = socket.create_connection(server.getsockname()); peer, _ = server.accept()
unix = socket.socket(socket.AF_UNIX); unix.bind(folder + "/a b.sock"); unix.listen(5)
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); udp.bind(("127.0.0.1", 0))
pipe, pipe_end = os.pipe()
held = open(folder + "/lock", "w"); fcntl.flock(held, fcntl.LOCK_EX)
child = subprocess.Popen(["sleep", "600"])

def spin():
    while True: pass
def recv_with_timeout():
    peer.settimeout(600); peer.recv(1)
def epoll():
    poller = select.epoll(); poller.register(pipe, select.EPOLLIN); poller.register(udp, select.EPOLLIN)
    poller.poll(600)
def poll():
    poller = select.poll(); poller.register(pipe); poller.register(server); poller.poll(600000)
def flock():
    with open(folder + "/lock", "w") as file: fcntl.flock(file, fcntl.LOCK_EX)

work = dict(lock=lock.acquire, lock_timeout=lambda: lock.acquire(timeout=600), sleep=lambda: time.sleep(600),
    recv=lambda: client.recv(1), recv_timeout=recv_with_timeout, accept=server.accept, unix=unix.accept,
    udp=lambda: udp.recvfrom(1), pipe=lambda: os.read(pipe, 1), epoll=epoll, poll=poll, flock=flock,
    wait=child.wait, spin=spin)
threads = {}
for name, target in work.items():
    threads[name] = threading.Thread(target=target, daemon=True); threads[name].start()
time.sleep(0.3)
ids = {name: thread.native_id for name, thread in threads.items()}
print(json.dumps([ids, server.getsockname()[1], peer.getpeername()[1], child.pid]), "ready")
try:
    time.sleep(300)
finally:
    child.kill()
'''  # fmt: skip


@pytest.fixture
def program(tmp_path: Path) -> Path:
    file = tmp_path / "waits.py"
    file.write_text("import signal, sys\nsignal.signal(signal.SIGTERM, lambda *_: sys.exit(0))\n" + PROGRAM)
    return file


def test_each_thread_tells_what_it_waits_for(
    python_build: PythonBuild, start_program: StartProgram, program: Path, tmp_path: Path
) -> None:
    started = start_program(python_build, program, str(tmp_path))
    ids, port, peer_port, child = json.loads(started.wait_for("ready", 60.0).rpartition(" ")[0])
    view = ProcessView(started.pid)
    tasks, waits, rates = TaskReader(view), WaitReader(view), TaskRates()
    rates.update(tasks.read(), time.monotonic())
    time.sleep(1.0)
    found: dict[int, TaskStat] = {task.tid: task for task in tasks.read(with_syscalls=True)}
    shares = rates.update(found.values(), time.monotonic())
    told = {name: waits.describe(found[native_id]) for name, native_id in ids.items()}
    tasks.close()

    lock = told.pop("lock")
    assert lock is not None
    assert lock.kind == "lock"
    assert lock.address
    assert told.pop("lock_timeout") == lock  # the same lock: the same address
    assert told == {
        "sleep": WaitsOn("sleep", "sleep"),
        "recv": WaitsOn("io", f"recv from 127.0.0.1:{port}"),
        "recv_timeout": WaitsOn("io", f"poll 127.0.0.1:{peer_port}"),
        "accept": WaitsOn("io", f"accept on 127.0.0.1:{port}"),
        "unix": WaitsOn("io", f"accept on {tmp_path}/a b.sock"),
        "udp": WaitsOn("io", told["udp"].what if told["udp"] else ""),
        "pipe": WaitsOn("io", "read pipe"),
        "epoll": WaitsOn("io", "epoll"),
        "poll": WaitsOn("io", "poll 2 descriptors"),
        "flock": WaitsOn("lock", f"file lock of {tmp_path}/lock"),
        "wait": WaitsOn("other", f"wait for child process {child}"),
        "spin": None,
    }
    assert told["udp"] is not None
    assert told["udp"].what.startswith("recv from 127.0.0.1:")
    assert shares[ids["spin"]].cpu_ratio > 0.1  # alone it would have a CPU; this machine may be busy
    assert shares[ids["sleep"]].cpu_ratio < 0.01


CHURN = """
import signal, sys, threading, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
print("ready", flush=True)
while True:
    for _ in range(20):
        threading.Thread(target=time.sleep, args=(0.005,)).start()
    time.sleep(0.01)
"""


def test_threads_that_come_and_go_leave_no_descriptors_behind(start_program: StartProgram, tmp_path: Path) -> None:
    file = tmp_path / "churn.py"
    file.write_text(CHURN)
    started = start_program(sys.executable, file)
    started.wait_for("ready", 60.0)
    before = len(os.listdir("/proc/self/fd"))
    view = ProcessView(started.pid)
    tasks, waits = TaskReader(view, most_open=16), WaitReader(view)
    seen: set[int] = set()
    deadline = time.monotonic() + 60.0
    while len(seen) < 300:
        assert time.monotonic() < deadline, f"only {len(seen)} threads came and went"
        waits.start_look()
        found = tasks.read(with_syscalls=True)
        for task in found:
            waits.describe(task)
        seen |= {task.tid for task in found}
        assert len(os.listdir("/proc/self/fd")) <= before + 16
    tasks.close()
    assert len(os.listdir("/proc/self/fd")) == before

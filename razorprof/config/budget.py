"""Budget files of `razorprof run`, TOML: parsed strictly, every error with its key and, where possible, its line.

    version = 1
    [functions]
    "app/*.py:render" = { total = "35%" }
    [process]
    peak_memory = "512MiB"
    [baseline]
    profile = "baseline.json"      # relative to the budget's own folder
    fail_above = "20%"

What the limits mean is analysis.budget's business.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from razorprof.analysis.budget import Baseline, Budget, FunctionLimit
from razorprof.analysis.gate import parse_threshold
from razorprof.errors import UsageError
from razorprof.units import parse_duration, parse_size

T = TypeVar("T")

VERSION = 1
_LARGEST = 1 << 20
_MOST_FUNCTIONS = 1000
_SECTIONS = ("version", "functions", "process", "baseline")
_PERCENT = re.compile(r"(\d+(?:\.\d+)?)\s*%", re.ASCII)


def read_budget(path: Path) -> Budget:
    """The budget of a file. Raises UsageError, naming file, line and key."""
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST + 1)
    except OSError as error:
        raise UsageError("cannot read the budget", value=f"{path}: {error.strerror}") from error
    if len(content) > _LARGEST:
        raise UsageError("the budget is larger than 1 MiB", value=path)
    try:
        text = content.decode()
        return _Reader(path, text).budget(tomllib.loads(text))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError("the budget is not TOML", value=path, hint=str(error)) from error


class _Reader:
    """One file while it is read."""

    def __init__(self, path: Path, text: str) -> None:
        self._path = path
        self._lines = text.splitlines()

    def budget(self, document: Mapping[str, Any]) -> Budget:
        self._only(document, _SECTIONS, "")
        version = document.get("version")
        if isinstance(version, bool) or version != VERSION:
            raise self._bad("", "version", f"it must say: version = {VERSION}")
        process = self._table(document, "process")
        self._only(process, ("peak_memory", "gc", "wall", "cpu"), "process")
        found = Budget(
            functions=self._functions(self._table(document, "functions")),
            peak_memory=self._value(process, "process", "peak_memory", 'a size such as "512MiB"', parse_size),
            gc=self._value(process, "process", "gc", 'a share such as "5%"', _percent),
            wall=self._value(process, "process", "wall", 'a duration such as "30s"', parse_duration),
            cpu=self._value(process, "process", "cpu", 'a duration such as "25s"', parse_duration),
            baseline=self._baseline(document),
        )
        if found == Budget():
            raise UsageError("the budget limits nothing", value=self._path, hint="see: razorprof run --help")
        return found

    def _functions(self, table: Mapping[str, Any]) -> tuple[FunctionLimit, ...]:
        if len(table) > _MOST_FUNCTIONS:
            raise self._bad("functions", "", f"at most {_MOST_FUNCTIONS} limits")
        limits = []
        for pattern, limit in table.items():
            if not isinstance(limit, dict) or not limit or not pattern:
                raise self._bad("functions", pattern, 'it takes { self = "20%" }, { total = "35%" } or both')
            self._only(limit, ("self", "total"), "functions", pattern)
            own, total = (
                self._value(limit, "functions", key, 'a share such as "20%"', _percent, of=pattern)
                for key in ("self", "total")
            )
            limits.append(FunctionLimit(pattern, own, total))
        return tuple(limits)

    def _baseline(self, document: Mapping[str, Any]) -> Baseline | None:
        if "baseline" not in document:
            return None
        table = self._table(document, "baseline")
        self._only(table, ("profile", "fail_above"), "baseline")
        profile = self._value(table, "baseline", "profile", "the path of a profile", _text)
        above = self._value(table, "baseline", "fail_above", '"20%" or "5pp"', parse_threshold)
        if not profile or above is None:
            raise self._bad("", "baseline", 'it needs profile = "FILE" and fail_above = "20%"')
        return Baseline(self._path.parent / profile, above)

    def _table(self, document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
        table = document.get(name, {})
        if not isinstance(table, dict):
            raise self._bad("", name, f"it is a table: [{name}]")
        return table

    def _only(self, table: Mapping[str, Any], known: tuple[str, ...], section: str, of: str = "") -> None:
        for key in table:
            if key not in known:
                raise self._bad(section, key, f"there is no such key; there are {', '.join(known)}", of=of)

    def _value(
        self,
        table: Mapping[str, Any],
        section: str,
        key: str,
        wanted: str,
        parse: Callable[[str], T],
        of: str = "",
    ) -> T | None:
        if key not in table:
            return None
        value = table[key]
        if not isinstance(value, str):
            raise self._bad(section, key, f"it takes {wanted}, in quotes", of=of)
        try:
            return parse(value)
        except UsageError as error:
            raise self._bad(section, key, f"it takes {wanted}, not {value!r}", of=of) from error

    def _bad(self, section: str, key: str, why: str, of: str = "") -> UsageError:
        line = self._line(section, of or key)
        place = f"{self._path}:{line}" if line else str(self._path)
        named = ".".join(part for part in (section, of, key) if part)
        return UsageError("bad budget", value=f"{place}: {named}", hint=why)

    def _line(self, section: str, key: str) -> int | None:
        """Where a key stands, as far as that can be told without a parser that counts lines."""
        inside = not section
        named = re.compile(rf"\s*(?:\[\s*)?[\"']?{re.escape(key)}[\"']?\s*[=.\]]")
        for number, line in enumerate(self._lines, 1):
            if section and re.match(rf"\s*\[\s*{re.escape(section)}\b", line):
                inside = True
                if not key:
                    return number
            if inside and named.match(line):
                return number
        return None


def _percent(text: str) -> float:
    found = _PERCENT.fullmatch(text.strip())
    if found is None or float(found[1]) > 100:
        raise UsageError("not a share", value=text)
    return float(found[1]) / 100


def _text(text: str) -> str:
    if not text or "\0" in text:
        raise UsageError("not a path", value=text)
    return text

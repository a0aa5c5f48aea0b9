"""razorprof.toml: the user's settings, validated, from trusted folders only.

Looked for in $XDG_CONFIG_HOME/razorprof (else ~/.config/razorprof), then in /etc/razorprof; or the file that
`--config` names. Never in the working directory, and a file that others may write is refused: settings steer what
razorprof does with the rights of its user. Described in razorprof.toml(5).
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from razorprof.config.trust import refuse_if_others_may_write
from razorprof.errors import UsageError
from razorprof.units import parse_duration, parse_size

_FILE = Path("razorprof") / "razorprof.toml"
_LARGEST = 1 << 20


@dataclass(frozen=True, slots=True)
class Settings:
    """interval: seconds; rate: Hz, None adapts; budget: CPU seconds per second of all of razorprof; theme: a
    Textual theme's name; bell: ring when an alert begins to fire; keys: dashboard action -> keys, comma
    separated."""

    interval: float = 1.0
    rate: float | None = None
    budget: float = 0.15
    history_seconds: float = 3600.0
    history_bytes: int = 32 << 20
    theme: str = ""
    bell: bool = False
    keys: Mapping[str, str] = field(default_factory=dict)


def load_settings(path: str | None = None) -> Settings:
    """The settings that are in force. Raises UsageError for a bad or untrusted file."""
    if path is not None:
        return read_settings(Path(path))
    for folder in _folders():
        if (folder / _FILE).is_file():
            return read_settings(folder / _FILE)
    return Settings()


def read_settings(path: Path) -> Settings:
    """The settings of one file. Raises UsageError, naming file and key."""
    try:
        with path.open("rb") as file:
            refuse_if_others_may_write(os.fstat(file.fileno()), path, "the settings")
            content = file.read(_LARGEST + 1)
    except OSError as error:
        raise UsageError("cannot read the settings", value=path, hint=str(error.strerror)) from error
    if len(content) > _LARGEST:
        raise UsageError("the settings file is larger than 1 MiB", value=path)
    try:
        return _settings(tomllib.loads(content.decode()), path)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError("the settings are not TOML", value=path, hint=str(error)) from error


def _folders() -> list[Path]:
    home = os.environ.get("XDG_CONFIG_HOME", "")
    own = Path(home) if os.path.isabs(home) else Path.home() / ".config"  # XDG: a relative path is to be ignored
    return [own, Path("/etc")]


def _settings(document: dict[str, Any], path: Path) -> Settings:
    def bad(key: str, wanted: str) -> UsageError:
        return UsageError("bad setting", value=f"{path}: {key}", hint=f"it takes {wanted}; see razorprof.toml(5)")

    top = document.get("top", {})
    keys = document.get("keys", {})
    if not isinstance(top, dict) or not isinstance(keys, dict):
        raise bad("top" if not isinstance(top, dict) else "keys", "a table")
    known = {"interval", "rate", "budget", "history", "history_size", "theme", "bell"}
    for unknown in [*(set(document) - {"top", "keys"}), *(f"top.{key}" for key in set(top) - known)]:
        raise bad(unknown, "nothing: there is no such setting")

    def number(key: str, low: float, high: float, default: float) -> float:
        value = top.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            raise bad(f"top.{key}", f"a number from {low:g} to {high:g}")
        return float(value)

    def quantity(key: str, wanted: str) -> str | None:
        value = top.get(key)
        if (value is not None and not isinstance(value, str | int | float)) or isinstance(value, bool):
            raise bad(f"top.{key}", wanted)
        return None if value is None else str(value)

    interval = quantity("interval", 'seconds or a duration such as "500ms"')
    history = quantity("history", 'seconds or a duration such as "1h"')
    size = quantity("history_size", 'bytes or a size such as "32MiB"')
    theme = top.get("theme", "")
    if not isinstance(theme, str):
        raise bad("top.theme", "a theme's name")
    bell = top.get("bell", False)
    if not isinstance(bell, bool):
        raise bad("top.bell", "true or false")
    if any(not isinstance(value, str) for value in keys.values()):
        raise bad("keys", 'strings such as pause = "space,p"')
    default = Settings()
    return Settings(
        interval=default.interval if interval is None else parse_duration(interval),
        rate=number("rate", 1, 1000, 0.0) if "rate" in top else None,
        budget=number("budget", 0.01, 8, default.budget),
        history_seconds=default.history_seconds if history is None else parse_duration(history),
        history_bytes=default.history_bytes if size is None else parse_size(size),
        theme=theme,
        bell=bell,
        keys=dict(keys),
    )

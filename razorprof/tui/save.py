"""What is on the screen, as a text and an SVG file in the working directory. The only files the dashboard
writes."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

from razorprof.render.text import cut_middle, printable


def save_words(folder: Path, pid: int, time: float, text: str, picture: str, width: int) -> tuple[str, bool]:
    """Save the screen; what to say of it in `width` cells, and whether it was saved."""
    try:
        path, _ = save_screen(folder, pid, time, text, picture)
    except OSError as error:
        return f"not saved: {printable(str(error))}", False
    return f"saved {cut_middle(printable(str(path)), max(20, width - 16))} .svg", True


def save_screen(folder: Path, pid: int, time: float, text: str, picture: str) -> tuple[Path, Path]:
    """Write both files and hand back their paths; pid and time of day are in the names. Never overwrites, never
    follows a link. Raises OSError."""
    stamp = datetime.fromtimestamp(time).strftime("%Y%m%d-%H%M%S")
    stem = f"razorprof-{pid}-{stamp}"
    number = 0
    while True:
        name = stem if not number else f"{stem}-{number}"
        paths = folder / f"{name}.txt", folder / f"{name}.svg"
        try:
            _create(paths[0], text)
        except FileExistsError:
            number += 1
            if number > 99:
                raise
            continue
        _create(paths[1], picture)
        return paths


def _create(path: Path, text: str) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with open(os.open(path, flags, 0o600), "w", encoding="utf-8", errors="backslashreplace") as file:
        file.write(text)

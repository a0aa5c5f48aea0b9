"""Make the README's picture of the dashboard: the real program on the sample program, without a terminal.

    python scripts/picture.py docs/dashboard.svg [--seconds 55] [--size 120x40] [--keys 2,m] [--also TARGET]

For developers; nothing here is staged: a live session looks at the demo's program for so many seconds, keys are
pressed, and what is then on the screen is written as SVG (no script, no font from elsewhere).
"""

from __future__ import annotations

import argparse
import asyncio
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from razorprof.cli.demo import sample_program
from razorprof.cli.select import select_targets
from razorprof.plugin import loading
from razorprof.session.session import Session, SessionOptions
from razorprof.tui.app import Dashboard

_FONTS = re.compile(r"@font-face\s*\{[^}]*\}\s*")
_SETTLE = 1.0  # seconds for a key's effect to be drawn


def main(arguments: Sequence[str]) -> int:
    """Answer one call; the exit code."""
    parser = argparse.ArgumentParser(description="Write a picture of the dashboard on the sample program.")
    parser.add_argument("file", type=Path)
    parser.add_argument("--seconds", type=float, default=55.0, help="how long to look before")
    parser.add_argument("--size", type=_size, default=(120, 40), metavar="COLUMNSxROWS")
    parser.add_argument("--keys", type=lambda text: text.split(","), default=[], help="pressed before, by comma")
    parser.add_argument("--also", action="append", default=[], metavar="TARGET", help="look at this process too")
    options = parser.parse_args(arguments)
    with sample_program() as pid:
        picture = asyncio.run(take_picture([str(pid), *options.also], options.seconds, options.size, options.keys))
    options.file.parent.mkdir(parents=True, exist_ok=True)
    options.file.write_text(picture, encoding="utf-8")
    return 0


async def take_picture(targets: Sequence[str], seconds: float, size: tuple[int, int], keys: Sequence[str]) -> str:
    """The dashboard on `targets` as SVG, after `seconds` and `keys`."""
    session = Session(SessionOptions(), sources=loading.sources, runtimes=loading.runtimes)
    for found in select_targets(list(targets)):
        session.watch(found)
    app = Dashboard(session.view, session)
    async with app.run_test(size=size) as pilot:
        session.listen(app.tick)
        session.start()
        try:
            await asyncio.sleep(seconds)
            for key in keys:
                await pilot.press(key)
                await asyncio.sleep(_SETTLE)
            return _FONTS.sub("", app.export_screenshot(title="razorprof top"))
        finally:
            session.stop()


def _size(text: str) -> tuple[int, int]:
    columns, _, rows = text.partition("x")
    return int(columns), int(rows)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

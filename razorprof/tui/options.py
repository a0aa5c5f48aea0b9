"""What whoever opens the dashboard may decide."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from razorprof.clock import Clock, SystemClock
from razorprof.render.glyphs import Glyphs, choose
from razorprof.tui.collect import HISTORY


@dataclass(frozen=True, slots=True)
class DashboardOptions:
    """keys: action name -> keys, where they differ from the defaults (tui.actions); theme: a Textual theme's
    name; history: seconds that sparklines span; save_folder: where `x` writes; clock: for ages only; bell: ring
    the terminal's when an alert begins to fire."""

    keys: Mapping[str, str] = field(default_factory=dict)
    theme: str = "razorprof-dark"
    history: float = HISTORY
    glyphs: Glyphs = field(default_factory=lambda: choose(os.environ))
    save_folder: Path = field(default_factory=Path.cwd)
    clock: Clock = field(default_factory=SystemClock)
    first_screen: str = "overview"
    bell: bool = False

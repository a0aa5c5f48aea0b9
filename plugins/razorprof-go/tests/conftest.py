"""The helpers beside the tests can be imported by name."""

from __future__ import annotations

import sys
from pathlib import Path

for folder in ("unit", "integration"):
    sys.path.insert(0, str(Path(__file__).parent / folder))

"""The program: ``razorprof`` and ``python -m razorprof``. All of it happens behind cli.edge."""

from __future__ import annotations

import sys


def main() -> int:
    """Run the command line of this process; the exit code."""
    from razorprof.cli.edge import run

    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())

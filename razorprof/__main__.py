"""The program: ``razorprof`` and ``python -m razorprof``. All of it happens behind cli.edge."""

from __future__ import annotations

import gc
import sys


def main() -> int:
    """Run the command line of this process; the exit code."""
    from razorprof.cli.edge import run

    code = run(sys.argv[1:])
    # Nothing is left to be done: the interpreter's last collections would only look at every object that there is,
    # for 30 ms and more. What has to happen at exit (atexit, finalizers of temporary folders) still does.
    gc.freeze()
    return code


if __name__ == "__main__":
    sys.exit(main())

"""The program: ``razorprof`` and ``python -m razorprof``. All of it happens behind cli.edge."""

from __future__ import annotations

import gc
import sys

_INTERRUPTED = 130  # errors.ExitCode.INTERRUPTED, which is still to be loaded


def main() -> int:
    """Run the command line of this process; the exit code."""
    try:
        from razorprof.cli.edge import run
    except KeyboardInterrupt:  # Ctrl-C while it still loads
        return _INTERRUPTED

    code = run(sys.argv[1:])
    # Nothing is left to be done: the interpreter's last collections would only look at every object that there is,
    # for 30 ms and more. What has to happen at exit (atexit, finalizers of temporary folders) still does.
    gc.freeze()
    return code


if __name__ == "__main__":
    sys.exit(main())

"""Runs one of memray's own reporters on one file, in a process of its own whose memory is bounded.

Run by profilers.memray_reader under the supervisor, which bounds its time and its output.
"""

from __future__ import annotations

import resource
import sys


def main() -> int:
    """argv: bytes of memory that this process may take, then memray's own arguments."""
    memory = int(sys.argv[1])
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    from memray.commands import main as memray

    try:
        return int(memray(sys.argv[2:]))
    except MemoryError:
        print(f"MemoryError: more than {memory >> 20} MiB would be needed", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""Fail a CI job when a process that it started grows beyond a limit: JSON Lines of `razorprof top`, no jq needed.

    ci-memory-gate.py PID LIMIT_MIB [SECONDS]

Exit status 0: stayed below; 1: went above; 2: bad usage; else that of razorprof (3: the process is gone).
"""

import itertools
import json
import subprocess
import sys

MIB = 1024 * 1024


def main(arguments):
    try:
        pid, limit = str(int(arguments[0])), float(arguments[1]) * MIB
        seconds = int(arguments[2]) if len(arguments) > 2 else 10
    except (IndexError, ValueError):
        print(__doc__, file=sys.stderr)
        return 2
    command = ["razorprof", "top", pid, "-n", str(seconds), "--interval", "1", "--json"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=seconds + 60)
    if done.returncode != 0:
        print(done.stdout, file=sys.stderr)  # with --json the reason is a document, too
        return done.returncode
    highest = max(itertools.chain.from_iterable(map(resident_bytes, done.stdout.splitlines())), default=None)
    if highest is None:
        print("no figure of the resident memory was given", file=sys.stderr)
        return 1
    print(f"highest resident memory {highest / MIB:.1f} MiB, limit {limit / MIB:.1f} MiB")
    return int(highest > limit)


def resident_bytes(line):
    """The resident memory of each target in one document; nothing where it is not known."""
    for target in json.loads(line)["targets"]:
        for metric in target["metrics"]:
            if metric["name"] == "process_resident_memory_bytes":
                yield metric["value"]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

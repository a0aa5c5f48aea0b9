#!/bin/sh
# Which of a service's workers is the odd one out? Prints one line a worker: pid, how far it deviates from its
# siblings, in which figure, and its hottest function.
#
#     hottest-worker.sh name:gunicorn
set -eu

target=${1:?usage: hottest-worker.sh TARGET}
razorprof top "$target" --all --children -n 3 --json | tail -n 1 | python3 -c '
import json, sys

targets = json.loads(sys.stdin.readline())["targets"]
for target in sorted(targets, key=lambda t: -abs((t.get("deviation") or {}).get("score") or 0)):
    deviation = target.get("deviation") or {"score": None, "of": "no siblings"}
    functions = target["functions"] or []
    hot = functions[0]["function"] if functions else target.get("functions_reason", "nothing ran")
    score = "-" if deviation["score"] is None else "%.1f" % deviation["score"]
    # ascii(): names come from the target and may hold escape sequences
    print(target["pid"], score, ascii(deviation["of"]), ascii(hot), sep="\t")
'

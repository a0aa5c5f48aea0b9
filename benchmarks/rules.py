"""What evaluating rules costs: 200 rules over 1,000 series, beside promtool on the same rules and series.

Run: python benchmarks/rules.py [ROUNDS]. Half of the rules alert, half record; each looks at the ten or hundred
series of a job, or at all. What a recording rule asks an alerting one asks, too, as rules of two severities do,
but where each asks for itself. Milliseconds of processor time for one evaluation of all rules, medians and least:
the machine may be shared. promtool (where it is installed) tests the same rules for an hour of evaluations, one a
minute, and so does razorprof's own `rules test`; both times are of the whole program. Nothing here asserts.
Aim: at most 100 ms.
"""

from __future__ import annotations

import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from razorprof.alerting.evaluator import Evaluator
from razorprof.alerting.rule_file import examine
from razorprof.model.labels import Labels
from razorprof.store.memory import MemoryStore

RULES, SERIES, INTERVAL = 200, 1000, 15.0
START = 1_700_006_400.0
KINDS = {
    "one job of ten series": 'x{{job="j{n}"}}',
    "ten series, each for itself": 'x{{job="j{n}",n!="{kind}"}}',
    "rate, one job of ten series": 'rate(x{{job="j{n}"}}[5m])',
    "rate, each for itself": 'rate(x{{job="j{n}",n!="{kind}"}}[5m])',
    "a sum of a hundred series": 'sum by (job) (x{{team="t{t}"}})',
    "a sum of a hundred, for itself": 'sum by (job) (x{{team="t{t}",n!="{kind}{n}"}})',
    "a sum of all series": "sum by (team) (x)",
}


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    print(f"{RULES} rules over {SERIES} series: one evaluation of all")
    for title, pattern in KINDS.items():
        for words, above in (("nothing fires", 1e12), ("those above 900,000 fire", 9e5), ("all fire", -1.0)):
            spent, least, alerts = measured(rule_file(pattern, above), rounds)
            print(f"  {title:30} {words:24} {spent:8.1f} ms {least:8.1f} ms  {alerts:7,} alerts")
    with tempfile.TemporaryDirectory() as folder:
        test = write_test(Path(folder))
        for title, command in (
            ("promtool test rules", ["promtool", "test", "rules", str(test)]),
            ("razorprof rules test", [sys.executable, "-m", "razorprof", "rules", "test", str(test)]),
        ):
            if shutil.which(command[0]):
                print(f"  {title:30} {'an hour, 61 times':24} {program(command):8.1f} ms")


def rule_file(pattern: str, above: float) -> str:
    rules = []
    for number in range(RULES // 2):
        expr, again = (pattern.format(n=number, t=number // 10, kind=kind) for kind in ("record", "alert"))
        rules.append(f"  - record: r{number}\n    expr: '{expr} > {above}'")
        rules.append(
            f"  - alert: A{number}\n    expr: '{again} > {above}'\n    for: 5m\n    labels: {{severity: page}}\n"
            "    annotations: {summary: 'job {{ $labels.job }} is at {{ $value }}'}"
        )
    return "groups:\n- name: g\n  rules:\n" + "\n".join(rules) + "\n"


def measured(text: str, rounds: int) -> tuple[float, float, int]:
    examined = examine(text, "rules.yml")
    assert not examined.problems, examined.problems[:3]
    store = MemoryStore(max_bytes=1 << 30, max_series=20_000)
    group = store.group(Labels())
    names = [
        Labels(__name__="x", job=f"j{number // 10}", team=f"t{number // 100}", n=str(number))
        for number in range(SERIES)
    ]
    row = group.resolve(names)
    base = np.arange(SERIES, dtype=np.float64) * 1000.0
    evaluator = Evaluator([examined.file], store, store)
    spent = []
    for number in range(rounds + 25):
        moment = START + number * INTERVAL
        group.append_row(moment, row, base + number)
        started = time.process_time()
        evaluator.evaluate(moment)
        spent.append(time.process_time() - started)
    assert not [status.error for status in evaluator.statuses() if status.error]
    return statistics.median(spent[25:]) * 1000, min(spent[25:]) * 1000, len(evaluator.alerts())


def write_test(folder: Path) -> Path:
    (folder / "rules.yml").write_text(rule_file(KINDS["one job of ten series"], 9e5))
    series = "\n".join(
        f'  - series: \'x{{job="j{number // 10}",team="t{number // 100}",n="{number}"}}\'\n'
        f"    values: '{number * 1000}+1x60'"
        for number in range(SERIES)
    )
    test = folder / "test.yml"
    test.write_text(
        f"rule_files: [rules.yml]\ntests:\n- interval: 1m\n  input_series:\n{series}\n"
        "  alert_rule_test:\n  - {eval_time: 1h, alertname: A0, exp_alerts: []}\n"
    )
    return test


def program(command: list[str]) -> float:
    """Milliseconds of processor time."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1000


if __name__ == "__main__":
    main()

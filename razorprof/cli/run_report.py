"""What came of ``razorprof run``: the verdicts, the files, and the words on stderr. For cli.run only."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from razorprof.analysis.budget import Judged, judge_process
from razorprof.analysis.gate_checks import Check, Outcome, verdict_of
from razorprof.cli import output
from razorprof.cli.output import Cell, Column, Style
from razorprof.errors import ExitCode, RazorprofError, UsageError
from razorprof.render.figures import duration, size
from razorprof.render.text import printable

if TYPE_CHECKING:
    from razorprof.analysis.compare_values import Comparison
    from razorprof.cli.run import Plan
    from razorprof.model.profile import Profile
    from razorprof.session.launch_run import Run

_CODES = {
    Outcome.PASS: ExitCode.DONE,
    Outcome.FAIL: ExitCode.FINDING,
    Outcome.INCONCLUSIVE: ExitCode.TOOL_FAILED,
    Outcome.SKIPPED: ExitCode.DONE,
}
_STYLES = {Outcome.PASS: Style.PLAIN, Outcome.FAIL: Style.ACT, Outcome.INCONCLUSIVE: Style.LOOK}
_COLUMNS = (Column("BUDGET"), Column("LIMIT", right=True), Column("MEASURED"), Column("VERDICT"), Column("WHY"))


@dataclass(slots=True)
class _Result:
    """All that is told, gathered."""

    judged: list[Judged] = field(default_factory=list)
    comparison: Comparison | None = None
    profile: Profile | None = None
    notes: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    failed: RazorprofError | None = None
    heap_peak: int | None = None

    @property
    def verdict(self) -> Outcome:
        return verdict_of([Check(one.name, one.outcome) for one in self.judged])


def report(command: Sequence[str], runs: Sequence[Run], plan: Plan) -> int:
    """Judge, write and tell; the exit code. What fails here never hides the program's own failure."""
    result = _Result(notes=list(plan.notes))
    _judge(runs, plan, result)
    _write(runs, plan, result)
    code = runs[-1].ended.code
    if not code:
        code = int(_CODES[result.verdict])
        if result.failed is not None:
            code = int(ExitCode.FINDING) if result.verdict is Outcome.FAIL else int(result.failed.code)
    if plan.as_json:
        output.print_json_line(_document(command, runs, plan, result, code))
    _say(runs, plan, result)
    return code


def _judge(runs: Sequence[Run], plan: Plan, result: _Result) -> None:
    profiles = [run.profile for run in runs if run.profile is not None]
    if profiles:
        from razorprof.session.launch_baseline import several_runs

        result.profile = several_runs(profiles)
        result.notes += result.profile.notes
    if plan.budget is None:
        return
    if plan.budget.functions:
        from razorprof.analysis.budget_shares import judge_functions

        result.judged += judge_functions(plan.budget.functions, profiles)
        result.notes += [one.doubt for one in result.judged if one.doubt]
    result.judged += judge_process(plan.budget, [run.cost for run in runs])
    if plan.baseline is not None:
        result.judged.append(_judge_growth(plan, plan.baseline, profiles, result))


def _judge_growth(plan: Plan, baseline: Profile, profiles: Sequence[Profile], result: _Result) -> Judged:
    from razorprof.analysis.compare import compare
    from razorprof.analysis.compare_values import CompareOptions
    from razorprof.session.launch_baseline import baseline_key, several_runs, why_unfit

    assert plan.budget is not None and plan.budget.baseline is not None  # noqa: S101, PT018 - asked by the caller
    limit = plan.budget.baseline.fail_above
    unfit = why_unfit(baseline, baseline_key(several_runs(profiles)))
    if unfit and not plan.any_baseline:
        why = f"{unfit}; accept it with --any-baseline"
        return Judged("growth", str(limit), "not judged", Outcome.INCONCLUSIVE, why)
    if unfit:
        result.notes.append(f"{unfit}; accepted by --any-baseline")
    try:
        found = compare(baseline.all_runs, profiles, CompareOptions(fail_above=limit))
    except UsageError as error:
        return Judged("growth", str(limit), "not judged", Outcome.INCONCLUSIVE, str(error))
    result.comparison = found
    result.notes += found.notes
    measured = f"{found.base_total:.2f} -> {found.new_total:.2f} s"
    return Judged("growth", str(limit), measured, Outcome(found.verdict.value), "; ".join(found.reasons))


def _write(runs: Sequence[Run], plan: Plan, result: _Result) -> None:
    """All files; one that fails keeps no other from being written."""
    from razorprof.recording.output_files import write_whole

    for write in (_write_cpu, _write_baseline, _write_heap):
        try:
            write(runs, plan, result)
        except RazorprofError as error:
            _fail(result, error)
    for path, render in ((plan.junit, _junit), (plan.markdown, _markdown)):
        if path is None:
            continue
        try:
            write_whole(path, render(runs, plan, result).encode(), force=plan.force)
            result.files.append(str(path))
        except RazorprofError as error:
            _fail(result, error)


def _fail(result: _Result, error: RazorprofError) -> None:
    if result.failed is not None:
        result.notes.append(str(error))
    else:
        result.failed = error


def _write_cpu(runs: Sequence[Run], plan: Plan, result: _Result) -> None:
    from razorprof.recording.profile_files import write_profile

    if plan.cpu is not None and result.profile is not None:
        # a program without Python has an empty profile, and says why
        result.files.append(str(write_profile(plan.cpu, result.profile)))


def _write_baseline(runs: Sequence[Run], plan: Plan, result: _Result) -> None:
    from razorprof.errors import ToolFailed
    from razorprof.recording.profile_files import write_profile
    from razorprof.session.launch_baseline import baseline_key, stamped

    if plan.new_baseline is None or result.profile is None:
        return
    if runs[-1].ended.code:
        result.notes.append("the program failed: no baseline was written")
        return
    if not result.profile.samples:
        raise ToolFailed("nothing was sampled: no baseline was written", hint="see the notes, or use --repeat")
    whole = stamped(result.profile, baseline_key(result.profile))
    if whole.runs and plan.new_baseline.format.name != "razorprof":
        result.notes.append(f"the baseline keeps one run of {len(whole.all_runs)}: only a .json keeps them all")
    result.files.append(str(write_profile(plan.new_baseline, whole)))


def _write_heap(runs: Sequence[Run], plan: Plan, result: _Result) -> None:
    if plan.heap is None:
        return
    from razorprof.cli.run_heap import write_heap

    record, notes = write_heap(plan.heap, runs[-1].told)
    result.heap_peak = record.peak_bytes
    result.notes += notes
    result.files.append(str(plan.heap.path))


def _checks(runs: Sequence[Run], result: _Result) -> list[Check]:
    checks = [one.as_check() for one in result.judged]
    if result.comparison is not None:
        from razorprof.analysis.gate_checks import checks_of

        checks = [check for check in checks if check.name != "growth"] + list(checks_of(result.comparison))
    code = runs[-1].ended.code
    outcome = Outcome.FAIL if code else Outcome.PASS
    return [Check("exit code", outcome, f"the program ended with {code}"), *checks]


def _junit(runs: Sequence[Run], plan: Plan, result: _Result) -> str:
    from razorprof.render.junit import junit_report

    seconds = sum(run.ended.wall_seconds for run in runs)
    return junit_report("razorprof run", _checks(runs, result), seconds=seconds)


def _markdown(runs: Sequence[Run], plan: Plan, result: _Result) -> str:
    from razorprof.render.markdown import markdown_checks, markdown_diff, markdown_text

    text = markdown_checks("razorprof run", _checks(runs, result))
    text += "".join(f"\n- {markdown_text(line)}" for line in [_summary(runs), *dict.fromkeys(result.notes)]) + "\n"
    return text if result.comparison is None else f"{text}\n{markdown_diff(result.comparison)}"


def _document(
    command: Sequence[str], runs: Sequence[Run], plan: Plan, result: _Result, code: int
) -> dict[str, Any]:
    from razorprof.targets.redact import redact_command

    last = runs[-1].ended
    document: dict[str, Any] = {
        "command": redact_command(tuple(command)),
        "exit_code": code,
        "command_exit_code": last.code,
        "signal": last.signal,
        "runs": [
            {
                "wall_seconds": run.ended.wall_seconds,
                "cpu_seconds": run.ended.cpu_seconds,
                "peak_memory_bytes": run.ended.peak_bytes,
                "gc_seconds": run.cost.gc_seconds,
                "gc_seconds_reason": run.cost.gc_reason or None,
            }
            for run in runs
        ],
        "samples": None if result.profile is None else result.profile.samples,
        "heap_peak_bytes": result.heap_peak,
        "budgets": [
            {"name": j.name, "limit": j.limit, "measured": j.measured, "outcome": j.outcome.value, "why": j.why}
            for j in result.judged
        ],
        "verdict": result.verdict.value if plan.budget is not None else None,
        "files": result.files,
        "notes": result.notes,
    }
    if result.comparison is not None:
        from razorprof.cli.diff_document import document as diff_document

        document["growth"] = diff_document(result.comparison)
    if result.failed is not None:
        document["error"] = result.failed.as_json()
    return document


def _summary(runs: Sequence[Run]) -> str:
    last = runs[-1].ended
    how = f"ended by signal {last.signal}" if last.signal is not None else f"exit code {last.code}"
    several = f"{len(runs)} runs; the last: " if len(runs) > 1 else ""
    return (
        f"{several}{how}, {duration(last.wall_seconds)}, {duration(last.cpu_seconds)} of CPU time, "
        f"peak memory {'at most ' if last.peak_bytes <= last.floor_bytes else ''}{size(last.peak_bytes)}"
    )


def _say(runs: Sequence[Run], plan: Plan, result: _Result) -> None:
    if result.judged:
        rows: list[list[Cell | str]] = [
            [
                j.name,
                j.limit,
                j.measured,
                Cell(j.outcome.value.upper(), Style.LOOK if j.doubt else _STYLES.get(j.outcome, Style.PLAIN)),
                Cell(j.why, Style.LOOK if j.doubt else Style.PLAIN),
            ]
            for j in result.judged
        ]
        for line in output.table_lines(_COLUMNS, rows, color=output.color_wanted(sys.stderr)):
            output.say(line)
    output.say(f"razorprof: {printable(_summary(runs))}")
    for note in dict.fromkeys(result.notes):
        output.say(f"note: {printable(note)}")
    for name in result.files:
        output.say(f"written to {printable(name)}")
    if result.failed is not None:
        output.print_error(result.failed)

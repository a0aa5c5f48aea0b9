"""A frozen /proc tree of one process, for feeds and readers that must not look at a real one."""

from __future__ import annotations

from pathlib import Path

from razorprof.remote.process import ProcessView

STAT = (
    "({comm}) {state} 1 {pid} {pid} 0 -1 4194304 10 0 0 0 5 5 0 0 20 0 {threads} 0 {start} 1000000 100" + " 0" * 30
)


def freeze_process(
    proc: Path, pid: int, *, state: str = "S", threads: tuple[int, ...] = (), inner: dict[int, int] | None = None
) -> ProcessView:
    """Write (again) the process `pid`. inner: id in its own PID namespace of each thread, for a foreign one."""
    folder = proc / str(pid)
    tasks = threads or (pid,)
    for tid in tasks:
        task = folder / "task" / str(tid)
        task.mkdir(parents=True, exist_ok=True)
        ids = f"{tid}\t{inner[tid]}" if inner else str(tid)
        (task / "status").write_text(f"Name:\tx\nNSpid:\t{ids}\n")
    own = f"{pid}\t{inner[pid]}" if inner else str(pid)
    (folder / "status").write_text(f"Name:\tx\nNSpid:\t{own}\n")
    fields = STAT.format(comm="x", state=state, pid=pid, threads=len(tasks), start=777)
    (folder / "stat").write_text(f"{pid} {fields}\n")
    return ProcessView(pid, proc=proc)

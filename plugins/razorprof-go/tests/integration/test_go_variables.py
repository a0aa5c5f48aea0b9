"""Variables that the code of real programs tells are those that their symbols name."""

from __future__ import annotations

import pytest
from go_programs import STRIPPED, Busy, build, running, without_names
from razorprof_go.binary import open_image
from razorprof_go.functions import Functions
from razorprof_go.layouts import layout_for
from razorprof_go.variables import LAST_GC, find_variables

from razorprof.remote.memory import RemoteMemory
from razorprof.remote.process import ProcessView

NAMED = ("runtime.allgs", "runtime.sched", "runtime.waitReasonStrings", "runtime.gcController")


def told(busy: Busy) -> tuple[dict[str, int], dict[str, int], int]:
    """What code tells, what symbols name, and the number of processors where code tells it."""
    process = ProcessView(busy.process.pid)
    with RemoteMemory(process) as memory, open_image(process) as image:
        layout = layout_for(image.info.version)
        found = find_variables(image, memory, Functions(image, memory), layout)
        named = image.addresses((*NAMED, "runtime.memstats"))
        if "runtime.memstats" in named:
            named[LAST_GC] = named.pop("runtime.memstats") + layout.last_gc
        place = found.get("runtime.gomaxprocs")
        return found, named, 0 if place is None else memory.word(place)


@pytest.mark.parametrize(
    ("toolchain", "kind"),
    [
        ("system", "plain"),
        ("system", "pie"),
        ("registry", "plain"),
        pytest.param("registry", "pie", marks=pytest.mark.slow),  # builds the whole library anew
    ],
)
def test_what_code_tells_is_what_symbols_name(toolchain: str, kind: str) -> None:
    with running(build(toolchain, kind), "-parked=30", GOMAXPROCS="2") as busy:
        found, named, processors = told(busy)
    del found["runtime.gomaxprocs"]
    assert found == named
    assert len(named) == len(NAMED) + 1
    assert processors == 2


@pytest.mark.parametrize(("toolchain", "kind"), STRIPPED)
def test_without_symbols_all_are_found_while_the_program_makes_goroutines(toolchain: str, kind: str) -> None:
    for garbage, percent in (("4096", "10"), ("1", "off")):
        with running(build(toolchain, kind), "-parked=5000", f"-churn={garbage}", GOGC=percent) as busy:
            found, named, processors = told(busy)
        assert not named
        assert found.keys() == {*NAMED, LAST_GC, "runtime.gomaxprocs"}
        assert processors > 0


def test_other_names_of_functions_are_not_guessed_at() -> None:
    with running(without_names(build("system", "stripped"))) as busy:
        found, _, _ = told(busy)
    assert found.keys() == {"runtime.waitReasonStrings"}, "only this function kept its name"

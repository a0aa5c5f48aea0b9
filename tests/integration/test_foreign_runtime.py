"""Every command on a runtime that is not CPython: what it can do works, what it cannot is told with its reason."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.plugged_in import PluggedIn, plug_in

MODULE = Path(__file__).with_name("foreign_runtime.py")


@pytest.fixture(scope="module")
def sleeper() -> Iterator[int]:
    with subprocess.Popen(["sleep", "600"]) as program:
        yield program.pid
        program.kill()


@pytest.fixture(scope="module")
def razorprof(tmp_path_factory: pytest.TempPathFactory) -> PluggedIn:
    points = {"razorprof.runtimes": {"dream": "Dream"}}
    return plug_in(tmp_path_factory.mktemp("plugins"), MODULE, points)


def test_gc_shows_collectors_pools_and_aims_and_no_generation_and_no_gil(
    razorprof: PluggedIn, sleeper: int
) -> None:
    text = razorprof.run("gc", sleeper, "--interval", "0.2").stdout
    assert "dream 1.2" in text
    assert "short term" in text
    assert "sheep goal 100" in text
    assert "depth: not known (it sleeps too lightly)" in text
    assert "GENERATION" not in text
    assert "GIL" not in text
    document = razorprof.json("gc", sleeper, "--interval", "0.2")
    assert document["target"]["runtime"] == "dream"
    assert document["gil"] is None
    assert document["interpreters"] == []
    (collector,) = document["collectors"]
    assert collector["name"] == "dream"
    assert collector["pauses"][1]["seconds"] == 0.002
    assert document["pools"] == [{"name": "short term", "used": 1 << 20, "committed": 2 << 20, "max": 4 << 20}]


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (("threads",), "a dream has one thread only"),
        (("cpu", "-d", "1"), "a dream takes no CPU time"),
        (("heap", "-o", "x.json"), "a dream holds nothing"),
        (("heap", "--attach"), "a dream holds nothing"),
        (("gc", "--advise"), "no advice is known for this runtime (dream)"),
    ],
    ids=" ".join,
)
def test_what_it_cannot_do_is_refused_with_its_reason(
    razorprof: PluggedIn, sleeper: int, command: tuple[str, ...], reason: str, tmp_path: Path
) -> None:
    name, *options = (str(tmp_path / word) if word == "x.json" else word for word in command)
    done = razorprof.run(name, sleeper, *options, code=5)
    assert reason in done.stderr
    assert not (tmp_path / "x.json").exists()


def test_heap_from_outside_tells_its_pools_and_nothing_of_python(razorprof: PluggedIn, sleeper: int) -> None:
    done = razorprof.run("heap", sleeper)
    assert "short term" in done.stdout
    assert "python" not in (done.stdout + done.stderr).lower()
    assert "--attach" not in done.stderr
    document = razorprof.json("heap", sleeper)
    assert document["runtime"] == "dream"
    assert document["allocator"] == {"arena_bytes": None, "allocated_blocks": None}
    assert document["allocator_reason"] == "dream has no allocator of that kind"
    assert document["more"] == []


def test_top_has_its_metrics_and_null_with_a_reason_for_the_rest(razorprof: PluggedIn, sleeper: int) -> None:
    document = razorprof.json("top", sleeper, "-n", "3", "--interval", "0.3")
    (target,) = document["targets"]
    assert (target["runtime"], target["version"]) == ("dream", "1.2")
    values = {metric["name"]: metric["value"] for metric in target["metrics"]}
    assert values["dream_sheep"] == 41.0
    assert target["functions"] is None
    assert target["functions_reason"] == "a dream has no stacks"
    assert target["threads"] is None
    assert target["gc"]["collectors"][0]["name"] == "dream"
    assert not any(name.startswith("python_") for name in values)
    text = razorprof.run("top", sleeper, "--once").stdout
    assert "a dream has no stacks" in text
    assert "GIL" not in text


def test_ps_and_doctor_know_it(razorprof: PluggedIn, sleeper: int) -> None:
    (row,) = [row for row in razorprof.json("ps", "--all") if row["pid"] == sleeper]
    assert (row["runtime"], row["version"]) == ("dream", "1.2")
    checks = razorprof.json("doctor", sleeper)
    told = json.dumps(checks)
    assert "dream" in told
    assert "a dream has no stacks" in told


def test_a_bundle_has_its_collector_and_says_why_the_rest_is_missing(
    razorprof: PluggedIn, sleeper: int, tmp_path: Path
) -> None:
    razorprof.run("dump", sleeper, "-o", tmp_path / "bundle", "--cpu", "1")
    manifest = json.loads((tmp_path / "bundle" / "manifest.json").read_text())
    skipped = {one["kind"]: one["reason"] for one in manifest["skipped"]}
    assert "a dream takes no CPU time" in skipped["cpu"]
    assert "a dream has one thread only" in skipped["threads"]
    assert "no advice is known" in skipped["advice"]
    collector = json.loads((tmp_path / "bundle" / "gc.json").read_text())
    assert collector["collectors"][0]["name"] == "dream"


def test_a_runtime_that_advises_gives_the_advice_of_gc(tmp_path: Path, sleeper: int) -> None:
    razorprof = plug_in(tmp_path, MODULE, {"razorprof.runtimes": {"dream": "AdvisingDream"}})
    document = razorprof.json("gc", sleeper, "--advise", "-d", "5")  # the shortest time that advice takes
    (advice,) = document["advice"]
    assert advice["title"] == "Its sleep is light"
    assert advice["figures"][0]["value"] >= 8

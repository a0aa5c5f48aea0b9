"""Plugins: listed without importing, loaded by name, and their failures are values."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from razorprof.errors import NotSupported, PermissionDenied
from razorprof.plugin import loading
from razorprof.plugin.installed import EntryPoint
from razorprof.plugin.loading import Failure, guard
from razorprof.remote.process import ProcessView

Install = Callable[..., None]

MODULE = """
class Good:
    name = "good"
    def detect(self, process):
        from razorprof.plugin.protocols import Detection
        return Detection("good", "1.0") if process.pid == 7 else None
    def capabilities(self, detection):
        return {}
    def sources(self, detection):
        return []

class Refused(Good):
    name = "refused"
    def detect(self, process):
        from razorprof.errors import PermissionDenied
        raise PermissionDenied("no", value=process.pid)

class Crashing(Good):
    name = "crashing"
    def detect(self, process):
        raise ZeroDivisionError("oops")

class Shapeless:
    name = "shapeless"

def leave():
    raise SystemExit(3)
"""


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Have entry points of the group of runtimes, and nothing else."""
    (tmp_path / "some_plugins.py").write_text(MODULE)
    (tmp_path / "broken_plugin.py").write_text("import no_such_module_anywhere\n")
    monkeypatch.syspath_prepend(tmp_path)

    def use(**plugins: str) -> None:
        entries = [EntryPoint(name, value, loading.RUNTIMES) for name, value in plugins.items()]
        monkeypatch.setattr(loading, "entry_points", lambda group: entries if group == loading.RUNTIMES else [])
        loading._load_group.cache_clear()

    yield use
    loading._load_group.cache_clear()
    sys.modules.pop("some_plugins", None)


def test_a_guarded_call_gives_its_result_or_a_failure_in_one_line() -> None:
    assert guard("p", lambda: 42) == 42
    failed = guard("p", lambda: 1 // 0)
    assert isinstance(failed, Failure)
    assert failed.plugin == "p"
    assert failed.error.startswith("ZeroDivisionError")


def test_an_error_with_a_remedy_passes_the_guard_as_the_protocols_provide() -> None:
    def refuse() -> None:
        raise PermissionDenied("no")

    with pytest.raises(PermissionDenied):
        guard("p", refuse)


def test_a_plugin_that_exits_does_not_take_razorprof_along() -> None:
    def leave() -> None:
        raise SystemExit(3)

    assert isinstance(guard("p", leave), Failure)


def test_each_way_of_being_broken_is_reported_and_the_good_one_still_works(install: Install) -> None:
    install(
        good="some_plugins:Good",
        importless="broken_plugin:Thing",
        leaver="some_plugins:leave",
        missing="some_plugins:NoSuchClass",
        shapeless="some_plugins:Shapeless",
    )
    reports = {report.name: report.error for report in loading.check_plugins()}
    assert reports["good"] == ""
    assert "no_such_module_anywhere" in reports["importless"]
    assert "tried to exit" in reports["leaver"]
    assert "NoSuchClass" in reports["missing"]
    assert "lacks detect" in reports["shapeless"]
    assert [runtime.name for runtime in loading.runtimes()] == ["good"]


def test_loaded_plugins_are_kept(install: Install) -> None:
    install(good="some_plugins:Good")
    assert loading.runtimes()[0] is loading.runtimes()[0]
    assert loading.find_runtime("good") is loading.runtimes()[0]
    with pytest.raises(NotSupported):
        loading.find_runtime("rust")


def test_a_runtime_that_crashes_recognises_nothing_and_the_next_is_asked(install: Install) -> None:
    install(crashing="some_plugins:Crashing", good="some_plugins:Good")
    found = loading.detect_runtime(ProcessView(7))
    assert found is not None
    assert found[1].runtime == "good"
    assert loading.detect_runtime(ProcessView(8)) is None


def test_a_refusal_is_told_only_when_no_other_runtime_recognises_the_process(install: Install) -> None:
    install(good="some_plugins:Good", refused="some_plugins:Refused")
    assert loading.detect_runtime(ProcessView(7)) is not None
    with pytest.raises(PermissionDenied):
        loading.detect_runtime(ProcessView(8))


def test_listing_imports_no_plugin() -> None:
    code = (
        "import sys; from razorprof.plugin.loading import list_plugins; found = list_plugins();"
        "assert {r.name for r in found} >= {'cpython', 'process', 'cgroup'}, found;"
        "assert all(r.distribution == 'razorprof' and r.version for r in found if r.name == 'cpython');"
        "loaded = [m for m in sys.modules if m.startswith(('razorprof.runtimes', 'razorprof.sources'))];"
        "assert not loaded, loaded"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_our_notifiers_can_be_loaded_and_cost_no_http_client() -> None:
    code = (
        "import sys; from razorprof.plugin.loading import NOTIFIERS, check_plugins, find_notifier;"
        "found = {r.name: r.error for r in check_plugins() if r.group == NOTIFIERS};"
        "assert found == dict.fromkeys(('alertmanager', 'bell', 'command', 'webhook'), ''), found;"
        "assert all(find_notifier(name).name == name for name in found);"
        "loaded = [m for m in ('httpx', 'httpcore') if m in sys.modules];"
        "assert not loaded, loaded"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_a_notifier_that_lacks_something_is_reported(install: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    install()
    entries = [EntryPoint("half", "some_plugins:Shapeless", loading.NOTIFIERS)]
    monkeypatch.setattr(loading, "entry_points", lambda group: entries if group == loading.NOTIFIERS else [])
    with pytest.raises(NotSupported, match="lacks options, wants_repeats, most, open"):
        loading.find_notifier("half")

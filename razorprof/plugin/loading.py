"""Plugins found by their entry points, loaded by name, and kept from doing harm by failing.

The one border to code that is not ours: `guard` turns whatever goes wrong behind it into a value. Listing imports
nothing; a runtime, source or format is loaded when first asked for, and kept. Called by session and cli.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from razorprof.errors import NotSupported, RazorprofError
from razorprof.plugin.installed import EntryPoint, entry_points
from razorprof.plugin.protocols import Detection, Format, Runtime, Source

if TYPE_CHECKING:  # for types alone: every command that meets a plugin loads this module
    from razorprof.plugin.notifiers import Notifier
    from razorprof.plugin.panels import Panel
    from razorprof.remote.process import ProcessView

T = TypeVar("T")

RUNTIMES = "razorprof.runtimes"
SOURCES = "razorprof.sources"
FORMATS = "razorprof.formats"
NOTIFIERS = "razorprof.notifiers"
PANELS = "razorprof.panels"
# What a plugin of each group must have; signatures are the conformance kit's business.
_SHAPES: dict[str, tuple[str, ...]] = {
    RUNTIMES: ("name", "detect", "capabilities", "sources"),
    SOURCES: ("name", "metrics", "open"),
    FORMATS: ("name", "endings", "can_read", "write", "read"),
    NOTIFIERS: ("name", "options", "wants_repeats", "most", "open"),
    PANELS: ("name", "title", "needs", "render"),
}


@dataclass(frozen=True, slots=True)
class PluginReport:
    """A plugin as its distribution announces it. error: why it cannot be used, empty when it can or when nobody
    has tried yet."""

    group: str
    name: str
    distribution: str
    version: str
    error: str = ""


@dataclass(frozen=True, slots=True)
class Failure:
    """What a guarded call came to when the plugin failed: who, and in one line what."""

    plugin: str
    error: str
    cause: Exception | None = None


@dataclass(frozen=True, slots=True)
class Loaded(Generic[T]):
    """A plugin and what is told of it; `plugin` is None when report.error says why."""

    report: PluginReport
    plugin: T | None


def guard(plugin: str, call: Callable[[], T]) -> T | Failure:
    """The result of `call`, or a Failure when the plugin's code fails. A RazorprofError is an answer that the
    protocols provide for, not a failure: it passes."""
    try:
        return call()
    except RazorprofError:
        raise
    except SystemExit as error:
        return Failure(plugin, f"tried to exit ({error.code})")
    except Exception as error:  # the border: anything may come from behind it
        return Failure(plugin, f"{type(error).__name__}: {error}", error)


def list_plugins() -> list[PluginReport]:
    """All plugins that are installed, by group and name. Nothing is imported."""
    return [_announced(entry) for group in _SHAPES for entry in entry_points(group)]


def check_plugins() -> list[PluginReport]:
    """All plugins that are installed, each loaded to see whether it can be."""
    return [loaded.report for group in _SHAPES for loaded in _load_group(group)]


def runtimes() -> list[Runtime]:
    """The runtimes that could be loaded. Kept: the same objects each time."""
    return [cast("Runtime", loaded.plugin) for loaded in _load_group(RUNTIMES) if loaded.plugin is not None]


def sources() -> list[Source]:
    """The sources that belong to no runtime and could be loaded."""
    return [cast("Source", loaded.plugin) for loaded in _load_group(SOURCES) if loaded.plugin is not None]


def formats() -> list[Format]:
    """The profile formats that could be loaded."""
    return [cast("Format", loaded.plugin) for loaded in _load_group(FORMATS) if loaded.plugin is not None]


def panels() -> tuple[Loaded[Panel], ...]:
    """The panels of the dashboard; those that could not be loaded too, with the reason."""
    return _load_group(PANELS)


def find_notifier(name: str) -> Notifier:
    """The notifier called `name`. Raises NotSupported with the reason when it is not there or broken."""
    return cast("Notifier", _find(NOTIFIERS, name, "notifier"))


def find_runtime(name: str) -> Runtime:
    """The runtime called `name`. Raises NotSupported with the reason when it is not there or broken."""
    return cast("Runtime", _find(RUNTIMES, name, "runtime"))


def detect_runtime(process: ProcessView) -> tuple[Runtime, Detection] | None:
    """The first runtime that recognises a process. A runtime that fails recognises nothing.

    Raises PermissionDenied or TargetGone when no runtime could look and one of them said so.
    """
    refused: RazorprofError | None = None
    for runtime in runtimes():
        try:
            found = guard(runtime.name, partial(runtime.detect, process))
        except RazorprofError as error:
            refused = refused or error
            continue
        if isinstance(found, Detection):
            return runtime, found
    if refused is not None:
        raise refused
    return None


_SEE = "see: razorprof plugins"


def _find(group: str, name: str, what: str) -> Any:
    for loaded in _load_group(group):
        if loaded.report.name == name and loaded.plugin is not None:
            return loaded.plugin
        if loaded.report.name == name:
            raise NotSupported(f"the plugin {name} cannot be loaded", value=loaded.report.error, hint=_SEE)
    raise NotSupported(f"no such {what}", value=name, hint=_SEE)


@cache
def _load_group(group: str) -> tuple[Loaded[Any], ...]:
    return tuple(_load(entry) for entry in entry_points(group))


def _announced(entry: EntryPoint) -> PluginReport:
    distribution = entry.distribution
    if distribution is None:
        return PluginReport(entry.group, entry.name, "", "")
    return PluginReport(entry.group, entry.name, distribution.name, distribution.version)


def _load(entry: EntryPoint) -> Loaded[Any]:
    report = _announced(entry)

    def build() -> Any:
        return entry.load()()

    try:
        built = guard(entry.name, build)
    except RazorprofError as error:  # while loading, it is no answer to anything
        built = Failure(entry.name, str(error), error)
    if isinstance(built, Failure):
        return Loaded(replace(report, error=built.error), None)
    try:
        wrong = guard(entry.name, partial(_misfit, entry.group, built))
    except RazorprofError as error:  # of an attribute: no answer either
        wrong = Failure(entry.name, str(error), error)
    why = wrong.error if isinstance(wrong, Failure) else wrong
    return Loaded(replace(report, error=why), None if why else built)


def _misfit(group: str, built: object) -> str:
    """Why it cannot be used; empty where it can."""
    missing = [attribute for attribute in _SHAPES[group] if not hasattr(built, attribute)]
    if missing:
        return f"wrong shape: it lacks {', '.join(missing)}"
    if not isinstance(getattr(built, "name", None), str):
        return "wrong shape: its name is no text"
    if group not in (SOURCES, PANELS):
        return ""
    from razorprof.plugin.border import misfit, source_misfit  # they know all of the model

    if group == SOURCES:
        wrong = source_misfit(built)
    else:
        wrong = misfit(getattr(built, "title", None), str, "title")
        wrong = wrong or misfit(getattr(built, "needs", None), tuple[str, ...], "needs")
    return f"wrong shape: {wrong}" if wrong else ""

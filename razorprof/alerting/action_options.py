"""The actions of a capture and the options that each takes. For alerting.actions alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from razorprof.alerting.action_fields import Options, items_of, options_of, text_of
from razorprof.alerting.capture_rules import (
    Action,
    RunCommand,
    TakeBundle,
    TakeCpu,
    TakeGc,
    TakeHeap,
    TakeRecording,
    TakeThreads,
)
from razorprof.alerting.yaml_fields import Problems, shown
from razorprof.alerting.yaml_tree import Mapping as YamlMapping
from razorprof.alerting.yaml_tree import Node, Scalar
from razorprof.plugin.loading import formats

LONGEST = 3600.0  # seconds, of any action
LONGEST_RECORDING = 86400.0
MOST_ARGUMENTS = 256
_CPU, _HEAP, _BUNDLE, _COMMAND = TakeCpu(), TakeHeap(), TakeBundle(), RunCommand(())
_RECORDING = TakeRecording()


def read_action(node: Node, problems: Problems) -> Action | None:
    """One action: a mapping with its name as the only key."""
    pairs = node.pairs if isinstance(node, YamlMapping) else ()
    key = pairs[0][0] if len(pairs) == 1 else None
    if not isinstance(key, Scalar):
        problems.add(node, "an action is its name with its options", "such as - cpu: {duration: 10s}")
        return None
    if key.text not in _ACTIONS:
        problems.add(key, f"there is no action {shown(key.text)}", f"there are: {', '.join(_ACTIONS)}")
        return None
    known, build = _ACTIONS[key.text]
    return build(options_of(pairs[0][1], key.text, known, problems))


def _cpu(options: Options) -> TakeCpu:
    found = TakeCpu(
        duration=options.duration("duration", _CPU.duration, 0.1, LONGEST),
        rate=float(options.number("rate", 100, 1, 1000)),
        ending=_ending(options),
        gil=options.flag("gil"),
        wall=options.flag("wall"),
        threads=options.flag("threads"),
        blocking=options.flag("blocking"),
        native=options.flag("native"),
    )
    if found.gil and found.wall:
        options.problems.add(options.line_of("wall"), "gil and wall exclude each other")
    if found.native and not found.blocking:
        options.problems.add(
            options.line_of("native"),
            "native needs blocking",
            "native stacks can only be read while the target is stopped: add blocking: true",
        )
    return found


def _ending(options: Options) -> str:
    """The ending of the format that is named, by one of its endings or by its name."""
    wanted = options.text("format", _CPU.ending)
    endings = {ending.lstrip("."): ending.lstrip(".") for one in formats() for ending in one.endings}
    for one in formats():
        endings.setdefault(one.name, one.endings[0].lstrip("."))
    found = endings.get(wanted.lstrip("."))
    if found is None:
        options.problems.add(
            options.line_of("format"),
            f"no such format: {shown(wanted)}",
            f"there are: {', '.join(sorted(endings))}",
        )
    return found or _CPU.ending


def _heap(options: Options) -> TakeHeap:
    return TakeHeap(options.duration("duration", _HEAP.duration, 0.5, LONGEST), options.flag("attach"))


def _bundle(options: Options) -> TakeBundle:
    cpu = options.duration("cpu", _BUNDLE.cpu, 0.0, LONGEST)
    if 0.0 < cpu < 0.5:
        options.problems.add(options.line_of("cpu"), "cpu is out of range", "0, or at least 500ms")
    heap = options.duration("heap", 30.0, 0.5, LONGEST) if "heap" in options else None
    return TakeBundle(cpu, heap)


def _recording(options: Options) -> TakeRecording:
    return TakeRecording(options.duration("last", _RECORDING.last, 1.0, LONGEST_RECORDING))


def _command(options: Options) -> RunCommand | None:
    node = options.required("argv")
    argv = [
        text_of(item, "an argument", options.problems)
        for item in items_of(node, "argv", MOST_ARGUMENTS, options.problems)
    ]
    timeout = options.duration("timeout", _COMMAND.timeout, 0.1, LONGEST)
    if not argv or argv[0] is None:
        return None
    if not argv[0].startswith("/"):
        options.problems.add(
            options.line_of("argv"),
            f"a command is named by its absolute path, not {shown(argv[0])}",
            "no shell looks it up, so that nobody can put another one in its place",
        )
    return RunCommand(tuple(part for part in argv if part is not None), timeout)


_Build = Callable[[Options], Action | None]
_ACTIONS: Mapping[str, tuple[tuple[str, ...], _Build]] = MappingProxyType(
    {
        "threads": ((), lambda _: TakeThreads()),
        "cpu": (("duration", "rate", "format", "gil", "wall", "threads", "blocking", "native"), _cpu),
        "heap": (("duration", "attach"), _heap),
        "gc": ((), lambda _: TakeGc()),
        "bundle": (("cpu", "heap"), _bundle),
        "recording": (("last",), _recording),
        "command": (("argv", "timeout"), _command),
    }
)

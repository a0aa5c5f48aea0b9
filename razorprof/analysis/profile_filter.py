"""The part of a profile that somebody asks for: stacks with a function or file, without one, of one thread.

Pure functions over a profile; blocks and further values are filtered along. Called by the commands that show and
compare profiles.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from fnmatch import translate

from razorprof.errors import UsageError
from razorprof.model.frame import Frame
from razorprof.model.profile import Profile

FrameMatch = Callable[[Frame], bool]
_WILDCARDS = frozenset("*?[")


def frame_match(pattern: str) -> FrameMatch:
    """Which frames a pattern means. ``/REGEX/`` is searched in FILE:FUNCTION; a glob (with ``*``, ``?`` or ``[``)
    fits the whole function, file or FILE:FUNCTION; a plain word is a part of the function or the file.

    Raises UsageError for an empty pattern or a bad expression."""
    if not pattern:
        raise UsageError("an empty pattern", hint="a word, a glob such as 'json.*', or /REGEX/")
    if len(pattern) > 2 and pattern.startswith("/") and pattern.endswith("/"):
        return _searched(pattern[1:-1])
    if _WILDCARDS.isdisjoint(pattern):
        return lambda frame: pattern in frame.function or pattern in frame.file
    fits = re.compile(translate(pattern)).match
    return lambda frame: bool(fits(frame.function) or fits(frame.file) or fits(f"{frame.file}:{frame.function}"))


def focus(profile: Profile, pattern: str) -> Profile:
    """The stacks in which a frame fits, whole."""
    fits = _remembered(frame_match(pattern))
    return profile.with_stacks(lambda key: key if any(map(fits, key.stack)) else None)


def ignore(profile: Profile, pattern: str) -> Profile:
    """The stacks in which no frame fits."""
    fits = _remembered(frame_match(pattern))
    return profile.with_stacks(lambda key: None if any(map(fits, key.stack)) else key)


def of_thread(profile: Profile, wanted: str) -> Profile:
    """The stacks of the threads of this native id, or whose name is (or, a glob, fits) `wanted`. Raises UsageError
    where there is none, with what there is."""
    fits = re.compile(translate(wanted)).match
    chosen = {t for t in profile.threads() if str(t.native) == wanted or t.name == wanted or fits(t.name)}
    if not chosen:
        there = ", ".join(f"{t.native} {t.name[:40]}".strip() for t in profile.threads()[:8])
        raise UsageError("no such thread in the profile", value=wanted, hint=f"there are: {there or 'none'}")
    return profile.with_stacks(lambda key: key if key.thread in chosen else None)


def _searched(expression: str) -> FrameMatch:
    import re2  # linear in the text, whatever the expression: names are the target's

    options = re2.Options()
    options.log_errors = False  # it would write them to stderr by itself
    try:
        found = re2.compile(expression, options)
    except re2.error as error:
        raise UsageError("not a regular expression", value=expression) from error
    return lambda frame: found.search(f"{frame.file}:{frame.function}") is not None


def _remembered(fits: FrameMatch) -> FrameMatch:
    """The same, each frame judged once."""
    known: dict[Frame, bool] = {}

    def judge(frame: Frame) -> bool:
        found = known.get(frame)
        if found is None:
            found = known[frame] = fits(frame)
        return found

    return judge

"""Whether a regex of a matcher is one: RE2, in linear time, as in Prometheus. Matching itself is the store's."""

from __future__ import annotations

from razorprof.errors import UsageError


def check_regex(pattern: str) -> None:
    """Raise UsageError for what RE2 does not take: bad syntax, back references, too large a pattern."""
    import re2

    options = re2.Options()
    options.log_errors = False
    options.dot_nl = True
    try:
        re2.compile(pattern, options)
    except (re2.error, UnicodeEncodeError) as error:
        words = error.args[0] if error.args else error
        text = words.decode(errors="replace") if isinstance(words, bytes) else str(words)
        raise UsageError(f"bad regex: {text}", value=pattern[:60], hint="write it in the syntax of RE2") from None

"""Text -> Program, behind the guard: the only module that calls promql_parser.

All that is wrong with a query is found here, when it is loaded: UsageError for what is no PromQL, NotSupported for
what is none of ours. Called by engine.
"""

from __future__ import annotations

import promql_parser

from razorprof.errors import NotSupported, RazorprofError, UsageError
from razorprof.query.diagnose import first_wrong_word, hint_for
from razorprof.query.guard import check_text, unknown_word
from razorprof.query.plan import Program
from razorprof.query.translate import translate

_SHOWN = 60


def parse(text: str) -> Program:
    """The checked plan of an expression."""
    check_text(text)
    try:
        return translate(promql_parser.parse(text))
    except RazorprofError:
        raise
    except (ValueError, OverflowError) as error:
        word = unknown_word(text)
        if word is not None:
            raise NotSupported(f"{word} is experimental in Prometheus", hint="leave it out") from None
        raise _refused(text, str(error)) from None
    except BaseException as error:
        # pyo3's PanicException is a BaseException that no module exports, so that only its name tells it.
        if type(error).__name__ != "PanicException":
            raise
        raise _bad(text, str(error)) from None


def _refused(text: str, words: str) -> UsageError:
    """The parser's words; where they are none, what a look of our own finds."""
    if words != "invalid promql query":
        return _bad(text, words, hint_for(words))
    found, hint = first_wrong_word(text)
    return _bad(text, found or words, hint)


def _bad(text: str, words: str, hint: str = "") -> UsageError:
    shown = text if len(text) <= _SHOWN else text[:_SHOWN] + "…"
    message = "bad expression" if words == "invalid promql query" else f"bad expression: {words}"
    return UsageError(
        message, value=shown, hint=hint or "see prometheus.io/docs/prometheus/latest/querying/basics"
    )

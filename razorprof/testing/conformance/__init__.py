"""What every plug-in must keep to, as checks that an author's own tests call. Public.

    from razorprof.testing import conformance

    def test_my_source() -> None:
        conformance.expect(conformance.check_source(MySource()))

Each check gives its findings as values, none where all is well; `expect` makes an AssertionError of them. Checks
run the plug-in for real, on small programs that they start themselves or on a target that the author names. What
cannot be seen from outside (label look-ups on the hot path, a panel that will hang tomorrow) they cannot find.
"""

from razorprof.testing.conformance.findings import Finding, expect
from razorprof.testing.conformance.formats import check_format
from razorprof.testing.conformance.notifiers import check_notifier, silent_server
from razorprof.testing.conformance.panels import check_panel
from razorprof.testing.conformance.runtimes import check_runtime
from razorprof.testing.conformance.sources import check_source

__all__ = [
    "Finding",
    "check_format",
    "check_notifier",
    "check_panel",
    "check_runtime",
    "check_source",
    "expect",
    "silent_server",
]

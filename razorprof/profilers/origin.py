"""Where a profile came from: which process of which runtime, on which host, as its notes tell it.

For the captures of runtimes, built in and plugged in.
"""

from __future__ import annotations

import os

from razorprof.errors import RazorprofError
from razorprof.model.profile import Origin
from razorprof.model.target import Target
from razorprof.plugin.protocols import Detection
from razorprof.remote.process import ProcessView
from razorprof.targets.redact import redact_command


def origin_of(target: Target, detection: Detection) -> Origin:
    """The command line is redacted, and empty where it cannot be read."""
    try:
        command = redact_command(ProcessView(target.pid).command_line())
    except RazorprofError:
        command = ""
    return Origin(
        pid=target.pid,
        name=target.name,
        runtime=detection.runtime,
        version=detection.version or "",
        host=os.uname().nodename,
        command=command,
    )

"""A small program that runs the default stack feed and thread dumps on a process, for tests that end it abruptly.

Argument: the pid. Prints `supervisor PID`, then a line for each window.
"""

import sys
import time

from razorprof.model.frame import SamplingReport
from razorprof.model.target import Target
from razorprof.plugin.protocols import Reader, SourceOptions
from razorprof.profilers.supervisor import shared_supervisor
from razorprof.remote.process import ProcessView
from razorprof.runtimes.cpython.stacks import StacksSource
from razorprof.runtimes.cpython.threads import ThreadsSource


def main() -> None:
    view = ProcessView(int(sys.argv[1]))
    target = Target(view.identity, "target")
    options = SourceOptions()
    readers: list[Reader] = [StacksSource().open(target, options), ThreadsSource().open(target, options)]
    is_told = False
    end = time.monotonic() + 60
    while time.monotonic() < end:
        for reader in readers:
            for reading in reader.read():
                if isinstance(reading, SamplingReport):
                    print("window", reading.samples, flush=True)
        if not is_told and shared_supervisor.pid is not None:
            is_told = True
            print("supervisor", shared_supervisor.pid, flush=True)
        time.sleep(0.1)


if __name__ == "__main__":
    main()

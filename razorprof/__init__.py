"""razorprof: look inside a running process from the terminal.

Importing this package does nothing: no threads, files, registries or probing. The version is the only
thing that stands here, so that ``razorprof --version`` needs nothing else.
"""

__version__ = "0.1.0"

"""What runs inside the user's Pythons under `razorprof run`: exact GC time, and memray from the first moment.

Never imported by razorprof: profilers.launch_inject copies it to a private folder as sitecustomize.py, which
stands first on PYTHONPATH. It hands over to the sitecustomize that it hides. Whatever goes wrong is written down
and never disturbs the program. Written for every Python that may meet it, down to 2.7: nothing newer than 3.0
may stand here.
"""

# ruff: noqa: UP031, UP036
# mypy: ignore-errors
import os
import sys

_FOLDER = os.environ.get("RAZORPROF_RUN_FOLDER", "")
_SIZE = 64


def _name(kind):
    import time

    return os.path.join(_FOLDER, "%s-%d-%d" % (kind, os.getpid(), int(time.time() * 1e6)))


def _complain(kind, error):
    try:
        with open(_name("failed-" + kind), "w") as file:
            file.write("%s: %s" % (type(error).__name__, error))
    except Exception:
        pass


def _count_gc():
    """CPU seconds of the collector, kept in a file of which a page is mapped: it stands there however we end."""
    import gc
    import mmap
    from time import thread_time

    state = {"begun": None, "seconds": 0.0, "page": None}

    def open_page():
        state["begun"], state["seconds"], state["page"] = None, 0.0, None
        descriptor = os.open(_name("gc"), os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            os.write(descriptor, b"0".ljust(_SIZE))  # a full disk is found out now: later it would be a SIGBUS
            # the descriptor does not stay: a program that closes all of its own would get our writes into its
            # files
            state["page"] = mmap.mmap(descriptor, _SIZE)
        finally:
            os.close(descriptor)

    def called(phase, info):
        try:
            if phase == "start":
                state["begun"] = thread_time()
            elif state["begun"] is not None:
                state["seconds"] += thread_time() - state["begun"]
                state["begun"] = None
                if state["page"] is not None:
                    state["page"][:_SIZE] = (b"%.9f" % state["seconds"]).ljust(_SIZE)
        except Exception:
            state["page"] = None

    def forked():
        try:
            open_page()
        except Exception as error:
            _complain("gc", error)

    open_page()
    os.register_at_fork(after_in_child=forked)
    gc.callbacks.append(called)


def _track_memory():
    import atexit

    lent = os.environ.get("RAZORPROF_RUN_MEMRAY", "")
    tag, _, place = lent.partition(":")
    path = list(sys.path)
    try:
        try:
            import memray
        except ImportError:
            if not place or tag != str(sys.implementation.cache_tag):
                raise
            sys.path.append(place)
            import memray
        tracker = memray.Tracker(_name("heap") + ".bin", follow_fork=True)
        tracker.__enter__()  # imports more
    finally:
        sys.path[:] = path
    atexit.register(tracker.__exit__, None, None, None)


def _begin():
    wanted = os.environ.get("RAZORPROF_RUN_WANTS", "").split(",")
    for kind, begin in (("heap", _track_memory), ("gc", _count_gc)):
        if kind in wanted:
            try:
                if sys.version_info < (3, 8):
                    raise RuntimeError("Python %d.%d is too old" % sys.version_info[:2])
                begin()
            except Exception as error:
                _complain(kind, error)


def _hand_over():
    """Run the sitecustomize that ours hides, if there is one. What it raises is its own."""
    from importlib.machinery import PathFinder
    from importlib.util import module_from_spec

    found = PathFinder.find_spec("sitecustomize", sys.path)
    if found is None or found.loader is None:
        return
    module = module_from_spec(found)
    sys.modules["sitecustomize"] = module
    found.loader.exec_module(module)


if _FOLDER and __name__ == "sitecustomize":
    _here = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [place for place in sys.path if os.path.abspath(place) != _here]
    if os.path.isdir(_FOLDER):
        _begin()
    if sys.version_info >= (3, 8):
        _hand_over()

"""Who holds the GIL, looked at again and again: for the threads source, whose dumps may be seconds old.

Attaches when it is first asked, anew after an exec; where that cannot be done nothing is told, and the threads
are described without it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from razorprof.clock import Clock
from razorprof.errors import NotSupported, PermissionDenied, RazorprofError
from razorprof.remote.memory import UnreadableMemory
from razorprof.remote.process import ProcessView
from razorprof.runtimes.cpython.anatomy import CorruptState
from razorprof.runtimes.cpython.attach import Attachment, attach
from razorprof.runtimes.cpython.gil_holders import GilHolders, look_at_holders

_log = logging.getLogger(__name__)

_AGAIN_SECONDS = 5.0


class GilHolderLooks:
    """Looks at the locks of one process. Not for two threads at once."""

    def __init__(
        self, process: ProcessView, clock: Clock, attach_to: Callable[[ProcessView], Attachment] = attach
    ) -> None:
        self._process = process
        self._clock = clock
        self._attach = attach_to
        self._attachment: Attachment | None = None
        self._due = clock.monotonic()
        self._is_final = False

    def close(self) -> None:
        self._is_final = True
        self._let_go()

    def look(self) -> GilHolders | None:
        """One look, some 90 us; None where nothing can be told (yet). Never raises a RazorprofError."""
        attachment = self._attached()
        if attachment is None:
            return None
        try:
            return look_at_holders(attachment)
        except (CorruptState, UnreadableMemory) as error:
            _log.debug("the GIL could not be looked at: %s", error)  # an interpreter came or went: next time
        except (RazorprofError, OSError) as error:
            _log.debug("the GIL cannot be looked at any more: %s", error)
            self._let_go()
        return None

    def _attached(self) -> Attachment | None:
        if self._attachment is not None or self._is_final or self._clock.monotonic() < self._due:
            return self._attachment
        self._due = self._clock.monotonic() + _AGAIN_SECONDS
        try:
            attachment = self._attach(self._process)
        except (NotSupported, PermissionDenied) as error:
            _log.debug("who holds the GIL cannot be told: %s", error)
            self._is_final = True
            return None
        except (RazorprofError, OSError) as error:
            _log.debug("who holds the GIL cannot be told yet: %s", error)
            return None
        if attachment.calibrated.gil_reason or attachment.calibrated.threads_reason:
            attachment.close()
            self._is_final = True
            return None
        self._attachment = attachment
        return attachment

    def _let_go(self) -> None:
        attachment, self._attachment = self._attachment, None
        if attachment is not None:
            attachment.close()

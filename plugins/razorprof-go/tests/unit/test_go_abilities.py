"""What cannot be seen of a version is said, with the reason and with what still works."""

from __future__ import annotations

import pytest
from razorprof_go import Go
from razorprof_go.layouts import known_versions, layout_for

from razorprof.errors import NotSupported
from razorprof.plugin.protocols import Capability, Detection


def test_a_known_version_has_everything_but_a_gil() -> None:
    told = Go().capabilities(Detection("go", "1.25.4"))
    assert told[Capability.GC].available
    assert told[Capability.GC].intrusiveness == 1
    assert told[Capability.HEAP].intrusiveness == 2
    assert not told[Capability.GIL].available
    assert told[Capability.GIL].reason


def test_a_version_that_is_too_new_is_not_read_from_memory_but_can_be_asked() -> None:
    told = Go().capabilities(Detection("go", "1.40.0"))
    assert told[Capability.GC].intrusiveness == 2
    assert "1.40.0" in told[Capability.GC].source
    assert "expvar" in told[Capability.GC].source
    assert told[Capability.CPU].available
    assert told[Capability.THREADS].available
    assert "not known" in told[Capability.THREADS].source


def test_layouts_are_of_measured_versions_only_and_never_of_the_nearest() -> None:
    assert (1, 25) in known_versions()
    for version in (None, (1, 18, 0), (1, 99, 0), (2, 0, 0)):
        with pytest.raises(NotSupported) as refused:
            layout_for(version)
        assert "endpoints" in refused.value.hint
    with pytest.raises(NotSupported):
        layout_for((1, 25, 4), machine=183)

"""Profile files with many changed bytes: a sound profile or ToolFailed, never a crash (`make fuzz` tries many)."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.formats.mutations import READERS, mutated, read_or_refuse

EXAMPLES = int(os.environ.get("RAZORPROF_FUZZ_EXAMPLES", "60"))


@pytest.mark.parametrize("name", READERS)
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_a_changed_file_is_refused_or_read(name: str, data: st.DataObject) -> None:
    content, read = READERS[name]
    read_or_refuse(read, data.draw(mutated(content)))

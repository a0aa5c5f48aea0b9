"""Profiles out of the pages of net/http/pprof, read by razorprof's own format "pprof".

Called by the captures. A plug-in sees formats as anybody does: through their entry points.
"""

from __future__ import annotations

from razorprof.errors import NotSupported
from razorprof.model.profile import Profile, Weights
from razorprof.plugin.loading import formats
from razorprof_go.endpoint import LONGEST_PAGE, Endpoint


def fetch_profile(endpoint: Endpoint, path: str, *, timeout: float = LONGEST_PAGE) -> Profile:
    """The profile at a path (with its query). Raises as Endpoint.get does; ToolFailed where it is none."""
    reader = next((one for one in formats() if one.name == "pprof"), None)
    if reader is None:
        raise NotSupported("the format pprof is not installed", hint="see: razorprof plugins")
    return reader.read(endpoint.get(path, timeout=timeout))


def measure(profile: Profile, name: str) -> tuple[Weights, str] | None:
    """Weights and unit of one of the profile's values by its name in the file."""
    if profile.value == name:
        return profile.weights, profile.unit
    return next(((one.weights, one.unit) for one in profile.also if one.name == name), None)

"""Tells an Alertmanager of alerts through its API, version 2, as Prometheus does.

One for each Alertmanager: with several of a cluster, all of them are told, and they agree among themselves. It is
told again and again of what fires on, and takes an alert for resolved when it hears no more of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlsplit

from razorprof.clock import Clock
from razorprof.errors import UsageError
from razorprof.model.notice import Notice
from razorprof.notifiers.http_options import GRAMMAR, HTTP_OPTIONS, check_url
from razorprof.notifiers.payload import clean, timestamp

if TYPE_CHECKING:
    from razorprof.notifiers.http import Endpoint

_PATH = "/api/v2/alerts"


class Alertmanager:
    """The notifier. Label names that Alertmanager would refuse are written with underscores, so that one of them
    never keeps an alert from being told; when it refuses some alerts of a batch all the same, it took the others,
    and none is sent again before its next turn."""

    name: ClassVar[str] = "alertmanager"
    options: ClassVar[Mapping[str, str]] = {
        "url": "where it listens, http://HOST:9093, with the prefix of its paths where it has one",
        **HTTP_OPTIONS,
    }
    wants_repeats: ClassVar[bool] = True
    most: ClassVar[int] = 64  # as in Prometheus

    def open(self, options: Mapping[str, str], clock: Clock) -> AlertmanagerSender:
        """Raises UsageError."""
        from razorprof.notifiers.http import Endpoint

        url = options.get("url", "")
        if not url:
            raise UsageError("the alertmanager needs a url", value="url", hint=GRAMMAR)
        check_url(url, "url")
        return AlertmanagerSender(Endpoint(f"{url.rstrip('/')}{_PATH}", options, clock))


class AlertmanagerSender:
    """Posts to one Alertmanager."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint

    def send(self, notices: Sequence[Notice], timeout: float) -> None:
        """As Sender says."""
        self._endpoint.post([_alert(notice) for notice in notices], timeout)

    def close(self) -> None:
        """Nothing is held between two posts."""


def _alert(notice: Notice) -> dict[str, Any]:
    alert = {
        "labels": clean(notice.labels),
        "annotations": clean(notice.annotations),
        "startsAt": timestamp(notice.starts_at),
        "endsAt": timestamp(max(notice.starts_at, notice.ends_at)),
    }
    if _is_url(notice.generator_url):
        alert["generatorURL"] = notice.generator_url
    return alert


def _is_url(text: str) -> bool:
    """Whether Alertmanager takes it: it refuses a whole batch for one link that is none."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return bool(parts.scheme and parts.netloc) and text.isascii() and text.isprintable() and " " not in text

"""Tells whoever takes Alertmanager's webhook: the same payload, version 4, without an Alertmanager between.

Alerts that are told together are grouped as Alertmanager groups them, by their names unless another grouping is
asked for, and each group is a post of its own. In contrast to Alertmanager's, a post holds what is new of its
group, not all that fires in it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from razorprof.clock import Clock
from razorprof.errors import RazorprofError, TimedOut, UsageError
from razorprof.model.notice import Notice
from razorprof.notifiers.http_options import HTTP_OPTIONS, check_url
from razorprof.notifiers.payload import clean, webhook_payload
from razorprof.notifiers.secrets import find_secret
from razorprof.plugin.notifiers import PartlyTold

if TYPE_CHECKING:
    from razorprof.notifiers.http import Endpoint

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_MOST_GROUPING = 32


class Webhook:
    """The notifier. A URL that is a secret (its path often is) comes out of a file or the environment."""

    name: ClassVar[str] = "webhook"
    options: ClassVar[Mapping[str, str]] = {
        "url": "where to post to",
        "url_file": "file with the URL, where that is a secret",
        "url_env": "environment variable with the URL, where that is a secret",
        "receiver": "name that the payload gives as its receiver (default: razorprof)",
        "external_url": "address for people that the payload gives",
        "group_by": "names of the labels that make a group, with commas between (default: alertname)",
        **HTTP_OPTIONS,
    }
    wants_repeats: ClassVar[bool] = False
    most: ClassVar[int] = 64

    def open(self, options: Mapping[str, str], clock: Clock) -> WebhookSender:
        """Raises UsageError."""
        from razorprof.notifiers.http import Endpoint

        secret = find_secret(options, "url")
        if ("url" in options) is (secret is not None):
            raise UsageError("the webhook needs one url", value="url", hint="give url, url_file or url_env")
        url, option = (options["url"], "url") if secret is None else (secret.read(), secret.option)
        check_url(url, option, takes_query=True)
        names = [name.strip() for name in options.get("group_by", "alertname").split(",") if name.strip()]
        if len(names) > _MOST_GROUPING or not all(map(_NAME.fullmatch, names)):
            raise UsageError("group_by: not names of labels", value=options["group_by"][:80], hint="write a,b,c")
        endpoint = Endpoint(url, options, clock)
        return WebhookSender(
            endpoint, clock, names, options.get("receiver", "razorprof"), options.get("external_url", "")
        )


class WebhookSender:
    """Posts to one URL."""

    def __init__(
        self, endpoint: Endpoint, clock: Clock, group_by: Sequence[str], receiver: str, external_url: str
    ) -> None:
        self._endpoint = endpoint
        self._clock = clock
        self._group_by = group_by
        self._receiver = receiver
        self._external_url = external_url

    def send(self, notices: Sequence[Notice], timeout: float) -> None:
        """As Sender says: what was posted before a failure is told."""
        deadline = self._clock.monotonic() + timeout
        told: list[Notice] = []
        for group, members in self._groups(notices):
            try:
                left = deadline - self._clock.monotonic()
                if left <= 0:
                    raise TimedOut(f"no answers within {timeout:.3g} s", value=self._endpoint)
                self._endpoint.post(webhook_payload(members, group, self._receiver, self._external_url), left)
            except RazorprofError as error:
                raise (PartlyTold(told, error) if told else error) from error
            told += members

    def close(self) -> None:
        """Nothing is held between two posts."""

    def _groups(self, notices: Sequence[Notice]) -> list[tuple[dict[str, str], list[Notice]]]:
        found: dict[tuple[tuple[str, str], ...], list[Notice]] = {}
        for notice in notices:
            labels = clean(notice.labels)
            key = tuple((name, labels[name]) for name in sorted(self._group_by) if name in labels)
            found.setdefault(key, []).append(notice)
        return [(dict(key), members) for key, members in found.items()]

"""A verdict on what another program evaluates: a watch with --listen, or a Prometheus. One request, and of a
Prometheus, which does not tell whom it watches, one more where processes are named.

No redirect is followed and no proxy asked, answers are bounded; the token comes from a file. Called by cli.check.
"""

from __future__ import annotations

import json
import ssl
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import httpx

from razorprof.alerting.api_answer import only, parse_presence, parse_rules_answer, presence_query
from razorprof.alerting.judge import MOST_FIGURES, judge, mark_of
from razorprof.alerting.rules import RuleFile
from razorprof.errors import TimedOut, ToolFailed, UsageError
from razorprof.model.judgement import Figure, Judgement, Sight
from razorprof.model.target import Target

LARGEST_ANSWER = 32 << 20
_LONGEST_WAIT = 10.0
_ASKED_AT_ONCE = 20  # processes in one query
_HINT = "start one with: razorprof watch TARGET --rules FILE --listen 127.0.0.1:9106"


def check_remote(
    url: str, files: Sequence[RuleFile], targets: Sequence[Target], *, token_file: Path | None, seconds: float
) -> Judgement:
    """The verdict on the rules of `files`, or on all, for these processes, or for all. Raises UsageError,
    ToolFailed, TimedOut."""
    page, wait = _page(url), min(_LONGEST_WAIT, max(1.0, seconds))
    document, now = _ask(f"{page}/api/v1/rules", token_file, wait)
    names = [(rule.key.group, rule.key.name) for file in files for group in file.groups for rule in group.rules]
    jobs = {target.pid: target.job or target.name for target in targets} or None
    answer = parse_rules_answer(document, now)
    seen = only(answer, targets=jobs, rules=names)
    if jobs is not None and answer.jobs is None:  # a Prometheus: that nothing fires may be for want of data
        seen = replace(seen, problems=(*seen.problems, *_not_known(page, jobs, token_file, wait)))
    judgement = judge(seen)
    figures = tuple(
        Figure(
            one.alert.name,
            _telling(one.alert.labels),
            one.alert.value,
            threshold=one.threshold,
            mark=mark_of(one.severity),
        )
        for one in judgement.alerts
    )
    return replace(judgement, figures=figures[:MOST_FIGURES], sight=Sight.ASKED)


def _not_known(page: str, jobs: Mapping[int, str], token_file: Path | None, wait: float) -> list[str]:
    """What to say of the processes that no series there is about."""
    found: set[int] = set()
    pids = list(jobs)
    try:
        for first in range(0, len(pids), _ASKED_AT_ONCE):
            some = {pid: jobs[pid] for pid in pids[first : first + _ASKED_AT_ONCE]}
            query = urlencode({"query": presence_query(some)}, errors="replace")
            document, _ = _ask(f"{page}/api/v1/query?{query}", token_file, wait)
            found |= parse_presence(document, some)
    except ToolFailed as error:
        return [f"it cannot be told whether the processes are known there: {error}"]
    return [f"process {pid} is not known there: no series is about it" for pid in pids if pid not in found]


def _telling(labels: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in labels.items() if name in ("pid", "instance")}


def _page(url: str) -> str:
    parts = urlsplit(url)
    try:
        bad = parts.scheme not in ("http", "https") or not parts.hostname or (parts.port or 1) < 1
    except ValueError:
        bad = True
    if bad or parts.query or parts.fragment:
        raise UsageError("not a URL to ask", value=url, hint="write http://127.0.0.1:9106, where a watch listens")
    if parts.username is not None or parts.password is not None:
        raise UsageError("no credentials in a URL: others can see them", hint="give a token with --token-file")
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"


def _ask(url: str, token_file: Path | None, timeout: float) -> tuple[object, float]:
    """The document, and Unix seconds by the clock of who answers."""
    headers = {"Accept": "application/json"}
    if token_file is not None:
        from razorprof.serve.access import read_token

        headers["Authorization"] = f"Bearer {read_token(token_file).decode()}"
    deadline = time.monotonic() + timeout
    try:
        with (
            httpx.Client(timeout=timeout, trust_env=False, verify=ssl.create_default_context()) as client,
            client.stream("GET", url, headers=headers) as answer,
        ):
            content = bytearray()
            for piece in answer.iter_bytes():
                content += piece
                if len(content) > LARGEST_ANSWER:
                    raise ToolFailed("the answer is too large", value=url)
                if time.monotonic() > deadline:
                    raise TimedOut("no whole answer in time", value=url)
    except httpx.TimeoutException as error:
        raise TimedOut("no answer in time", value=url, hint=_HINT) from error
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        raise ToolFailed("the watch cannot be asked", value=f"{url}: {error}", hint=_HINT) from error
    return _document(answer, bytes(content), url), _clock_of(answer)


def _document(answer: httpx.Response, content: bytes, url: str) -> object:
    if answer.status_code == 401:
        raise ToolFailed("it wants a token", value=url, hint="give the one of the watch: --token-file FILE")
    if answer.is_redirect:
        raise ToolFailed("it answers elsewhere, which is not followed", value=url)
    if answer.status_code == 404:
        raise ToolFailed("no rules are evaluated there", value=url, hint=_HINT)
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        words = " ".join(content[:120].decode("utf-8", "replace").split())
        raise ToolFailed(f"it answers {answer.status_code}", value=words or url) from error


def _clock_of(answer: httpx.Response) -> float:
    try:
        return parsedate_to_datetime(answer.headers.get("Date", "")).timestamp()
    except (ValueError, TypeError, OverflowError):
        return time.time()

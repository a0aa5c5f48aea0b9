"""The whole of alerting with the real ones: a rule file that fires here and in Prometheus, told to Alertmanager.

Prometheus sees the same target through the pages of the watch. Evidence lies on disk within its limits, and the
resolution follows.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.integration.alertmanager_server import AlertmanagerServer, listening, missing_alertmanager, running
from tests.integration.watch_targets import LONG, metric, until, watching
from tests.live_targets import StartProgram

SWITCHED = Path(__file__).parent.parent / "programs" / "descriptor_switch.py"
RULES = """
groups:
  - name: descriptors
    interval: 1s
    rules:
      - record: job:open_fds:max
        expr: max by (job, instance, pid) (process_open_fds)
      - alert: ManyDescriptors
        expr: job:open_fds:max{job="switched"} > 40
        for: 2s
        labels: {severity: page}
        annotations:
          summary: "{{ $labels.job }} holds {{ $value | humanize }} descriptors"
"""
ACTIONS = """
version: 1
limits: {count: 1, window: 1h, max_bytes: 20MiB, min_free_bytes: 1MiB}
captures:
  - name: descriptors
    matchers: ['alertname="ManyDescriptors"', 'severity=~"page|critical"']
    on: firing
    do:
      - threads: {}
      - gc: {}
      - bundle: {}
"""


class Asked:
    """The HTTP API of a watch or of a Prometheus."""

    def __init__(self, url: str) -> None:
        self.url = url

    def alerts(self, name: str) -> list[dict[str, Any]]:
        try:
            answer = httpx.get(f"{self.url}/api/v1/alerts", timeout=LONG, trust_env=False).json()
        except (httpx.HTTPError, json.JSONDecodeError):
            return []  # it is still starting
        return [one for one in answer["data"]["alerts"] if one["labels"]["alertname"] == name]

    def states(self) -> list[str]:
        return [one["state"] for one in self.alerts("ManyDescriptors")]


@contextmanager
def prometheus(folder: Path, rules: Path, watched: str, alertmanager: AlertmanagerServer) -> Iterator[Asked]:
    """A real one that scrapes the watch, evaluates the same rules and tells the same Alertmanager."""
    config, port = folder / "prometheus.yml", _free_port()
    config.write_text(
        "global: {scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s,"
        " external_labels: {teller: prometheus}}\n"
        f"rule_files: ['{rules}']\n"
        "alerting:\n"
        f"  alertmanagers: [{{static_configs: [{{targets: ['{alertmanager.url.removeprefix('http://')}']}}]}}]\n"
        "scrape_configs:\n"
        "  - job_name: razorprof\n"
        "    honor_labels: true\n"
        f"    static_configs: [{{targets: ['{watched.removeprefix('http://')}']}}]\n"
    )
    with (folder / "prometheus.log").open("w") as log:
        process = subprocess.Popen(
            ["prometheus", f"--config.file={config}", f"--storage.tsdb.path={folder / 'tsdb'}",
             f"--web.listen-address=127.0.0.1:{port}"],
            stdout=log, stderr=log, cwd=folder,
        )  # fmt: skip
    try:
        yield Asked(f"http://127.0.0.1:{port}")
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def check(*arguments: str) -> int:
    """The exit code of `razorprof check`."""
    command = [sys.executable, "-m", "razorprof", "check", *arguments]
    return subprocess.run(command, capture_output=True, timeout=LONG).returncode


def _free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.timeout(300)
def test_the_same_rules_fire_here_and_in_prometheus_alertmanager_hears_and_evidence_lies_on_disk(
    start_program: StartProgram, tmp_path: Path
) -> None:
    if shutil.which("prometheus") is None or missing_alertmanager():
        pytest.skip("no prometheus and prometheus-alertmanager on this machine (make test-deps)")
    rules, actions, switch = tmp_path / "rules.yml", tmp_path / "actions.yml", tmp_path / "switch"
    rules.write_text(RULES)
    actions.write_text(ACTIONS)
    checked = subprocess.run(["promtool", "check", "rules", rules], capture_output=True, text=True, timeout=LONG)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    target = start_program(sys.executable, SWITCHED, str(switch), "280")
    target.wait_for("ready")
    with (
        listening() as pager,
        running(tmp_path, hook=pager.url) as alertmanager,
        watching(
            tmp_path, str(target.pid), "--job", "switched", "--rules", str(rules), "--actions", str(actions),
            "--alertmanager", alertmanager.url, "--external-label", "teller=razorprof", "--listen", "127.0.0.1:0",
        ) as watch,
        prometheus(tmp_path, rules, watch.url, alertmanager) as reference,
    ):  # fmt: skip
        here = Asked(watch.url)
        until(lambda: metric(watch.url, "razorprof_rule_evaluations_total") is not None)
        assert here.states() == reference.states() == []

        switch.touch()
        target.wait_for("many")
        until(lambda: here.states() == ["firing"], "it fires here")
        until(lambda: reference.states() == ["firing"], "it fires in Prometheus")
        [ours], [theirs] = here.alerts("ManyDescriptors"), reference.alerts("ManyDescriptors")
        assert ours["labels"] == theirs["labels"]
        assert ours["value"] == theirs["value"]
        assert ours["annotations"]["summary"] == theirs["annotations"]["summary"]
        assert ours["annotations"]["summary"].startswith("switched holds 6")

        assert [check("--from", asked.url) for asked in (here, reference)] == [2, 2], "check asks either"

        told = alertmanager.wait_for_alerts("ManyDescriptors", 2)
        by_teller = {one["labels"]["teller"]: one for one in told}
        assert set(by_teller) == {"razorprof", "prometheus"}
        folder = Path(by_teller["razorprof"]["annotations"]["razorprof_capture"])
        assert folder.parent == tmp_path / "state" / "captures"
        watch.wait_for("capture", name="descriptors", state="done")
        assert {"threads.json", "gc.json"} <= {path.name for path in folder.rglob("*")}
        with tarfile.open(folder / "bundle.tar.gz") as bundle:
            names = {Path(name).name for name in bundle.getnames()}
        assert {"manifest.json", "report.html"} <= names
        assert _bytes_in(tmp_path / "state" / "captures") < 20 << 20

        switch.unlink()
        target.wait_for("few")
        until(lambda: here.states() == reference.states() == [], "it is over in both")
        alertmanager.wait_for_alerts("ManyDescriptors", 0)
        resolved = _told_resolved(pager, "razorprof")
        assert resolved["annotations"]["razorprof_capture"] == str(folder)
        _told_resolved(pager, "prometheus")

        switch.touch()
        until(lambda: here.states() == ["firing"], "it fires again")
        skipped = watch.wait_for("capture", name="descriptors", state="skipped")
        assert skipped["detail"].startswith("1 of 1 within")
        assert list((tmp_path / "state" / "captures").iterdir()) == [folder], "within the limit"
        assert watch.end() == 0


def _bytes_in(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _told_resolved(pager: Any, teller: str) -> dict[str, Any]:
    """The alert that Alertmanager passed on as resolved."""
    number = 1
    while True:
        for post in pager.posts(number):
            for alert in post["alerts"]:
                if alert["status"] == "resolved" and alert["labels"].get("teller") == teller:
                    found: dict[str, Any] = alert
                    return found
        number = len(pager.posts(number)) + 1

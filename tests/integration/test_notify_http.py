"""Endpoints that are told over HTTP, and what they may do: hang, drip, refuse, redirect, talk without end, close.

The servers are ours and on the loopback; what is judged is the error that comes out, and that it comes.
"""

from __future__ import annotations

import base64
import contextlib
import json
import logging
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from razorprof.clock import SystemClock
from razorprof.errors import NotSupported, PermissionDenied, RazorprofError, TimedOut, ToolFailed, UsageError
from razorprof.model.labels import Labels
from razorprof.model.notice import Notice
from razorprof.plugin.loading import find_notifier
from razorprof.plugin.notifiers import PartlyTold, Sender
from tests.integration.alertmanager_server import LONG, listening
from tests.integration.hostile_pages import Answer, page, serving

NOTICE = Notice(Labels(alertname="Slow"), {"summary": "slow"}, 1_700_000_000.0, 1_700_000_240.0)
SHORT = 0.5  # seconds after which an endpoint that hangs is given up


def posted(connection: socket.socket) -> bytes:
    """A request with all of its body."""
    received = b""
    while b"\r\n\r\n" not in received:
        received += connection.recv(65_536)
    head, _, body = received.partition(b"\r\n\r\n")
    length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
    while len(body) < length:
        body += connection.recv(65_536)
    return received


def answers(answer: bytes) -> Answer:
    """Takes the post, says this, and closes."""

    def speak(connection: socket.socket, over: threading.Event) -> None:
        posted(connection)
        connection.sendall(answer)

    return speak


def drips(start: bytes, piece: bytes) -> Answer:
    """Takes the post, then says a piece now and then, without end."""

    def speak(connection: socket.socket, over: threading.Event) -> None:
        posted(connection)
        connection.sendall(start)
        while not over.wait(0.02):
            connection.sendall(piece)

    return speak


def silent(connection: socket.socket, over: threading.Event) -> None:
    over.wait(LONG)


def closes(connection: socket.socket, over: threading.Event) -> None:
    posted(connection)


def resets(connection: socket.socket, over: threading.Event) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")


def sender_to(url: str, kind: str = "alertmanager", **options: str) -> Sender:
    return find_notifier(kind).open({"url": url, **options}, SystemClock())


def outcome(answer: Answer, timeout: float = LONG) -> RazorprofError | None:
    """What telling such an endpoint raises."""
    with serving(answer) as port:
        try:
            sender_to(f"http://127.0.0.1:{port}").send([NOTICE], timeout)
        except RazorprofError as error:
            return error
    return None


@pytest.mark.parametrize(
    "answer",
    [
        silent,
        drips(b"", b"x"),
        drips(b"HTTP/1.1 200 OK\r\n", b"X-More: x\r\n"),
        drips(b"HTTP/1.1 200 OK\r\nX-Long: ", b"x"),
    ],
    ids=["says nothing", "no HTTP", "headers without end", "a header without end"],
)
def test_an_endpoint_that_never_answers_is_given_up_in_time(answer: Answer) -> None:
    error = outcome(answer, SHORT)
    assert isinstance(error, ToolFailed)  # a dripping one may run into the bounds of a header first
    assert str(error).count("http://127.0.0.1:") == 1


def test_an_endpoint_that_takes_no_connection_is_given_up_in_time() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port = listener.getsockname()[1]
        with contextlib.ExitStack() as stack:
            for _ in range(4):  # the queue of connections is full
                filler = stack.enter_context(socket.socket())
                filler.setblocking(False)
                filler.connect_ex(("127.0.0.1", port))
            with pytest.raises(TimedOut):
                sender_to(f"http://127.0.0.1:{port}").send([NOTICE], SHORT)


@pytest.mark.parametrize("status", ["200 OK", "202 Accepted", "204 No Content"])
def test_an_answer_without_end_is_left_after_its_first_words(status: str) -> None:
    assert outcome(drips(f"HTTP/1.1 {status}\r\n\r\n".encode(), b"x" * 1000)) is None


def test_a_refusal_without_end_is_told_by_its_first_words() -> None:
    error = outcome(drips(b"HTTP/1.1 400 Bad Request\r\n\r\n", b"no such thing. " * 1000))
    assert isinstance(error, NotSupported)
    assert "status 400: no such thing." in str(error)
    assert len(str(error)) < 400


def test_a_refusal_whose_words_never_come_is_still_one() -> None:
    error = outcome(drips(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 100\r\n\r\n", b""), SHORT)
    assert isinstance(error, NotSupported)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("500 Internal Server Error", ToolFailed),
        ("502 Bad Gateway", ToolFailed),
        ("503 Service Unavailable", ToolFailed),
        ("429 Too Many Requests", ToolFailed),
        ("408 Request Timeout", ToolFailed),
        ("400 Bad Request", NotSupported),
        ("404 Not Found", NotSupported),
        ("413 Payload Too Large", NotSupported),
        ("422 Unprocessable Entity", NotSupported),
        ("401 Unauthorized", PermissionDenied),
        ("403 Forbidden", PermissionDenied),
    ],
)
def test_a_status_says_whether_it_is_worth_trying_again(status: str, kind: type[RazorprofError]) -> None:
    error = outcome(answers(page(b'"label \x1b[31m is bad"', status=status)))
    assert type(error) is kind
    assert f"status {status[:3]}" in str(error)
    assert "is bad" in str(error)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_followed_nowhere_and_said(status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = threading.Event()

    def notes(connection: socket.socket, over: threading.Event) -> None:
        asked.set()

    with serving(notes) as elsewhere:
        location = f"Location: http://user:secret@127.0.0.1:{elsewhere}/steal?token=secret"
        error = outcome(answers(page(b"", location, status=f"{status} Moved")))
    assert isinstance(error, NotSupported)
    assert "redirected: that is not followed (http://127.0.0.1:" in str(error)
    assert f"status {status}, to http://127.0.0.1:{elsewhere})" in str(error)
    assert "secret" not in str(error)
    assert not asked.is_set()


@pytest.mark.parametrize(
    "answer",
    [closes, resets, answers(b""), answers(b"HTTP/1.1 200"), answers(b"SSH-2.0-x\r\n"), answers(b"\0" * 100),
     answers(b"HTTP/1.1 abc OK\r\n\r\n"), answers(b"HTTP/1.1 200 OK\r\nno header\r\n\r\n")],
)  # fmt: skip
def test_what_is_no_answer_is_a_failure_that_may_pass(answer: Answer) -> None:
    error = outcome(answer)
    assert type(error) is ToolFailed
    words = str(error)  # a reset may come before what was sent has gone out
    assert "no HTTP answer" in words or (answer is resets and "Connection reset" in words)


def test_a_page_that_is_packed_to_burst_is_not_unpacked() -> None:
    import gzip

    packed = gzip.compress(b"\0" * 50_000_000)
    error = outcome(answers(page(packed, "Content-Encoding: gzip", status="500 Oops")))
    assert type(error) is ToolFailed


def test_nobody_there_is_a_failure_that_may_pass() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with pytest.raises(ToolFailed, match="no connection to the endpoint"):
        sender_to(f"http://127.0.0.1:{port}").send([NOTICE], LONG)


def test_a_host_that_has_no_address_is_a_failure_that_may_pass() -> None:
    with pytest.raises(ToolFailed):
        sender_to("http://no-such-host.invalid:9093").send([NOTICE], LONG)


def test_the_environment_s_proxy_and_netrc_are_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password secret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    with listening() as listener:
        sender_to(listener.url, "webhook").send([NOTICE], LONG)
        assert "authorization" not in listener.headers


class TestCredentials:
    def test_a_token_is_read_anew_for_each_post(self, tmp_path: Path) -> None:
        token = tmp_path / "token"
        with listening() as listener:
            token.write_text("first\n")
            token.chmod(0o600)
            sender = sender_to(listener.url, "webhook", token_file=str(token))
            for secret in ("first", "second"):
                token.write_text(f"{secret}\n")
                sender.send([NOTICE], LONG)
                assert listener.headers["authorization"] == f"Bearer {secret}"
            token.unlink()
            with pytest.raises(ToolFailed, match="token_file"):
                sender.send([NOTICE], LONG)

    def test_a_password_comes_out_of_the_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HOOK_PASSWORD", "pass:word")
        with listening() as listener:
            options = {"username": "me", "password_env": "HOOK_PASSWORD"}
            sender_to(listener.url, "webhook", **options).send([NOTICE], LONG)
            assert listener.headers["authorization"] == f"Basic {base64.b64encode(b'me:pass:word').decode()}"

    def test_the_url_itself_may_be_a_secret(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        with listening() as listener:
            file = tmp_path / "url"
            file.write_text(listener.url + "?sig=secret\n")
            file.chmod(0o600)
            monkeypatch.setenv("HOOK_URL", listener.url + "?sig=secret")
            for options in ({"url_file": str(file)}, {"url_env": "HOOK_URL"}):
                listener.status = 200
                sender = find_notifier("webhook").open(options, SystemClock())
                sender.send([NOTICE], LONG)
                listener.status = 500
                with pytest.raises(ToolFailed) as failed:
                    sender.send([NOTICE], LONG)
                assert "secret" not in str(failed.value)
                assert "hook" not in str(failed.value).replace("webhook", "")

    def test_others_who_may_read_a_secret_are_warned_of(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        token = tmp_path / "token"
        token.write_text("secret")
        for mode, is_warned in ((0o600, False), (0o400, False), (0o644, True), (0o640, True)):
            token.chmod(mode)
            caplog.clear()
            sender_to("http://127.0.0.1:9093", token_file=str(token))
            warnings = [record.message for record in caplog.records if record.levelno == logging.WARNING]
            assert bool(warnings) is is_warned
            assert "secret" not in "".join(warnings)


@pytest.mark.parametrize(
    ("kind", "options", "words"),
    [
        ("alertmanager", {}, "needs a url"),
        ("alertmanager", {"url": "http://user:secret@host:9093"}, "credentials in a URL"),
        ("alertmanager", {"url": "http://token@host:9093"}, "credentials in a URL"),
        ("alertmanager", {"url": "host:9093"}, "not an http or https URL"),
        ("alertmanager", {"url": "ftp://host"}, "not an http or https URL"),
        ("alertmanager", {"url": "http://"}, "not an http or https URL"),
        ("alertmanager", {"url": "http://host:99999"}, "not a URL"),
        ("alertmanager", {"url": "http://host:0"}, "not an http or https URL"),
        ("alertmanager", {"url": "http://[::1"}, "not a URL"),
        ("alertmanager", {"url": "http://host/a b"}, "not a URL"),
        ("alertmanager", {"url": "http://host/\x1b"}, "not a URL"),
        ("alertmanager", {"url": "http://host/?a=secret"}, "a query or a fragment"),
        ("alertmanager", {"url": "http://host/" + "a" * 5000}, "not a URL"),
        ("alertmanager", {"url": "http://host", "username": "me"}, "a user without a password"),
        ("alertmanager", {"url": "http://host", "password_env": "SECRET"}, "a user without a password"),
        ("alertmanager", {"url": "http://host", "username": "a:b", "password_env": "SECRET"}, "name of a user"),
        (
            "alertmanager",
            {"url": "http://host", "username": "me", "password_env": "SECRET", "token_env": "SECRET"},
            "a token and a password",
        ),
        ("alertmanager", {"url": "http://host", "token_env": "NO_SUCH_VARIABLE"}, "holds no secret"),
        ("alertmanager", {"url": "http://host", "token_env": "TWO_LINES"}, "holds no secret"),
        ("alertmanager", {"url": "http://host", "token_file": "/no/such/file"}, "cannot be read"),
        ("alertmanager", {"url": "http://host", "token_file": "/dev/zero"}, "no regular file"),
        ("alertmanager", {"url": "http://host", "token_file": "a\0b"}, "cannot be read"),
        (
            "alertmanager",
            {"url": "http://host", "token_file": "/dev/null", "token_env": "SECRET"},
            "two places for one secret",
        ),
        ("alertmanager", {"url": "http://host", "ca_file": "/etc/passwd"}, "certificates without https"),
        ("alertmanager", {"url": "https://host", "ca_file": "/etc/passwd"}, "ca_file"),
        ("alertmanager", {"url": "https://host", "ca_file": "/no/such/file"}, "ca_file"),
        ("alertmanager", {"url": "https://host", "cert_file": "/etc/passwd"}, "cert_file"),
        ("alertmanager", {"url": "https://host", "key_file": "/etc/passwd"}, "a key without a certificate"),
        ("webhook", {}, "needs one url"),
        ("webhook", {"url": "http://host", "url_env": "SECRET"}, "needs one url"),
        ("webhook", {"url_env": "SECRET"}, "not an http or https URL"),
        ("webhook", {"url": "http://host", "group_by": "a-b"}, "not names of labels"),
    ],
)
def test_options_that_cannot_be_meant_are_refused(
    kind: str, options: dict[str, str], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET", "tell-nobody")
    monkeypatch.setenv("TWO_LINES", "a\r\nX-Header: b")
    with pytest.raises(UsageError, match=words) as refused:
        find_notifier(kind).open(options, SystemClock())
    said = f"{refused.value} {refused.value.hint}"
    assert "tell-nobody" not in said
    assert "secret@" not in said
    assert "=secret" not in said


class TestGroups:
    notices = tuple(
        Notice(Labels(alertname=name, pid=pid), {}, 1_700_000_000.0, 1_700_000_240.0)
        for name in "ab"
        for pid in "12"
    )

    @pytest.mark.parametrize(
        ("group_by", "groups"),
        [
            ("alertname", [{"alertname": "a"}, {"alertname": "b"}]),
            ("pid, job", [{"pid": "1"}, {"pid": "2"}]),
            ("", [{}]),
        ],
    )
    def test_each_is_a_post_of_its_own(self, group_by: str, groups: list[dict[str, str]]) -> None:
        with listening() as listener:
            sender_to(listener.url, "webhook", group_by=group_by).send(self.notices, LONG)
            posts = listener.posts(len(groups))
        assert [post["groupLabels"] for post in posts] == groups
        assert sum(len(post["alerts"]) for post in posts) == 4

    def test_those_that_were_posted_before_a_failure_are_told(self) -> None:
        asked: list[bytes] = []

        def fails_second(connection: socket.socket, over: threading.Event) -> None:
            asked.append(posted(connection))
            connection.sendall(page(b"", status="200 OK" if len(asked) == 1 else "500 Oops"))

        with serving(fails_second) as port, pytest.raises(PartlyTold) as partly:
            sender_to(f"http://127.0.0.1:{port}/hook", "webhook").send(self.notices, LONG)
        assert partly.value.told == self.notices[:2]
        assert type(partly.value.cause) is ToolFailed
        assert len(asked) == 2


class TestTls:
    @pytest.fixture(scope="class")
    def certificate(self, tmp_path_factory: pytest.TempPathFactory) -> Path:
        """A certificate for localhost that it signed itself, with its key."""
        file = tmp_path_factory.mktemp("tls") / "both.pem"
        made = subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
             "-addext", "subjectAltName=DNS:localhost", "-keyout", "-", "-out", "-"],
            capture_output=True, check=True, timeout=LONG,
        )  # fmt: skip
        file.write_bytes(made.stdout)
        file.chmod(0o600)
        return file

    @contextmanager
    def secured(self, certificate: Path, *, asks: bool = False) -> Iterator[int]:
        """A server that speaks TLS; asks: for the client's certificate, too."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        if asks:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(certificate)

        def speak(connection: socket.socket, over: threading.Event) -> None:
            with contextlib.suppress(ssl.SSLError), context.wrap_socket(connection, server_side=True) as secure:
                posted(secure)
                secure.sendall(page(b"{}"))

        with serving(speak) as port:
            yield port

    def test_an_authority_of_one_s_own_is_taken(self, certificate: Path) -> None:
        with self.secured(certificate) as port:
            sender_to(f"https://localhost:{port}", ca_file=str(certificate)).send([NOTICE], LONG)

    def test_a_certificate_that_nobody_known_signed_is_refused(self, certificate: Path) -> None:
        with self.secured(certificate) as port, pytest.raises(ToolFailed, match="not who it should be") as refused:
            sender_to(f"https://localhost:{port}").send([NOTICE], LONG)
        assert "ca_file" in refused.value.hint

    def test_a_certificate_of_another_host_is_refused(self, certificate: Path) -> None:
        with self.secured(certificate) as port, pytest.raises(ToolFailed, match="not who it should be"):
            sender_to(f"https://127.0.0.1:{port}", ca_file=str(certificate)).send([NOTICE], LONG)

    def test_a_certificate_of_our_own_is_shown(self, certificate: Path) -> None:
        with self.secured(certificate, asks=True) as port:
            options = {"ca_file": str(certificate), "cert_file": str(certificate)}
            sender_to(f"https://localhost:{port}", **options).send([NOTICE], LONG)

    def test_an_endpoint_that_never_completes_its_greeting_is_given_up_in_time(self, certificate: Path) -> None:
        with serving(silent) as port, pytest.raises(TimedOut):
            sender_to(f"https://localhost:{port}", ca_file=str(certificate)).send([NOTICE], SHORT)

    def test_an_endpoint_that_speaks_no_tls_is_a_failure_that_may_pass(self, certificate: Path) -> None:
        with serving(drips_text) as port, pytest.raises(ToolFailed):
            sender_to(f"https://localhost:{port}", ca_file=str(certificate)).send([NOTICE], LONG)


def drips_text(connection: socket.socket, over: threading.Event) -> None:
    connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")


def test_a_post_is_one_document_of_json_and_says_who_we_are() -> None:
    with listening() as listener:
        sender_to(listener.url, "webhook").send([NOTICE], LONG)
        (document,) = listener.posts(1)
        assert json.loads(json.dumps(document))["version"] == "4"
        assert listener.headers["content-type"] == "application/json"
        assert listener.headers["user-agent"].startswith("razorprof/")

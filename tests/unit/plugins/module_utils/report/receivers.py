# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Servers on loopback that take notices: a mail server with TLS and logins, and a web server that answers as it is told."""

from __future__ import annotations

import contextlib
import email
import email.policy
import http.server
import json
import socket
import ssl
import threading
import typing as t
from email.message import EmailMessage
from pathlib import Path

import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

USER, PASSWORD = "backup@contoso.com", "the password of the mailbox"
REFUSED = "nobody@contoso.com"


class MailServer(Controller):
    """C(mails) are those it has taken, C(logins) whether each was good. It knows L(USER), and takes nothing for L(REFUSED)."""

    def __init__(self, *, tls: ssl.SSLContext | None = None, is_tls_first: bool = False, wants_login: bool = False) -> None:
        self.mails: list[EmailMessage] = []
        self.logins: list[bool] = []
        self.has_tls: list[bool] = []
        later = {} if tls is None or is_tls_first else {"tls_context": tls, "require_starttls": True}
        super().__init__(
            self,
            hostname="127.0.0.1",
            port=free_port(),
            ssl_context=tls if is_tls_first else None,
            authenticator=self._authenticate,
            auth_required=wants_login,
            auth_require_tls=not is_tls_first,  # it does not see TLS that was there first
            **later,
        )

    async def handle_RCPT(self, _server: t.Any, _session: t.Any, envelope: t.Any, address: str, _options: t.Any) -> str:  # noqa: N802
        if address == REFUSED:
            return "550 nobody lives there"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: t.Any, _session: t.Any, envelope: t.Any) -> str:  # noqa: N802
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        self.mails.append(t.cast(EmailMessage, mail))
        self.has_tls.append(server.transport.get_extra_info("sslcontext") is not None)
        return "250 taken"

    def _authenticate(self, _server: t.Any, _session: t.Any, _envelope: t.Any, _mechanism: str, data: t.Any) -> AuthResult:
        is_good = isinstance(data, LoginPassword) and (data.login, data.password) == (USER.encode(), PASSWORD.encode())
        self.logins.append(is_good)
        return AuthResult(success=is_good, handled=False)


@contextlib.contextmanager
def mail_server(authority: trustme.CA | None = None, *, is_tls_first: bool = False, wants_login: bool = False) -> t.Iterator[MailServer]:
    """With an authority it speaks TLS, from the beginning or by STARTTLS, which it insists on."""
    tls = None
    if authority is not None:
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        authority.issue_cert("127.0.0.1").configure_cert(tls)
    server = MailServer(tls=tls, is_tls_first=is_tls_first, wants_login=wants_login)
    server.start()
    try:
        yield server
    finally:
        server.stop()


class WebServer(http.server.ThreadingHTTPServer):
    """C(posts) are the path, the headers and the document of each request, C(answers) what it says to them, 204 after the last."""

    def __init__(self, answers: t.Iterable[int]) -> None:
        self.posts: list[tuple[str, dict[str, str], dict[str, t.Any]]] = []
        self.answers = list(answers)
        super().__init__(("127.0.0.1", 0), _Answers)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/secret-path"


class _Answers(http.server.BaseHTTPRequestHandler):
    server: WebServer

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.posts.append((self.path, dict(self.headers), body))
        status = self.server.answers.pop(0) if self.server.answers else 204
        self.send_response(status)
        if 300 <= status < 400:
            self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_arguments: object) -> None:
        """Quiet."""


@contextlib.contextmanager
def web_server(*answers: int) -> t.Iterator[WebServer]:
    server = WebServer(answers)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def authority_file(folder: Path) -> tuple[trustme.CA, str]:
    """A certificate authority, and the file that says so."""
    authority = trustme.CA()
    path = folder / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return authority, str(path)


def free_port() -> int:
    """Free at the moment of asking."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

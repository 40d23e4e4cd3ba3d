# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hands a notice to a mail server (RFC 5321, STARTTLS as in RFC 3207).

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import dataclasses
import email.message
import email.utils
import smtplib
import ssl
import typing as t
from dataclasses import dataclass
from datetime import datetime

from .._errors import BackupError, InputError
from .notices import Notice

STARTTLS, TLS, NONE = "starttls", "tls", "none"
SECURITIES = (STARTTLS, TLS, NONE)
_PORTS = {STARTTLS: 587, TLS: 465, NONE: 25}
_TIMEOUT = 30.0


class MailRefused(BackupError):
    """The mail server did not take the mail."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MailServer:
    """C(port) None: the usual one. C(ca_file) None: the certificates that the host trusts."""

    host: str
    port: int | None = None
    security: str = STARTTLS
    user: str | None = None
    password: str | None = dataclasses.field(default=None, repr=False)
    ca_file: str | None = None

    @property
    def address(self) -> str:
        return f"{self.host}:{self.port or _PORTS[self.security]}"

    def check(self) -> None:
        """Raises InputError when a password would go over the network in clear."""
        if self.user and self.security == NONE:
            raise InputError(
                "The password for the mail server would go over the network in clear.",
                hint="Use smtp_security starttls or tls, or leave smtp_user out.",
            )


def send_mail(server: MailServer, sender: str, recipients: t.Sequence[str], notice: Notice, now: datetime) -> tuple[str, ...]:
    """The recipients whom the server refused while it took others. Raises InputError, MailRefused."""
    server.check()
    try:
        message = _message(sender, recipients, notice, now)
        with _connected(server) as session:
            if server.user:
                session.login(server.user, server.password or "")
            return tuple(sorted(session.send_message(message)))
    except smtplib.SMTPAuthenticationError as error:
        raise _refused(server, f"it does not accept the user {server.user} (code {error.smtp_code})") from None
    except smtplib.SMTPRecipientsRefused:
        raise _refused(server, f"it takes no mail for {', '.join(recipients)}") from None
    except smtplib.SMTPResponseException as error:
        raise _refused(server, f"it answered {error.smtp_code} {_text(error.smtp_error)}") from error
    except ssl.SSLError as error:
        raise _refused(server, f"no TLS is possible: {error.reason or error}") from error
    except smtplib.SMTPException as error:
        raise _refused(server, str(error)) from error
    except OSError as error:
        raise _refused(server, error.strerror or str(error)) from error
    except ValueError as error:
        raise InputError(f"The mail cannot be written: {error}.", hint="Check mail_from and mail_to.") from error


def _connected(server: MailServer) -> smtplib.SMTP:
    port = server.port or _PORTS[server.security]
    context = ssl.create_default_context(cafile=server.ca_file) if server.security != NONE else None
    if server.security == TLS:
        return smtplib.SMTP_SSL(server.host, port, timeout=_TIMEOUT, context=context)
    session = smtplib.SMTP(server.host, port, timeout=_TIMEOUT)
    if server.security == STARTTLS:
        try:
            session.starttls(context=context)
        except BaseException:
            session.close()
            raise
    return session


def _message(sender: str, recipients: t.Sequence[str], notice: Notice, now: datetime) -> email.message.EmailMessage:
    message = email.message.EmailMessage()
    message["Subject"] = notice.subject
    message["From"] = sender
    message["To"] = ", ".join(recipients)
    message["Date"] = email.utils.format_datetime(now)
    message["Message-ID"] = email.utils.make_msgid(domain=sender.rpartition("@")[2].strip("> ") or None)
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's out-of-office answers it
    message.set_content(notice.body)
    return message


def _refused(server: MailServer, why: str) -> MailRefused:
    return MailRefused(
        f"The mail server {server.address} did not take the mail: {why}.",
        hint="Check smtp_host, smtp_port, smtp_security, the user and its password, and who may send through it.",
    )


def _text(said: bytes | str) -> str:
    return said.decode("utf-8", "replace") if isinstance(said, bytes) else said

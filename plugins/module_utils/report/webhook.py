# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Posts a notice as JSON to a web address, as chats and incident services take it.

The address is a secret in most of them: whoever knows it may post. So no error names more of it than the host.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import dataclasses
import typing as t
import urllib.parse
from dataclasses import dataclass

from .. import _deps
from .._errors import BackupError, InputError
from .notices import Notice

_TIMEOUT = 15.0
_PAUSES = (2.0, 8.0)
_BUSY = (408, 425, 429)


class WebhookRefused(BackupError):
    """The notice could not be posted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """C(token) is sent as a bearer token. C(ca_file) None: the public certificate authorities."""

    url: str = dataclasses.field(repr=False)
    token: str | None = dataclasses.field(default=None, repr=False)
    ca_file: str | None = None

    @property
    def host(self) -> str:
        """What may be shown. Raises InputError for what is no address."""
        try:
            parts = urllib.parse.urlsplit(self.url)
            name = parts.hostname
        except ValueError:
            name = None
        if name is None or parts.scheme not in ("http", "https"):
            raise InputError("The address of the webhook is none.", hint="Let it begin with https:// and name a host.")
        return name

    @property
    def is_readable_by_others(self) -> bool:
        """Whether address and token go over a network in clear."""
        return self.url.startswith("http://") and self.host not in ("localhost", "127.0.0.1", "::1")


def post_notice(webhook: Webhook, notice: Notice, sleep: t.Callable[[float], None]) -> None:
    """Try three times where that may help. No redirect is followed. Raises InputError, WebhookRefused."""
    document = {"text": f"{notice.subject}\n\n{notice.body}", **notice.document}
    for pause in (*_PAUSES, None):
        problem = _post(webhook, document)
        if problem is None:
            return
        if not problem.is_temporary or pause is None:
            raise WebhookRefused(
                f"The webhook at {webhook.host} did not take the notice: {problem.why}.",
                hint="Check the address and the token in their files, the certificate (ca_file) and the way there.",
            )
        sleep(pause)


class _Problem(t.NamedTuple):
    why: str
    is_temporary: bool


def _post(webhook: Webhook, document: dict[str, t.Any]) -> _Problem | None:
    requests = _deps.requests
    headers = {} if webhook.token is None else {"Authorization": f"Bearer {webhook.token}"}
    host = webhook.host
    try:
        answer = requests.post(
            webhook.url,
            json=document,
            headers=headers,
            timeout=_TIMEOUT,
            verify=webhook.ca_file or True,
            allow_redirects=False,
            auth=_as_it_is,
        )
        answer.close()
    except requests.exceptions.SSLError:
        return _Problem(f"the certificate of {host} is not trusted, or it speaks no TLS", False)
    except requests.exceptions.Timeout:
        return _Problem("it did not answer in time", True)
    except requests.exceptions.ConnectionError:
        return _Problem("it cannot be reached", True)
    except (requests.exceptions.RequestException, OSError, ValueError) as error:
        return _Problem(error.__class__.__name__, False)
    if 200 <= answer.status_code < 300:
        return None
    return _Problem(f"it answered HTTP {answer.status_code}", answer.status_code in _BUSY or answer.status_code >= 500)


def _as_it_is(request: t.Any) -> t.Any:
    """Keeps the library from taking a password for the host out of C(.netrc)."""
    return request

# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The wire of the control API: JSON over plain HTTP on loopback, one connection per thread."""

from __future__ import annotations

import http.client
import json
import threading
import typing as t
from urllib.parse import urlsplit


class TenantControlError(Exception):
    """The tenant refused an operation, or does not run any more."""


class ControlConnection:
    """Calls operations by name. Raises TenantControlError."""

    def __init__(self, url: str) -> None:
        self._host = urlsplit(url).netloc
        self._local = threading.local()

    def _call(self, operation: str, **arguments: t.Any) -> t.Any:
        body = json.dumps(arguments).encode()
        for attempt in (1, 2):
            connection = getattr(self._local, "connection", None)
            if connection is None:
                connection = self._local.connection = http.client.HTTPConnection(self._host, timeout=600)
            try:
                connection.request("POST", f"/{operation}", body, {"Content-Type": "application/json"})
                content = json.loads(connection.getresponse().read())
                break
            except (http.client.HTTPException, OSError) as error:
                connection.close()
                self._local.connection = None
                if attempt == 2 or not isinstance(error, (http.client.RemoteDisconnected, BrokenPipeError)):
                    raise TenantControlError(f"the tenant at {self._host} does not answer {operation}: {error}") from error
        if "error" in content:
            raise TenantControlError(f"{operation}: {content['error']}")
        return content["result"]

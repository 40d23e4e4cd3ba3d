# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A plain HTTP client for the tenant's own tests: no retries, no interpretation."""

from __future__ import annotations

import dataclasses
import json
import typing as t
from urllib.parse import quote

import urllib3

if t.TYPE_CHECKING:
    from tenant.harness import RunningTenant

GRAPH = "https://graph.microsoft.com/v1.0"
LOGIN = "https://login.microsoftonline.com"
IMMUTABLE = 'IdType="ImmutableId"'


@dataclasses.dataclass(frozen=True)
class Reply:
    """An HTTP answer, body read."""

    status: int
    headers: t.Mapping[str, str]
    body: bytes

    def json(self) -> t.Any:
        return json.loads(self.body)

    @property
    def error(self) -> dict[str, t.Any]:
        error = self.json()["error"]
        assert isinstance(error, dict)
        return error

    @property
    def code(self) -> str:
        return str(self.error["code"])


class Client:
    """Talks to the tenant through its proxy, as any client would."""

    def __init__(self, tenant: RunningTenant) -> None:
        self.tenant = tenant
        self.pool = urllib3.ProxyManager(tenant.proxy_url, ca_certs=str(tenant.ca_bundle), maxsize=32)
        self.token = self.log_in()

    def log_in(self, **changes: str) -> str:
        reply = self.ask_for_token(**changes)
        assert reply.status == 200, reply.body
        return str(reply.json()["access_token"])

    def ask_for_token(self, *, tenant_name: str | None = None, login: str = LOGIN, **changes: str | None) -> Reply:
        form: dict[str, str | None] = {
            "client_id": self.tenant.client_id,
            "client_secret": self.tenant.client_secret,
            "grant_type": "client_credentials",
            "scope": "https://graph.microsoft.com/.default",
            **changes,
        }
        url = f"{login}/{tenant_name or self.tenant.tenant_id}/oauth2/v2.0/token"
        body = "&".join(f"{name}={quote(value, safe='')}" for name, value in form.items() if value is not None)
        return self.raw("POST", url, body.encode(), {"Content-Type": "application/x-www-form-urlencoded"})

    def raw(self, method: str, url: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> Reply:
        reply = self.pool.request(method, url, body=body, headers=headers or {}, retries=False, redirect=False, timeout=30)
        return Reply(reply.status, reply.headers, reply.data)

    def call(
        self,
        method: str,
        path: str,
        value: t.Any = None,
        *,
        prefer: str | None = None,
        body: bytes | None = None,
        token: str | None = None,
        **headers: str,
    ) -> Reply:
        """A request with the token; C(path) below v1.0, or a whole link; C(value) is sent as JSON."""
        sent = {"Authorization": f"Bearer {token or self.token}", **{name.replace("_", "-"): text for name, text in headers.items()}}
        if prefer is not None:
            sent["Prefer"] = prefer
        if value is not None:
            body = json.dumps(value).encode()
            sent["Content-Type"] = "application/json"
        return self.raw(method, path if path.startswith("https://") else GRAPH + path, body, sent)

    def get(self, path: str, **options: t.Any) -> Reply:
        return self.call("GET", path, **options)

    def page(self, path: str, **options: t.Any) -> dict[str, t.Any]:
        reply = self.get(path, **options)
        assert reply.status == 200, (reply.status, reply.body[:500])
        value = reply.json()
        assert isinstance(value, dict)
        return value

    def round(self, path: str, **options: t.Any) -> tuple[list[dict[str, t.Any]], str]:
        """A whole delta round: all entries, and the delta link."""
        entries: list[dict[str, t.Any]] = []
        while True:
            page = self.page(path, **options)
            entries += page["value"]
            if "@odata.deltaLink" in page:
                return entries, page["@odata.deltaLink"]
            path = page["@odata.nextLink"]

    def all(self, path: str, **options: t.Any) -> list[dict[str, t.Any]]:
        """A whole list, page after page."""
        entries: list[dict[str, t.Any]] = []
        link: str | None = path
        while link is not None:
            page = self.page(link, **options)
            entries += page["value"]
            link = page.get("@odata.nextLink")
        return entries

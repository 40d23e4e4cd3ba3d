# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""App registrations and the access tokens they were given."""

from __future__ import annotations

import base64
import dataclasses
import json
import secrets
import time
import typing as t

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from .call import GraphError
from .ids import stable_guid

if t.TYPE_CHECKING:
    from cryptography import x509

DEFAULT_ROLES = (
    "User.Read.All",
    "Group.Read.All",
    "GroupMember.Read.All",
    "AdministrativeUnit.Read.All",
    "Directory.Read.All",
    "Mail.ReadWrite",
    "Calendars.ReadWrite",
    "Contacts.ReadWrite",
    "Tasks.Read.All",
    "MailboxSettings.ReadWrite",
    "MailboxFolder.ReadWrite.All",
    "MailboxItem.ReadWrite.All",
    "MailboxItem.ImportExport.All",
    "Files.ReadWrite.All",
    "Sites.FullControl.All",
    "Reports.Read.All",
)
DELEGATED = frozenset({"Files.ReadWrite.All", "Sites.ReadWrite.All", "User.Read"})
GRAPH_APP_ID = "00000003-0000-0000-c000-000000000000"


@dataclasses.dataclass(slots=True)
class App:
    """An app registration with admin consent to C(roles)."""

    client_id: str
    secrets: set[str] = dataclasses.field(default_factory=set)
    expired_secrets: set[str] = dataclasses.field(default_factory=set)
    certificates: list[x509.Certificate] = dataclasses.field(default_factory=list)
    roles: frozenset[str] = frozenset(DEFAULT_ROLES)
    disabled: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Issued:
    """What the tenant remembers of a token."""

    app: App
    roles: frozenset[str]
    audience: str
    issued_at: float
    expires_at: float
    epoch: int
    user_id: str = ""  # of a user who signed in; empty for an app


class Tokens:
    """Issues tokens (real JWTs) and judges them by its own memory."""

    def __init__(self, tenant_id: str) -> None:
        self.tenant_id = tenant_id
        self.lifetime = self.usual_lifetime = 3599.0
        self.apps: dict[str, App] = {}
        self.refresh_tokens: dict[str, str] = {}  # of users who signed in, by the token
        self._epoch = 0
        self._issued: dict[str, Issued] = {}
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def issue(self, app: App, graph_host: str, authority_host: str, user_id: str = "") -> str:
        """A token for C(https://graph_host), for the app itself or for a user of it."""
        now = time.time()
        expires = now + self.lifetime
        claims = {
            "aud": f"https://{graph_host}",
            "iss": f"https://sts.windows.net/{self.tenant_id}/",
            "iat": int(now),
            "nbf": int(now),
            "exp": int(expires),
            "appid": app.client_id,
            "appidacr": "1",
            "idtyp": "user" if user_id else "app",
            "oid": user_id or stable_guid("servicePrincipal", app.client_id),
            **({"scp": " ".join(sorted(app.roles))} if user_id else {"roles": sorted(app.roles)}),
            "tid": self.tenant_id,
            "uti": secrets.token_urlsafe(16),
            "ver": "1.0",
            "authority": authority_host,
        }
        head = {"typ": "JWT", "alg": "RS256", "kid": self.tenant_id}
        signed = ".".join(encode_part(json.dumps(part).encode()) for part in (head, claims))
        signature = self._key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        token = f"{signed}.{encode_part(signature)}"
        self._issued[token] = Issued(app, app.roles, graph_host, now, expires, self._epoch, user_id)
        return token

    def sign_in(self, user_id: str) -> str:
        """A refresh token for a user, as a sign-in in a browser gives it."""
        token = f"0.{secrets.token_urlsafe(30)}"
        self.refresh_tokens[token] = user_id
        return token

    def judge(self, authorization: str | None, graph_host: str) -> Issued:
        """The token behind an Authorization header. Raises GraphError 401 (facts C4)."""
        if not authorization:
            raise unauthorized("Access token is empty.", "")
        scheme, _space, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise unauthorized("Access token is empty.", "")
        issued = self._issued.get(token)
        if issued is None:
            text = (
                "CompactToken parsing failed with error code: 80049217"
                if token.count(".") != 2
                else "IDX14100: JWT is not well formed, there are no dots (.)."
            )
            raise unauthorized(text, 'error="invalid_token"')
        if issued.audience != graph_host:
            raise unauthorized("Access token validation failure. Invalid audience.", 'error="invalid_token"')
        if issued.epoch != self._epoch or issued.expires_at <= time.time():
            raise unauthorized("Lifetime validation failed, the token is expired.", 'error="invalid_token"')
        return issued

    def expire_all(self) -> None:
        """Every token issued until now is expired."""
        self._epoch += 1

    def public_numbers(self) -> tuple[str, str]:
        """(n, e) of the signing key, base64url, for the key set document."""
        numbers = self._key.public_key().public_numbers()
        return tuple(encode_part(value.to_bytes((value.bit_length() + 7) // 8, "big")) for value in (numbers.n, numbers.e))  # type: ignore[return-value]


def encode_part(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def unauthorized(message: str, error: str) -> GraphError:
    """The 401 of Graph with its challenge."""
    challenge = (
        f'Bearer realm="", authorization_uri="https://login.microsoftonline.com/common/oauth2/authorize", client_id="{GRAPH_APP_ID}"'
        + (f", {error}" if error else "")
    )
    return GraphError(401, "InvalidAuthenticationToken", message, headers={"www-authenticate": challenge})

# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Client assertions: signature and claims checked against the certificates registered for an app."""

from __future__ import annotations

import base64
import binascii
import json
import time
import typing as t

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

if t.TYPE_CHECKING:
    from collections.abc import Collection

    from .tokens import App

_SKEW_SECONDS = 300


class AssertionRefused(Exception):
    """Why an assertion is not accepted; C(number) is the AADSTS number."""

    def __init__(self, number: int, text: str) -> None:
        super().__init__(text)
        self.number = number


def check_assertion(assertion: str, app: App, audiences: Collection[str]) -> None:
    """Accepts RS256 and PS256 assertions signed by a registered certificate. Raises AssertionRefused."""
    try:
        head_text, claims_text, signature_text = assertion.split(".")
        head = json.loads(_part(head_text))
        claims = json.loads(_part(claims_text))
        signature = _part(signature_text)
    except (ValueError, binascii.Error):
        raise AssertionRefused(50027, "JWT token is invalid or malformed.") from None
    algorithm = head.get("alg")
    scheme: padding.AsymmetricPadding
    if algorithm == "RS256":
        scheme = padding.PKCS1v15()
    elif algorithm == "PS256":
        scheme = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)
    else:
        raise AssertionRefused(5002738, f"Invalid JWT token. Unsupported algorithm '{algorithm}'.")
    if not any(_signed_by(certificate.public_key(), signature, f"{head_text}.{claims_text}", scheme) for certificate in _named(app, head)):
        raise AssertionRefused(
            700027, "Client assertion contains an invalid signature. The key was not found, or is not registered on the application."
        )
    if claims.get("iss") != app.client_id or claims.get("sub") != app.client_id:
        raise AssertionRefused(700021, "Client assertion application identifier doesn't match 'client_id' parameter.")
    if claims.get("aud") not in audiences:
        raise AssertionRefused(
            700023, f"Client assertion audience claim does not match Realm issuer. The audience was '{claims.get('aud')}'."
        )
    now = time.time()
    if not (_number(claims.get("nbf"), now) - _SKEW_SECONDS <= now <= _number(claims.get("exp"), 0.0) + _SKEW_SECONDS):
        raise AssertionRefused(700024, "Client assertion is not within its valid time range.")


def _named(app: App, head: dict[str, t.Any]) -> list[t.Any]:
    """Certificates that the header's thumbprint names; without a thumbprint all of them."""
    wanted = {name: head[name] for name in ("x5t", "x5t#S256") if name in head}
    if not wanted:
        return list(app.certificates)
    kinds: dict[str, hashes.HashAlgorithm] = {"x5t": hashes.SHA1(), "x5t#S256": hashes.SHA256()}
    return [
        certificate
        for certificate in app.certificates
        if any(certificate.fingerprint(kinds[name]) == _part(str(value)) for name, value in wanted.items())
    ]


def _signed_by(key: t.Any, signature: bytes, text: str, scheme: padding.AsymmetricPadding) -> bool:
    if not isinstance(key, rsa.RSAPublicKey):
        return False
    try:
        key.verify(signature, text.encode(), scheme, hashes.SHA256())
    except InvalidSignature:
        return False
    return True


def _part(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _number(value: t.Any, default: float) -> float:
    return float(value) if isinstance(value, (int, float)) else default

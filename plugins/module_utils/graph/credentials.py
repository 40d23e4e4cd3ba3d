# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ways to prove who the app is. Each is checked completely before anything goes over the network.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import dataclasses
import datetime
import typing as t

from .. import _deps
from .._errors import InputError

if t.TYPE_CHECKING:
    from cryptography import x509


class Credential(t.Protocol):
    """One way to log in as an application."""

    def check(self, now: datetime.datetime) -> None:
        """:raises InputError: it cannot work."""

    def for_msal(self) -> t.Any:
        """What MSAL takes as C(client_credential)."""


@dataclasses.dataclass(frozen=True, slots=True)
class SecretCredential:
    """A client secret of the app registration: its value, not its id."""

    secret: str = dataclasses.field(repr=False)

    def check(self, now: datetime.datetime) -> None:
        if not self.secret.strip():
            raise InputError("The client secret is empty.", hint="Give the value of a client secret of the app registration.")
        if self.secret != self.secret.strip():
            raise InputError("The client secret begins or ends with white space.", hint="Remove the line break or the spaces around it.")

    def for_msal(self) -> str:
        return self.secret


@dataclasses.dataclass(frozen=True, slots=True)
class CertificateCredential:
    """A file with private key and certificate: PEM with both, or PKCS #12 (.pfx, .p12)."""

    path: str
    passphrase: str | None = dataclasses.field(default=None, repr=False)

    def check(self, now: datetime.datetime) -> None:
        _key, certificate = self._load()
        if certificate.not_valid_after_utc <= now:
            raise InputError(
                f"The certificate in {self.path} expired on {certificate.not_valid_after_utc:%Y-%m-%d %H:%M} UTC.",
                hint="Create a new certificate and add it to the app registration.",
            )
        if certificate.not_valid_before_utc > now:
            raise InputError(
                f"The certificate in {self.path} is valid only from {certificate.not_valid_before_utc:%Y-%m-%d %H:%M} UTC on.",
                hint="Check the clock of this machine.",
            )

    def for_msal(self) -> dict[str, str]:
        key, certificate = self._load()
        serialization = _deps.serialization
        return {
            "private_key": key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            ).decode("ascii"),
            "public_certificate": certificate.public_bytes(serialization.Encoding.PEM).decode("ascii"),
        }

    def _load(self) -> tuple[t.Any, x509.Certificate]:
        try:
            with open(self.path, "rb") as file:
                content = file.read(1 << 20)
        except OSError as error:
            raise InputError(
                f"The certificate file {self.path} cannot be read: {error.strerror}.", hint="Correct the path or its permissions."
            ) from None
        passphrase = self.passphrase.encode() if self.passphrase else None
        key, certificate = self._from_pem(content, passphrase) if b"-----BEGIN" in content else self._from_pkcs12(content, passphrase)
        if not hasattr(key, "private_numbers") or key.public_key().public_numbers() != _public_numbers(certificate):
            raise InputError(
                f"The private key in {self.path} does not belong to the certificate in it.",
                hint="Put the matching private key and certificate into one file.",
            )
        return key, certificate

    def _from_pem(self, content: bytes, passphrase: bytes | None) -> tuple[t.Any, x509.Certificate]:
        blocks = content.split(b"-----BEGIN CERTIFICATE-----")
        if len(blocks) < 2:
            raise InputError(f"The file {self.path} holds no certificate.", hint="Append the certificate in PEM form to the private key.")
        if b"PRIVATE KEY-----" not in content:
            raise InputError(f"The file {self.path} holds no private key.", hint="Put the private key in PEM form into the same file.")
        try:
            certificate = _deps.x509.load_pem_x509_certificate(b"-----BEGIN CERTIFICATE-----" + blocks[1])
            is_encrypted = b"ENCRYPTED" in content
            key = _deps.serialization.load_pem_private_key(content, passphrase if is_encrypted else None)
        except (ValueError, TypeError):
            raise self._unusable() from None
        return key, certificate

    def _from_pkcs12(self, content: bytes, passphrase: bytes | None) -> tuple[t.Any, x509.Certificate]:
        try:
            key, certificate, _others = _deps.pkcs12.load_key_and_certificates(content, passphrase)
        except (ValueError, TypeError):
            raise self._unusable() from None
        if key is None or certificate is None:
            raise InputError(f"The file {self.path} lacks the private key or the certificate.", hint="Export both into one PFX file.")
        return key, certificate

    def _unusable(self) -> InputError:
        wanted = "the passphrase is wrong or " if self.passphrase else "it needs a passphrase or "
        return InputError(
            f"The certificate file {self.path} cannot be opened: {wanted}it is damaged.",
            hint="Check the option certificate_passphrase, and that the file is PEM or PFX.",
        )


def _public_numbers(certificate: x509.Certificate) -> object:
    return getattr(certificate.public_key(), "public_numbers", lambda: None)()

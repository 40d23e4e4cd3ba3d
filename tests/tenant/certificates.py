# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tenant's certificate authority, and the certificate with which an app may log in."""

from __future__ import annotations

import datetime
import typing as t

import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from .hosts import ALL_HOSTS

if t.TYPE_CHECKING:
    from pathlib import Path


class ServerFiles(t.NamedTuple):
    """Files of the TLS listener."""

    ca_bundle: Path
    certificate: Path
    key: Path


def write_server_files(folder: Path) -> ServerFiles:
    """A new authority and a listener certificate for all host names."""
    authority = trustme.CA(organization_name="Test tenant")
    issued = authority.issue_cert(*sorted(ALL_HOSTS), "localhost", "127.0.0.1")
    files = ServerFiles(folder / "ca.pem", folder / "listener.pem", folder / "listener.key")
    authority.cert_pem.write_to_path(str(files.ca_bundle))
    files.certificate.write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
    files.key.touch(mode=0o600)
    issued.private_key_pem.write_to_path(str(files.key))
    return files


class AppCertificate(t.NamedTuple):
    """A certificate for client assertions; C(pem) holds the private key and the certificate."""

    certificate: x509.Certificate
    pem: bytes

    @property
    def thumbprint(self) -> str:
        return self.certificate.fingerprint(hashes.SHA1()).hex().upper()


def make_app_certificate(name: str = "backup app") -> AppCertificate:
    """A self-signed certificate with an RSA key."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    today = datetime.datetime.now(datetime.timezone.utc)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - datetime.timedelta(days=1))
        .not_valid_after(today + datetime.timedelta(days=365))
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return AppCertificate(certificate, pem + certificate.public_bytes(serialization.Encoding.PEM))

# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is checked before a login, and what a refused one says."""

from __future__ import annotations

import base64
import datetime
import json
import pathlib

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st
from unit.plugins.module_utils.graph.fakes import FakeClock

from ansible_collections.tenantvault.m365_backup.plugins.module_utils._errors import InputError
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.credentials import CertificateCredential, SecretCredential
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.errors import (
    AuthenticationFailed,
    Cancelled,
    ServiceUnavailable,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.limiter import Limiter
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.login_errors import (
    failed_login_service,
    refused_discovery,
    refused_login,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.network import resolve_network
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.settings import ConnectionSettings
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.tokens import MsalTokenProvider, challenged_claims
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.traffic import Meter

NOW = datetime.datetime(2026, 11, 23, tzinfo=datetime.timezone.utc)
WHO = "application a in tenant t"
GUID = "11111111-2222-3333-4444-555555555555"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PEM, PKCS8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8


def certificate(key: rsa.RSAPrivateKey = KEY, *, start: int = -10, end: int = 10) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "backup")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(7)
    days = [NOW + datetime.timedelta(days=offset) for offset in (start, end)]
    return builder.not_valid_before(days[0]).not_valid_after(days[1]).sign(key, hashes.SHA256())


def key_pem(key: rsa.RSAPrivateKey = KEY, passphrase: bytes | None = None) -> bytes:
    encryption = serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption()
    return key.private_bytes(PEM, PKCS8, encryption)


def written(folder: pathlib.Path, content: bytes, name: str = "app.pem") -> str:
    (folder / name).write_bytes(content)
    return str(folder / name)


@pytest.mark.parametrize("is_certificate_first", [True, False])
@pytest.mark.parametrize("passphrase", [None, "päss"])
def test_a_pem_file_with_key_and_certificate_is_taken(tmp_path: pathlib.Path, passphrase: str | None, is_certificate_first: bool) -> None:
    parts = [key_pem(passphrase=passphrase.encode() if passphrase else None), certificate().public_bytes(PEM)]
    credential = CertificateCredential(written(tmp_path, b"".join(reversed(parts) if is_certificate_first else parts)), passphrase)
    credential.check(NOW)
    given_to_msal = credential.for_msal()
    assert given_to_msal["private_key"].encode() == key_pem()
    assert given_to_msal["public_certificate"].encode() == certificate().public_bytes(PEM)


@pytest.mark.parametrize("passphrase", [None, "secret words"])
def test_a_pfx_file_is_taken(tmp_path: pathlib.Path, passphrase: str | None) -> None:
    encryption = serialization.BestAvailableEncryption(passphrase.encode()) if passphrase else serialization.NoEncryption()
    content = pkcs12.serialize_key_and_certificates(b"app", KEY, certificate(), None, encryption)
    credential = CertificateCredential(written(tmp_path, content, "app.pfx"), passphrase)
    credential.check(NOW)
    assert credential.for_msal()["private_key"].encode() == key_pem()


@pytest.mark.parametrize(
    ("content", "passphrase", "words"),
    [
        (key_pem(), None, "holds no certificate"),
        (certificate().public_bytes(PEM), None, "holds no private key"),
        (key_pem(OTHER_KEY) + certificate().public_bytes(PEM), None, "does not belong to the certificate"),
        (key_pem(passphrase=b"right") + certificate().public_bytes(PEM), "wrong", "passphrase is wrong"),
        (key_pem(passphrase=b"right") + certificate().public_bytes(PEM), None, "needs a passphrase"),
        (key_pem() + certificate(start=-20, end=-10).public_bytes(PEM), None, "expired on 2026-11-13"),
        (key_pem() + certificate(start=5).public_bytes(PEM), None, "valid only from 2026-11-28"),
        (b"not a key at all", None, "damaged"),
        (b"", None, "damaged"),
    ],
)
def test_a_certificate_that_cannot_work_is_told_before_anything_is_sent(
    tmp_path: pathlib.Path, content: bytes, passphrase: str | None, words: str
) -> None:
    with pytest.raises(InputError, match=words) as caught:
        CertificateCredential(written(tmp_path, content), passphrase).check(NOW)
    assert caught.value.hint
    assert "wrong" not in str(caught.value).replace("passphrase is wrong", "")


def test_a_missing_certificate_file_is_named() -> None:
    with pytest.raises(InputError, match=r"/nowhere/app\.pem cannot be read: No such file"):
        CertificateCredential("/nowhere/app.pem").check(NOW)


@pytest.mark.parametrize("secret", ["", "  ", "abc\n", " abc"])
def test_a_secret_that_cannot_be_one_is_refused_without_showing_it(secret: str) -> None:
    with pytest.raises(InputError) as caught:
        SecretCredential(secret).check(NOW)
    assert "abc" not in str(caught.value)


def test_secrets_are_not_shown_by_settings() -> None:
    settings = ConnectionSettings(
        tenant_id=GUID, client_id=GUID, credential=SecretCredential("hush"), proxy="http://u:hush@proxy:1", environment={"X": "hush"}
    )
    assert "hush" not in repr(settings)
    assert "hush" not in repr(CertificateCredential("p", "hush"))


@pytest.mark.parametrize(("tenant", "client"), [("common/../x", GUID), ("", GUID), ("organizations", GUID), (GUID, "my app"), (GUID, "")])
def test_ids_that_cannot_be_ids_are_refused(tenant: str, client: str) -> None:
    with pytest.raises(InputError):
        ConnectionSettings(tenant_id=tenant, client_id=client, credential=SecretCredential("s"), environment={}).check(NOW)


@pytest.mark.parametrize("tenant", [GUID, "contoso.onmicrosoft.com", "example.org"])
def test_a_tenant_is_named_by_id_or_domain(tenant: str) -> None:
    ConnectionSettings(tenant_id=tenant, client_id=GUID, credential=SecretCredential("s"), environment={}).check(NOW)


@pytest.mark.parametrize(
    ("number", "words", "hint"),
    [
        (7000215, "the client secret is wrong", "value"),
        (7000222, "the client secret has expired", "Create a new client secret"),
        (700027, "the certificate is not registered", "Upload the certificate"),
        (700024, "dated in the past or the future", "clock"),
        (700016, "no application with this client id", "client_id"),
        (7000229, "no service principal", "consent"),
        (65001, "nobody has consented", "consent"),
        (7000112, "the application is disabled", "enable"),
        (90002, "no such tenant", "tenant_id"),
        (900023, "the tenant id is malformed", "tenant_id"),
        (900432, "another cloud", "cloud"),
        (500014, "lapsed", "subscription"),
        (53003, "conditional access", "policy"),
        (9999999, "the login service said invalid_client", "https://login.microsoftonline.com/error"),
    ],
)
def test_a_refused_login_has_one_sentence_and_one_hint(number: int, words: str, hint: str) -> None:
    trace = "0f3f45f5-0000-1111-2222-333344445555"
    text = f"AADSTS{number}: Something long. Trace ID: {trace} Correlation ID: x Timestamp: 2026-01-01 00:00:00Z"
    fault = refused_login({"error": "invalid_client", "error_description": text, "error_codes": [number]}, WHO)
    assert fault.error.__class__ is AuthenticationFailed
    assert not fault.is_temporary
    assert str(fault.error).startswith(f"Microsoft Entra refused the login of {WHO}: ")
    assert words in fault.error.what
    assert f"(AADSTS{number}, trace id {trace})" in fault.error.what
    assert hint in fault.error.hint


@pytest.mark.parametrize("result", [{"error": "temporarily_unavailable"}, {"error": "x", "error_description": "AADSTS90033: later"}])
def test_a_login_service_in_trouble_is_temporary(result: dict[str, str]) -> None:
    fault = refused_login(result, WHO)
    assert fault.is_temporary
    assert fault.error.__class__ is ServiceUnavailable


def test_an_unknown_tenant_is_found_out_during_discovery() -> None:
    fault = refused_discovery('OIDC Discovery failed. HTTP status: 400, Error: {"error_description":"AADSTS90002: Tenant not found."}', WHO)
    assert "no such tenant exists (AADSTS90002" in fault.error.what
    assert not fault.is_temporary


def test_a_failing_login_service_is_named_with_its_status() -> None:
    fault = failed_login_service("HTTP Error: 503", WHO)
    assert (fault.is_temporary, fault.error.status) == (True, 503)


@given(
    st.dictionaries(
        st.sampled_from(["error", "error_description", "error_codes", "trace_id"]), st.none() | st.text() | st.lists(st.integers())
    )
)
def test_any_refusal_of_a_login_is_taken(result: dict[str, object]) -> None:
    assert refused_login(result, WHO).error.what


def test_claims_are_decoded_from_a_challenge() -> None:
    claims = json.dumps({"access_token": {"nbf": {"essential": True, "value": "1?>"}}})
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        encoded = encode(claims.encode()).decode()
        assert challenged_claims(f'Bearer error="insufficient_claims", claims="{encoded}"') == claims
        assert challenged_claims(f'Bearer error="insufficient_claims", claims="{encoded.rstrip("=")}"') == claims


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        'Bearer error="invalid_token"',
        'Bearer error="insufficient_claims"',
        'insufficient_claims claims="!"',
        'insufficient_claims claims="YWJj"',
    ],
)
def test_what_is_no_challenge_gives_no_claims(header: str | None) -> None:
    assert challenged_claims(header) is None


def test_after_a_cancel_nobody_logs_in_any_more() -> None:
    clock = FakeClock()
    limiter, meter = Limiter(clock), Meter()
    settings = ConnectionSettings(tenant_id=GUID, client_id=GUID, credential=SecretCredential("s"), environment={})
    network = resolve_network(proxy="http://127.0.0.1:9", ca_bundle=None, environment={})
    provider = MsalTokenProvider(settings, network, limiter=limiter, meter=meter, clock=clock, random=lambda: 0.0)
    limiter.cancel()
    with pytest.raises(Cancelled):
        provider.token()
    assert meter.traffic(0.0).requests == {}

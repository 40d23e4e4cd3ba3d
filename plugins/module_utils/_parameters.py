# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the options that modules share mean: connections, secrets, credentials and places, read from a task and its environment.

Options that exclude one another (the ways to log in, the two ways to give a passphrase) have no C(fallback): their
variables of the environment are looked at only when the task gives none of them. With fallbacks, a variable that an
execution environment happens to set would contradict the task.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import os
import typing as t
from pathlib import Path

from ._errors import InputError
from .graph.client import GraphClient, connect
from .graph.clouds import CLOUDS
from .graph.credentials import CertificateCredential, SecretCredential
from .graph.settings import ConnectionSettings
from .plan.model import Plan
from .plan.passphrase import UNENCRYPTED_PASSPHRASE, check_passphrase
from .plan.recovery_key import canonical_secret
from .plan.repository_access import S3Credentials
from .plan.store import PlanStore

Parameters = t.Mapping[str, t.Any]

_CLIENT_SECRET = ("M365_CLIENT_SECRET", "AZURE_CLIENT_SECRET", "AZURE_SECRET")
_CLIENT_SECRET_FILE = ("M365_CLIENT_SECRET_FILE",)
_CERTIFICATE_PATH = ("M365_CERTIFICATE_PATH", "AZURE_CLIENT_CERTIFICATE_PATH")
_CERTIFICATE_PASSPHRASE = ("M365_CERTIFICATE_PASSPHRASE", "AZURE_CLIENT_CERTIFICATE_PASSWORD")
_PASSPHRASE = ("M365_BACKUP_PASSPHRASE",)
_PASSPHRASE_FILE = ("M365_BACKUP_PASSPHRASE_FILE",)
_STORAGE_SECRETS = ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
SECRET_VARIABLES = (*_CLIENT_SECRET, *_CERTIFICATE_PASSPHRASE, *_PASSPHRASE, *_STORAGE_SECRETS)


def connection_settings(params: Parameters) -> ConnectionSettings:
    """The connection that the options and the environment describe; no network is used.

    Raises L(InputError) that names each missing option.
    """
    credential = _credential(params)
    missing = [name for name in ("tenant_id", "client_id") if not params[name]]
    if credential is None:
        missing.append("client_secret, client_secret_file or certificate_path")
    if missing or credential is None:
        raise InputError(
            f"The connection to the tenant is not complete: {' and '.join(missing)} missing.",
            hint="Give the option, or set its variable in the environment, such as M365_TENANT_ID, M365_CLIENT_ID and M365_CLIENT_SECRET.",
        )
    return ConnectionSettings(
        tenant_id=params["tenant_id"],
        client_id=params["client_id"],
        credential=credential,
        cloud=CLOUDS[params["cloud"]],
        proxy=params["proxy"],
        ca_bundle=params["ca_bundle"],
        tenant_licenses=params["tenant_licenses"],
        hosts_at_once=params["hosts_at_once"],
    )


def tenant_connector(params: Parameters) -> t.Callable[[], GraphClient]:
    """What logs in to the tenant when it is called; that the connection is described completely is checked before.

    Raises L(InputError) as L(connection_settings) does.
    """
    settings = connection_settings(params)
    return lambda: connect(settings)


def read_passphrase(params: Parameters, plan: Plan) -> str:
    """The passphrase of the plan's repository, or its recovery key; the published passphrase when encryption is off.

    Raises L(InputError) when there is none, when its file cannot be read, and when it is too short.
    """
    if not plan.encryption.enabled:
        return UNENCRYPTED_PASSPHRASE
    passphrase, path = _first_given(params, ("passphrase", _PASSPHRASE), ("passphrase_file", _PASSPHRASE_FILE))
    if path is not None:
        passphrase = read_secret(path, "passphrase_file")
    if passphrase is None:
        raise InputError(
            f"The repository of plan {plan.name!r} is encrypted, and no passphrase was given.",
            hint="Give passphrase or passphrase_file, or set M365_BACKUP_PASSPHRASE or M365_BACKUP_PASSPHRASE_FILE in the environment.",
        )
    passphrase = canonical_secret(passphrase)
    check_passphrase(passphrase)
    return passphrase


def read_secret(path: str, option: str) -> str:
    """The content of a file without blanks and line ends around it."""
    try:
        return Path(path).expanduser().read_text(encoding="utf-8").strip()
    except OSError as error:
        problem, hint = f"cannot be read: {error.strerror}", "Check its path, owner and mode."
        raise InputError(f"The file {path} of option {option} {problem}.", hint=hint) from error
    except UnicodeDecodeError as error:
        hint = "Write the secret into it as plain text."
        raise InputError(f"The file {path} of option {option} is not text in UTF-8.", hint=hint) from error


def read_secret_option(params: Parameters, option: str) -> str | None:
    """The secret of an option or of the file that the option with C(_file) after its name gives; None without both.

    A recovery key is brought into its one spelling. Raises L(InputError) for a file that cannot be read, or is empty.
    """
    path = params[f"{option}_file"]
    secret = read_secret(path, f"{option}_file") if path else params[option]
    if path and not secret:
        raise InputError(f"The file {path} of option {option}_file is empty.", hint="Write the secret into it.")
    return canonical_secret(secret) if secret else None


def storage_credentials(params: Parameters) -> S3Credentials | None:
    """The credentials for an object store that the task gives. None: those of the environment or of an AWS profile count."""
    if not params["s3_access_key_id"]:
        return None
    return S3Credentials(
        access_key_id=params["s3_access_key_id"],
        secret_access_key=params["s3_secret_access_key"],
        session_token=params["s3_session_token"] or None,
    )


def plan_store(params: Parameters) -> PlanStore:
    """The store of plans on this host."""
    return PlanStore(Path(params["state_path"]))


def _credential(params: Parameters) -> SecretCredential | CertificateCredential | None:
    secret, secret_file, certificate = _first_given(
        params,
        ("client_secret", _CLIENT_SECRET),
        ("client_secret_file", _CLIENT_SECRET_FILE),
        ("certificate_path", _CERTIFICATE_PATH),
    )
    if certificate is not None:
        return CertificateCredential(certificate, params["certificate_passphrase"] or _from_environment(_CERTIFICATE_PASSPHRASE))
    if secret_file is not None:
        secret = read_secret(secret_file, "client_secret_file")
    return None if secret is None else SecretCredential(secret)


def _first_given(params: Parameters, *alternatives: tuple[str, tuple[str, ...]]) -> tuple[str | None, ...]:
    """One value for each alternative, at most one of them not None: the one in the task, else the first in the environment."""
    values = [params[option] or None for option, _variables in alternatives]
    if not any(values):
        values = [_from_environment(variables) for _option, variables in alternatives]
    chosen = next((number for number, value in enumerate(values) if value), None)
    return tuple(value if number == chosen else None for number, value in enumerate(values))


def _from_environment(variables: tuple[str, ...]) -> str | None:
    return next((os.environ[name] for name in variables if os.environ.get(name)), None)

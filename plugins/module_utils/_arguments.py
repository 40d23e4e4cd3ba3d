# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options that modules share, what they mean, and the one edge between Ansible and the rooms.

Options that exclude one another (the ways to log in, the two ways to give a passphrase) have no C(fallback): their
variables of the environment are looked at only when the task gives none of them. With fallbacks, a variable that an
execution environment happens to set would contradict the task.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import copy
import dataclasses
import os
import typing as t
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule, env_fallback
from ansible.module_utils.parsing.convert_bool import boolean

from ._deps import require_libraries
from ._errors import BackupError, InputError, MissingLibraryError
from ._process import limit_memory_pools
from .graph.client import GraphClient, connect
from .graph.clouds import CLOUDS
from .graph.credentials import CertificateCredential, SecretCredential
from .graph.limits import DEFAULT_LICENSES
from .graph.settings import ConnectionSettings
from .plan.model import Plan
from .plan.passphrase import UNENCRYPTED_PASSPHRASE, check_passphrase
from .plan.recovery_file import Handout
from .plan.recovery_key import canonical_secret
from .plan.repository_access import S3Credentials
from .plan.store import PlanStore

DEFAULT_STATE_PATH = "/var/lib/m365_backup"

Options = dict[str, dict[str, t.Any]]
Parameters = t.Mapping[str, t.Any]
Result = dict[str, t.Any]
Groups = tuple[tuple[str, ...], ...]

_TENANT_ID = ("M365_TENANT_ID", "AZURE_TENANT_ID", "AZURE_TENANT")
_CLIENT_ID = ("M365_CLIENT_ID", "AZURE_CLIENT_ID")
_CLIENT_SECRET = ("M365_CLIENT_SECRET", "AZURE_CLIENT_SECRET", "AZURE_SECRET")
_CLIENT_SECRET_FILE = ("M365_CLIENT_SECRET_FILE",)
_CERTIFICATE_PATH = ("M365_CERTIFICATE_PATH", "AZURE_CLIENT_CERTIFICATE_PATH")
_CERTIFICATE_PASSPHRASE = ("M365_CERTIFICATE_PASSPHRASE", "AZURE_CLIENT_CERTIFICATE_PASSWORD")
_CLOUD = ("M365_CLOUD",)
_PROXY = ("M365_PROXY",)
_CA_BUNDLE = ("M365_CA_BUNDLE",)
_TENANT_LICENSES = ("M365_TENANT_LICENSES",)
_HOSTS_AT_ONCE = ("M365_HOSTS_AT_ONCE",)
_PASSPHRASE = ("M365_BACKUP_PASSPHRASE",)
_PASSPHRASE_FILE = ("M365_BACKUP_PASSPHRASE_FILE",)
_STATE_PATH = ("M365_BACKUP_STATE_PATH",)

_STORAGE_SECRETS = ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")

_SECRET_VARIABLES = (*_CLIENT_SECRET, *_CERTIFICATE_PASSPHRASE, *_PASSPHRASE, *_STORAGE_SECRETS)


class ReportedFailure(BackupError):
    """A task that failed and still has a result to show, such as a run in which some members failed."""

    def __init__(self, what: str, *, result: Result, hint: str = "") -> None:
        super().__init__(what, hint=hint, facts=result)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ArgumentSpec:
    """A part of a module's arguments, or all of them. Parts are merged into new ones and never changed."""

    options: Options = dataclasses.field(default_factory=dict)
    mutually_exclusive: Groups = ()
    required_together: Groups = ()
    required_one_of: Groups = ()
    required_if: tuple[tuple[t.Any, ...], ...] = ()
    required_by: t.Mapping[str, t.Any] = dataclasses.field(default_factory=dict)

    def merge(self, *others: ArgumentSpec) -> ArgumentSpec:
        """All parts in one. An option that two parts define is a defect, and raises C(ValueError)."""
        parts = (self, *others)
        options: Options = {}
        for part in parts:
            doubled = options.keys() & part.options.keys()
            if doubled:
                raise ValueError(f"options defined twice: {', '.join(sorted(doubled))}")
            options.update(copy.deepcopy(part.options))
        return ArgumentSpec(
            options=options,
            mutually_exclusive=tuple(group for part in parts for group in part.mutually_exclusive),
            required_together=tuple(group for part in parts for group in part.required_together),
            required_one_of=tuple(group for part in parts for group in part.required_one_of),
            required_if=tuple(rule for part in parts for rule in part.required_if),
            required_by={name: needed for part in parts for name, needed in part.required_by.items()},
        )

    def to_kwargs(self) -> dict[str, t.Any]:
        """Keyword arguments of C(AnsibleModule)."""
        return {
            "argument_spec": copy.deepcopy(self.options),
            "mutually_exclusive": [list(group) for group in self.mutually_exclusive],
            "required_together": [list(group) for group in self.required_together],
            "required_one_of": [list(group) for group in self.required_one_of],
            "required_if": [list(rule) for rule in self.required_if],
            "required_by": dict(self.required_by),
        }


def run_module(spec: ArgumentSpec, main: t.Callable[[AnsibleModule], Result], *, needs_libraries: bool = True) -> None:
    """Run a module: check its arguments, do ``main``, and answer Ansible with its result.

    Without ``needs_libraries`` it also runs on a host that has none of the libraries. Only errors that an administrator can
    act on become a message. Everything else is a defect of ours and keeps its traceback.
    """
    limit_memory_pools()
    module = AnsibleModule(supports_check_mode=True, **spec.to_kwargs())
    module.no_log_values.update(os.environ[name] for name in _SECRET_VARIABLES if os.environ.get(name))
    try:
        if needs_libraries:
            require_libraries()
        result = main(module)
    except MissingLibraryError as error:
        module.fail_json(msg=str(error), exception=error.traceback_text, missing_libraries=list(error.libraries))
    except BackupError as error:
        module.fail_json(msg=str(error), **error.facts)
    module.exit_json(**result)


def connection_arguments() -> ArgumentSpec:
    """How to reach the tenant: see the documentation fragment C(_connection)."""
    return ArgumentSpec(
        options={
            "tenant_id": {"type": "str", "fallback": (env_fallback, list(_TENANT_ID))},
            "client_id": {"type": "str", "fallback": (env_fallback, list(_CLIENT_ID))},
            "client_secret": {"type": "str", "no_log": True},
            "client_secret_file": {"type": "path", "no_log": False},
            "certificate_path": {"type": "path", "no_log": False},
            "certificate_passphrase": {"type": "str", "no_log": True},
            "cloud": {"type": "str", "choices": list(CLOUDS), "default": "global", "fallback": (env_fallback, list(_CLOUD))},
            "proxy": {"type": "str", "fallback": (env_fallback, list(_PROXY))},
            "ca_bundle": {"type": "path", "fallback": (env_fallback, list(_CA_BUNDLE))},
        },
        mutually_exclusive=(("client_secret", "client_secret_file", "certificate_path"),),
        required_by={"certificate_passphrase": ("certificate_path",)},
    )


def budget_arguments() -> ArgumentSpec:
    """What Microsoft allows an app to ask of OneDrive: see the documentation fragment C(_budget)."""
    return ArgumentSpec(
        options={
            "tenant_licenses": {"type": "int", "default": DEFAULT_LICENSES, "fallback": (env_fallback, list(_TENANT_LICENSES))},
            "hosts_at_once": {"type": "int", "default": 1, "fallback": (env_fallback, list(_HOSTS_AT_ONCE))},
        }
    )


def passphrase_arguments() -> ArgumentSpec:
    """What opens the repository: see the documentation fragment C(_passphrase)."""
    return ArgumentSpec(
        options={
            "passphrase": {"type": "str", "no_log": True},
            "passphrase_file": {"type": "path", "no_log": False},
        },
        mutually_exclusive=(("passphrase", "passphrase_file"),),
    )


def storage_arguments() -> ArgumentSpec:
    """Who we are for an object store: see the documentation fragment C(_storage)."""
    return ArgumentSpec(
        options={
            "s3_access_key_id": {"type": "str", "no_log": False},
            "s3_secret_access_key": {"type": "str", "no_log": True},
            "s3_session_token": {"type": "str", "no_log": True},
        },
        required_together=(("s3_access_key_id", "s3_secret_access_key"),),
        required_by={"s3_session_token": ("s3_access_key_id",)},
    )


def recovery_arguments() -> ArgumentSpec:
    """Where a generated recovery key goes: see the documentation fragment C(_recovery)."""
    return ArgumentSpec(
        options={
            "recovery_key_file": {"type": "path", "no_log": False},
            "return_recovery_key": {"type": "bool", "default": False, "no_log": False},
        },
        mutually_exclusive=(("recovery_key_file", "return_recovery_key"),),
    )


def state_arguments() -> ArgumentSpec:
    """Where plans are stored on the host: see the documentation fragment C(_state)."""
    return ArgumentSpec(
        options={"state_path": {"type": "path", "default": DEFAULT_STATE_PATH, "fallback": (env_fallback, list(_STATE_PATH))}},
    )


def plan_reference_arguments() -> ArgumentSpec:
    """Which stored plan is meant: see the documentation fragment C(_plan)."""
    return ArgumentSpec(options={"plan": {"type": "str", "required": True}})


def item_filter_arguments() -> ArgumentSpec:
    """Which items are meant, by what is known of them."""
    texts = ("subject", "sender", "recipient", "after", "before", "attachment", "message_id")
    return ArgumentSpec(
        options={
            **{name: {"type": "str"} for name in texts},
            "min_size": {"type": "int"},
            "max_size": {"type": "int"},
            "item_ids": {"type": "list", "elements": "str", "default": []},
        }
    )


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
        tenant_licenses=params.get("tenant_licenses", DEFAULT_LICENSES),
        hosts_at_once=params.get("hosts_at_once", 1),
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
        passphrase = _read_secret(path, "passphrase_file")
    if passphrase is None:
        raise InputError(
            f"The repository of plan {plan.name!r} is encrypted, and no passphrase was given.",
            hint="Give passphrase or passphrase_file, or set M365_BACKUP_PASSPHRASE or M365_BACKUP_PASSPHRASE_FILE in the environment.",
        )
    passphrase = canonical_secret(passphrase)
    check_passphrase(passphrase)
    return passphrase


def read_secret_option(params: Parameters, option: str) -> str | None:
    """The secret of an option or of the file that the option with C(_file) after its name gives; None without both.

    A recovery key is brought into its one spelling. Raises L(InputError) for a file that cannot be read, or is empty.
    """
    path = params[f"{option}_file"]
    secret = _read_secret(path, f"{option}_file") if path else params[option]
    if path and not secret:
        raise InputError(f"The file {path} of option {option}_file is empty.", hint="Write the secret into it.")
    return canonical_secret(secret) if secret else None


def recovery_handout(module: AnsibleModule) -> Handout:
    """Where a recovery key goes that the task generates. Raises L(InputError) for a result that Ansible would show."""
    params = module.params
    if params["return_recovery_key"] and not module.no_log:
        raise InputError(
            "With return_recovery_key the result of the task holds a secret, and Ansible would show it.",
            hint="Set no_log: true on the task, or use recovery_key_file instead.",
        )
    path = params["recovery_key_file"]
    return Handout(file=Path(path) if path else None, is_returned=params["return_recovery_key"])


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


def wants_diff(module: AnsibleModule) -> bool:
    """Whether the task runs in diff mode."""
    return bool(module._diff)  # noqa: SLF001 - Ansible has no public name for it


def switch_option(value: t.Any) -> t.Any:
    """The dictionary that a bare C(true) or C(false) stands for in an option that has a form with details, too."""
    if isinstance(value, (bool, str)):
        try:
            return {"enabled": boolean(value)}
        except TypeError:
            return value
    return value


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
        secret = _read_secret(secret_file, "client_secret_file")
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


def _read_secret(path: str, option: str) -> str:
    """The content of a file without blanks and line ends around it."""
    try:
        return Path(path).expanduser().read_text(encoding="utf-8").strip()
    except OSError as error:
        problem, hint = f"cannot be read: {error.strerror}", "Check its path, owner and mode."
        raise InputError(f"The file {path} of option {option} {problem}.", hint=hint) from error
    except UnicodeDecodeError as error:
        hint = "Write the secret into it as plain text."
        raise InputError(f"The file {path} of option {option} is not text in UTF-8.", hint=hint) from error

# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options that modules share, and the one edge between Ansible and the rooms. What they mean is read in C(_parameters.py).

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import datetime
import os
import typing as t
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule, env_fallback
from ansible.module_utils.parsing.convert_bool import boolean

from ._deps import require_libraries
from ._errors import BackupError, InputError, MissingLibraryError
from ._parameters import SECRET_VARIABLES
from ._process import limit_memory_pools
from ._signals import StopSignal, end_when_nobody_waits, listen
from .graph.clouds import CLOUDS
from .graph.limits import DEFAULT_LICENSES
from .plan.model import MailboxKind
from .plan.recovery_file import Handout
from .report.noting import Noting, noted
from .report.progress import Meter

DEFAULT_STATE_PATH = "/var/lib/m365_backup"

Options = dict[str, dict[str, t.Any]]
Result = dict[str, t.Any]
Groups = tuple[tuple[str, ...], ...]

_TENANT_ID = ("M365_TENANT_ID", "AZURE_TENANT_ID", "AZURE_TENANT")
_CLIENT_ID = ("M365_CLIENT_ID", "AZURE_CLIENT_ID")
_CLOUD = ("M365_CLOUD",)
_PROXY = ("M365_PROXY",)
_CA_BUNDLE = ("M365_CA_BUNDLE",)
_TENANT_LICENSES = ("M365_TENANT_LICENSES",)
_HOSTS_AT_ONCE = ("M365_HOSTS_AT_ONCE",)
_STATE_PATH = ("M365_BACKUP_STATE_PATH",)

STOPPED_HINT = "What it had begun is in order, and its locks are given back. Start it again; it goes on with what was done."


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
    listen()
    end_when_nobody_waits()
    module.no_log_values.update(os.environ[name] for name in SECRET_VARIABLES if os.environ.get(name))
    try:
        if needs_libraries:
            require_libraries()
        result = main(module)
    except MissingLibraryError as error:
        module.fail_json(msg=str(error), exception=error.traceback_text, missing_libraries=list(error.libraries))
    except BackupError as error:
        module.fail_json(msg=str(error), **error.facts)
    except StopSignal as stop:
        module.fail_json(msg=f"The task was stopped by {stop.name} before it was through. {STOPPED_HINT}", stopped="signal")
    module.exit_json(**result)


def noted_as(verb: str, main: t.Callable[[AnsibleModule], Result]) -> t.Callable[[AnsibleModule], Result]:
    """The same for L(run_module), of which the host keeps a record, and its journal an entry. The module has the option C(plan)."""

    def note(module: AnsibleModule) -> Result:
        task = Noting(
            verb=verb,
            reference=module.params["plan"],
            state_path=Path(module.params["state_path"]),
            is_check=module.check_mode,
            now=lambda: datetime.datetime.now(datetime.timezone.utc),
            warn=module.warn,
        )
        return noted(task, lambda: main(module))

    return note


def group_arguments() -> ArgumentSpec:
    """What every module takes, whether it needs it or not, so that C(module_defaults) of the action group fit all of them."""
    return connection_arguments().merge(budget_arguments(), passphrase_arguments(), state_arguments(), storage_arguments())


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


def progress_arguments() -> ArgumentSpec:
    """Where a task tells how far it is: see the documentation fragment C(_progress)."""
    return ArgumentSpec(options={"progress_file": {"type": "path"}})


@contextlib.contextmanager
def metered(module: AnsibleModule, task: str) -> t.Iterator[Meter]:
    """Inside the block the progress of the task is told, if the module was asked to. Check mode writes nothing."""
    path = None if module.check_mode else module.params["progress_file"]
    with Meter(task, module.params["plan"]).telling(None if path is None else Path(path)) as meter:
        yield meter


def plan_reference_arguments() -> ArgumentSpec:
    """Which stored plan is meant: see the documentation fragment C(_plan)."""
    return ArgumentSpec(options={"plan": {"type": "str", "required": True}})


def selection_arguments() -> ArgumentSpec:
    """Who is meant: see the documentation fragment C(_selection)."""
    lists = ("users", "groups", "administrative_units", "on_premises_ous")
    excluded: Options = {**{option: {"type": "list", "elements": "str"} for option in lists}, "user_filter": {"type": "str"}}
    switches = ("all_users", "licensed_only", "include_guests")
    return ArgumentSpec(
        options={
            **{option: {"type": "list", "elements": "str", "default": []} for option in lists},
            **{option: {"type": "bool", "default": False} for option in switches},
            "user_filter": {"type": "str"},
            "exclude": {"type": "dict", "options": excluded},
            "mailbox_kinds": {"type": "list", "elements": "str", "choices": [kind.value for kind in MailboxKind]},
            "users_csv": {"type": "path"},
            "users_csv_column": {"type": "str"},
        },
        required_by={"users_csv_column": ("users_csv",)},
    )


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

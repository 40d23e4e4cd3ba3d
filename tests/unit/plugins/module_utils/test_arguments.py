# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import contextlib
import datetime
import json
import typing as t
from pathlib import Path

import pytest
from ansible.module_utils import basic

from ansible_collections.tenantvault.m365_backup.plugins.module_utils import _arguments, _parameters
from ansible_collections.tenantvault.m365_backup.plugins.module_utils._arguments import (
    ArgumentSpec,
    ReportedFailure,
    budget_arguments,
    connection_arguments,
    passphrase_arguments,
    plan_reference_arguments,
    recovery_arguments,
    recovery_handout,
    run_module,
    state_arguments,
    storage_arguments,
    switch_option,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils._errors import BackupError, InputError, MissingLibraryError
from ansible_collections.tenantvault.m365_backup.plugins.module_utils._parameters import (
    connection_settings,
    read_passphrase,
    read_secret_option,
    storage_credentials,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.credentials import CertificateCredential, SecretCredential
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.document import plan_from_dict
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.passphrase import (
    MINIMUM_LENGTH,
    UNENCRYPTED_PASSPHRASE,
    check_passphrase,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.recovery_key import generate_recovery_key
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.storage_options import S3Credentials

EVERYTHING = ArgumentSpec().merge(
    budget_arguments(), connection_arguments(), passphrase_arguments(), recovery_arguments(), state_arguments(), storage_arguments()
)
PASSPHRASE = "correct horse battery staple, correct horse battery"
TENANT = {"tenant_id": "contoso.example", "client_id": "4c3f0f4e-0b53-4f7e-9c0e-5a1f3c0e8c1d"}


def plan(*, encrypted: bool = True) -> t.Any:
    return plan_from_dict(
        {"title": "Sales", "users": ["a"], "backup_type": "mailbox", "repository": "/r", "encryption": {"enabled": encrypted}}
    )


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in _variables():
        monkeypatch.delenv(name, raising=False)


def _variables() -> t.Iterator[str]:
    for name, value in {**vars(_arguments), **vars(_parameters)}.items():
        if name.startswith("_") and isinstance(value, tuple) and all(isinstance(each, str) for each in value):
            yield from value


@contextlib.contextmanager
def module_arguments(arguments: dict[str, t.Any]) -> t.Iterator[None]:
    """The arguments of a task, for every ansible-core from 2.16 on."""
    try:
        from ansible.module_utils.testing import patch_module_args
    except ImportError:
        content = json.dumps({"ANSIBLE_MODULE_ARGS": arguments}).encode()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(basic, "_ANSIBLE_ARGS", content)
            yield
    else:
        with patch_module_args(arguments):
            yield


def answer(
    spec: ArgumentSpec, arguments: dict[str, t.Any], main: t.Callable[[t.Any], dict[str, t.Any]], capsys: pytest.CaptureFixture[str]
) -> dict[str, t.Any]:
    """What Ansible would get from a module."""
    with module_arguments(arguments), pytest.raises(SystemExit):
        run_module(spec, main)
    return t.cast("dict[str, t.Any]", json.loads(capsys.readouterr().out))


def parameters(capsys: pytest.CaptureFixture[str], **arguments: t.Any) -> dict[str, t.Any]:
    """The options as a module sees them."""
    seen: dict[str, t.Any] = {}

    def main(module: t.Any) -> dict[str, t.Any]:
        seen.update(module.params)
        return {}

    answered = answer(EVERYTHING, arguments, main, capsys)
    if answered.get("failed"):
        raise AssertionError(answered["msg"])
    return seen


def test_merged_specs_share_nothing_with_their_parts() -> None:
    part = ArgumentSpec(options={"nested": {"type": "dict", "options": {"inner": {"type": "str"}}}})
    merged = part.merge(state_arguments())
    merged.options["nested"]["options"]["inner"]["type"] = "int"
    merged.to_kwargs()["argument_spec"]["state_path"]["default"] = "/elsewhere"
    assert part.options["nested"]["options"]["inner"]["type"] == "str"
    assert merged.options["state_path"]["default"] == "/var/lib/m365_backup"


def test_an_option_that_two_parts_define_is_refused() -> None:
    with pytest.raises(ValueError, match="state_path"):
        state_arguments().merge(state_arguments())


def test_every_option_that_looks_like_a_secret_says_whether_it_is_one() -> None:
    options = EVERYTHING.merge(plan_reference_arguments()).options
    secrets = {name for name, option in options.items() if option.get("no_log")}
    assert secrets == {"client_secret", "certificate_passphrase", "passphrase", "s3_secret_access_key", "s3_session_token"}
    look_alikes = {name for name in options if any(word in name for word in ("secret", "pass", "certificate", "key", "token"))}
    assert all("no_log" in options[name] for name in look_alikes)


def test_errors_that_an_administrator_can_act_on_become_the_message(capsys: pytest.CaptureFixture[str]) -> None:
    def main(_module: t.Any) -> dict[str, t.Any]:
        raise BackupError("The lake is dry.", hint="Wait for rain.", facts={"request_id": "42"})

    result = answer(ArgumentSpec(), {}, main, capsys)
    assert (result["failed"], result["msg"], result["request_id"]) == (True, "The lake is dry. Wait for rain.", "42")


def test_a_failure_can_bring_a_result(capsys: pytest.CaptureFixture[str]) -> None:
    def main(_module: t.Any) -> dict[str, t.Any]:
        raise ReportedFailure("One member failed.", result={"changed": True, "outcome": "partial"})

    result = answer(ArgumentSpec(), {}, main, capsys)
    assert (result["failed"], result["changed"], result["outcome"]) == (True, True, "partial")


def test_missing_libraries_are_named(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> None:
        raise MissingLibraryError(["msal >= 1.28"], "Traceback: no msal")

    monkeypatch.setattr(_arguments, "require_libraries", missing)
    result = answer(ArgumentSpec(), {}, lambda _module: {}, capsys)
    assert "msal >= 1.28" in result["msg"]
    assert result["missing_libraries"] == ["msal >= 1.28"]


def test_a_defect_of_ours_is_not_hidden() -> None:
    def main(_module: t.Any) -> dict[str, t.Any]:
        raise KeyError("defect")

    with module_arguments({}), pytest.raises(KeyError):
        run_module(ArgumentSpec(), main)


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"M365_CLIENT_SECRET": "one", "AZURE_CLIENT_SECRET": "two", "AZURE_SECRET": "three"}, "one"),
        ({"AZURE_CLIENT_SECRET": "two", "AZURE_SECRET": "three"}, "two"),
        ({"AZURE_SECRET": "three"}, "three"),
    ],
)
def test_the_variables_of_awx_and_of_azure_log_in(
    environment: dict[str, str], expected: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"AZURE_TENANT": "contoso.example", "AZURE_CLIENT_ID": TENANT["client_id"], **environment}.items():
        monkeypatch.setenv(name, value)
    settings = connection_settings(parameters(capsys))
    assert (settings.tenant_id, settings.credential) == ("contoso.example", SecretCredential(expected))


def test_the_budget_for_drives_is_the_smallest_one_unless_the_task_or_the_environment_says_more(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    login = {**TENANT, "client_secret": "one"}
    settings = connection_settings(parameters(capsys, **login))
    assert (settings.tenant_licenses, settings.hosts_at_once) == (1_000, 1)
    monkeypatch.setenv("M365_TENANT_LICENSES", "7000")
    monkeypatch.setenv("M365_HOSTS_AT_ONCE", "3")
    settings = connection_settings(parameters(capsys, **login))
    assert (settings.tenant_licenses, settings.hosts_at_once) == (7_000, 3)
    settings = connection_settings(parameters(capsys, **login, tenant_licenses=20_000))
    assert (settings.tenant_licenses, settings.hosts_at_once) == (20_000, 3)


@pytest.mark.parametrize("option", ["tenant_licenses", "hosts_at_once"])
def test_less_than_one_host_or_licence_is_refused(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    settings = connection_settings(parameters(capsys, **TENANT, client_secret="one", **{option: 0}))
    with pytest.raises(InputError, match="tenant_licenses and hosts_at_once"):
        settings.check(datetime.datetime.now(datetime.timezone.utc))


def test_a_way_to_log_in_that_a_task_names_is_not_contradicted_by_the_environment(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AZURE_SECRET", "of the execution environment")
    settings = connection_settings(parameters(capsys, **TENANT, certificate_path="/etc/certificate.pem"))
    assert settings.credential == CertificateCredential("/etc/certificate.pem", None)


def test_a_client_secret_is_read_from_its_file_without_the_line_end(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("s3cret\n")
    settings = connection_settings(parameters(capsys, **TENANT, client_secret_file=str(tmp_path / "secret")))
    assert settings.credential == SecretCredential("s3cret")


def test_everything_that_the_connection_lacks_is_named_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(InputError, match="tenant_id and client_id and client_secret, client_secret_file or certificate_path missing"):
        connection_settings(parameters(capsys))


def test_the_passphrase_of_the_task_wins_over_those_of_the_environment(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "passphrase").write_text(f"{PASSPHRASE}\n")
    monkeypatch.setenv("M365_BACKUP_PASSPHRASE", "x" * 50)
    monkeypatch.setenv("M365_BACKUP_PASSPHRASE_FILE", "/nowhere")
    assert read_passphrase(parameters(capsys, passphrase_file=str(tmp_path / "passphrase")), plan()) == PASSPHRASE
    assert read_passphrase(parameters(capsys), plan()) == "x" * 50


def test_a_recovery_key_opens_a_repository_in_place_of_the_passphrase_however_it_is_typed(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    key = generate_recovery_key(bytes)
    (tmp_path / "key").write_text(f"{key.replace('-', ' ').lower()}\n")
    assert read_passphrase(parameters(capsys, passphrase_file=str(tmp_path / "key")), plan()) == key
    assert read_secret_option({"recovery_key": None, "recovery_key_file": str(tmp_path / "key")}, "recovery_key") == key
    assert read_secret_option({"recovery_key": None, "recovery_key_file": None}, "recovery_key") is None


def test_an_empty_file_is_not_taken_for_no_secret(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("\n")
    with pytest.raises(InputError, match="recovery_key_file is empty"):
        read_secret_option({"recovery_key": None, "recovery_key_file": str(tmp_path / "key")}, "recovery_key")


@pytest.mark.parametrize("no_log", [False, True])
def test_a_recovery_key_is_returned_only_if_ansible_hides_the_result(capsys: pytest.CaptureFixture[str], no_log: bool) -> None:
    arguments = {"return_recovery_key": True, "_ansible_no_log": no_log}
    answered = answer(EVERYTHING, arguments, lambda module: {"is_returned": recovery_handout(module).is_returned}, capsys)
    assert answered.get("is_returned", answered.get("msg", "")) == (
        True
        if no_log
        else "With return_recovery_key the result of the task holds a secret, and Ansible would show it."
        " Set no_log: true on the task, or use recovery_key_file instead."
    )


def test_a_passphrase_file_that_cannot_be_read_is_named(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"passphrase_file cannot be read: No such file"):
        read_passphrase(parameters(capsys, passphrase_file=str(tmp_path / "none")), plan())


def test_a_missing_passphrase_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(InputError, match="M365_BACKUP_PASSPHRASE"):
        read_passphrase(parameters(capsys), plan())


def test_a_plan_without_encryption_has_the_published_passphrase(capsys: pytest.CaptureFixture[str]) -> None:
    assert read_passphrase(parameters(capsys, passphrase="short"), plan(encrypted=False)) == UNENCRYPTED_PASSPHRASE


def test_a_passphrase_of_44_characters_is_counted_and_not_shown() -> None:
    with pytest.raises(InputError) as raised:
        check_passphrase("ö" * (MINIMUM_LENGTH - 1))
    assert "44 characters" in str(raised.value)
    assert "ö" not in str(raised.value)
    check_passphrase("ö" * MINIMUM_LENGTH)


@pytest.mark.parametrize("passphrase", [" " + "x" * 50, "x" * 50 + "\t", "x" * 25 + "\n" + "x" * 25, "x" * 25 + "\0" + "x" * 25])
def test_a_passphrase_that_restic_would_read_differently_is_refused(passphrase: str) -> None:
    with pytest.raises(InputError, match="blank"):
        check_passphrase(passphrase)


def test_inv07_secrets_of_the_environment_are_masked_in_the_result(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("M365_BACKUP_PASSPHRASE", PASSPHRASE)
    for number, name in enumerate(("AZURE_SECRET", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")):
        monkeypatch.setenv(name, f"hush-hush-hush-{number}")
    leak = f"<{PASSPHRASE}> <hush-hush-hush-0> <hush-hush-hush-1> <hush-hush-hush-2>"
    result = answer(EVERYTHING, {}, lambda _module: {"leak": leak}, capsys)
    assert PASSPHRASE not in json.dumps(result)
    assert "hush" not in json.dumps(result)


def test_credentials_for_an_object_store_are_those_of_the_task_or_left_to_the_environment(capsys: pytest.CaptureFixture[str]) -> None:
    given = parameters(capsys, s3_access_key_id="id", s3_secret_access_key="secret", s3_session_token="")
    assert storage_credentials(given) == S3Credentials(access_key_id="id", secret_access_key="secret")
    assert storage_credentials(parameters(capsys)) is None


@pytest.mark.parametrize("half", [{"s3_access_key_id": "x"}, {"s3_secret_access_key": "x"}, {"s3_session_token": "x"}])
def test_half_a_set_of_credentials_for_an_object_store_is_refused(half: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    result = answer(EVERYTHING, half, lambda _module: {}, capsys)
    assert result["failed"]
    assert "s3_access_key_id" in result["msg"]


@pytest.mark.parametrize(
    ("value", "meaning"), [(True, {"enabled": True}), ("no", {"enabled": False}), ({"enabled": True}, {"enabled": True})]
)
def test_a_bare_switch_stands_for_its_dictionary(value: object, meaning: object) -> None:
    assert switch_option(value) == meaning


def test_a_switch_that_is_neither_on_nor_off_is_left_to_the_schema() -> None:
    assert [switch_option("perhaps"), switch_option(None)] == ["perhaps", None]

# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest

from ansible_collections.tenantvault.m365_backup.plugins.module_utils import _deps
from ansible_collections.tenantvault.m365_backup.plugins.module_utils._errors import InputError, MissingLibraryError
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.storage_open import open_storage
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.storage_options import (
    S3Credentials,
    S3Options,
    StorageOptions,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.storage_s3_settings import (
    S3Settings,
    resolve_settings,
    split_location,
)

GIVEN = S3Credentials(access_key_id="given", secret_access_key="given-secret")
KEYS = {"AWS_ACCESS_KEY_ID": "env", "AWS_SECRET_ACCESS_KEY": "env-secret", "AWS_SESSION_TOKEN": "env-token"}

CREDENTIALS_FILE = """\
[default]
aws_access_key_id = default
aws_secret_access_key = default-secret

[backup]
aws_access_key_id = backup
aws_secret_access_key = backup-secret/with%signs
aws_session_token = backup-token
"""
CONFIG_FILE = """\
[default]
region = eu-west-1

[profile backup]
region = eu-central-1
endpoint_url = https://s3.backup.example
ca_bundle = {ca_bundle}

[profile roaming]
role_arn = arn:aws:iam::1:role/x
source_profile = backup
"""


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """The files of AWS in a home folder."""
    (tmp_path / ".aws").mkdir()
    (tmp_path / "ca.pem").write_text("-----BEGIN CERTIFICATE-----\n", encoding="utf-8")
    (tmp_path / ".aws" / "credentials").write_text(CREDENTIALS_FILE, encoding="utf-8")
    (tmp_path / ".aws" / "config").write_text(CONFIG_FILE.format(ca_bundle=tmp_path / "ca.pem"), encoding="utf-8")
    return {"HOME": str(tmp_path)}


def resolved(environment: t.Mapping[str, str], credentials: S3Credentials | None = None, **s3: t.Any) -> S3Settings:
    return resolve_settings("s3://bucket/m365", StorageOptions(s3=S3Options(**s3), credentials=credentials, environment=environment))


def key_of(settings: S3Settings) -> str:
    return settings.credentials.access_key_id if settings.credentials else "role"


def test_credentials_come_as_one_set_from_the_first_that_has_them(environment: dict[str, str]) -> None:
    assert resolved(environment | KEYS, GIVEN).credentials == GIVEN
    assert resolved(environment | KEYS, GIVEN, profile="backup").credentials == GIVEN
    assert resolved(environment | KEYS, profile="backup").credentials == S3Credentials(
        access_key_id="backup", secret_access_key="backup-secret/with%signs", session_token="backup-token"
    )
    assert resolved(environment | KEYS | {"AWS_PROFILE": "backup"}).credentials == S3Credentials(
        access_key_id="env", secret_access_key="env-secret", session_token="env-token"
    )
    assert key_of(resolved(environment | {"AWS_PROFILE": "backup"})) == "backup"
    assert key_of(resolved(environment)) == "default"
    assert key_of(resolved({"HOME": "/no/such/folder"})) == "role"
    assert key_of(resolved({"HOME": "/no/such/folder", "AWS_WEB_IDENTITY_TOKEN_FILE": "/token", "AWS_ROLE_ARN": "arn"})) == "role"


def test_half_a_key_of_the_environment_is_none(environment: dict[str, str]) -> None:
    assert key_of(resolved(environment | {"AWS_SECRET_ACCESS_KEY": "half", "AWS_SESSION_TOKEN": "token"})) == "default"


def test_settings_come_from_the_first_that_has_them(environment: dict[str, str]) -> None:
    variables = {"AWS_REGION": "eu-north-1", "AWS_ENDPOINT_URL": "https://s3.env.example", "AWS_ENDPOINT_URL_S3": "https://s3.env2.example"}
    assert resolved(environment | variables, region="us-west-2", profile="backup").region == "us-west-2"
    assert resolved(environment | variables, profile="backup").region == "eu-central-1"
    assert resolved(environment | variables, profile="backup").endpoint == "https://s3.backup.example"
    assert resolved(environment | variables | {"AWS_PROFILE": "backup"}).region == "eu-north-1"
    assert resolved(environment | variables).endpoint == "https://s3.env2.example"
    assert resolved(environment).region == "eu-west-1"
    assert resolved({"HOME": "/no/such/folder", "AWS_DEFAULT_REGION": "ap-south-1"}).region == "ap-south-1"
    assert resolved({"HOME": "/no/such/folder"}).region == "us-east-1"
    assert resolved(environment, profile="backup").certificates == b"-----BEGIN CERTIFICATE-----\n"
    assert resolved(environment).certificates is None


def test_a_task_with_its_own_credentials_needs_no_files_of_aws(environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / ".aws" / "config").write_text("no profile at all", encoding="utf-8")
    assert resolved(environment | {"AWS_PROFILE": "gone"}, GIVEN).region == "us-east-1"


@pytest.mark.parametrize(
    ("s3", "bucket", "address"),
    [
        ({}, "bucket", None),
        ({"endpoint": "https://host:9000/"}, "bucket", "https://host:9000"),
        ({"endpoint": "https://host:9000", "path_style": False}, "bucket", "https://bucket.host:9000"),
        ({"path_style": True}, "bucket", None),
        ({}, "dotted.bucket", None),
    ],
)
def test_the_bucket_is_in_the_host_or_in_the_path(s3: dict[str, t.Any], bucket: str, address: str | None) -> None:
    options = StorageOptions(s3=S3Options(**s3), credentials=GIVEN, environment={})
    settings = resolve_settings(f"s3://{bucket}", options)
    assert settings.address == address
    default = "endpoint" in s3 or "." in bucket
    assert settings.path_style is s3.get("path_style", default)


@pytest.mark.parametrize(
    ("location", "parts"),
    [
        ("s3://bucket", ("bucket", "")),
        ("s3://bucket/", ("bucket", "")),
        ("s3://my.bucket-1/a/b", ("my.bucket-1", "a/b")),
        ("s3://bucket//a///b_c.d/", ("bucket", "a/b_c.d")),
    ],
)
def test_a_location_has_a_bucket_and_may_have_a_prefix(location: str, parts: tuple[str, str]) -> None:
    assert split_location(location) == parts


@pytest.mark.parametrize(
    "location", ["s3://", "s3:///a", "s3://b", "s3://bucket/..", "s3://bucket/a b", "s3://bucket/ü", "s3://bucket/a?b", "s3://-bucket/a"]
)
def test_a_location_that_cannot_be_used_is_refused_with_its_reason(location: str) -> None:
    with pytest.raises(InputError, match="repository location"):
        split_location(location)


def test_credentials_in_a_location_or_an_endpoint_are_refused_and_not_repeated() -> None:
    with pytest.raises(InputError) as caught:
        split_location("s3://AKIA:the-secret@bucket/a")
    assert "the-secret" not in str(caught.value)
    with pytest.raises(InputError) as caught:
        resolved({}, GIVEN, endpoint="https://AKIA:the-secret@host")
    assert "the-secret" not in str(caught.value)


@pytest.mark.parametrize(
    "endpoint", ["host:9000", "ftp://host", "https://", "https://host/bucket", "https://host:port", "https://host?x=1"]
)
def test_an_endpoint_that_is_no_address_of_a_service_is_refused(endpoint: str) -> None:
    with pytest.raises(InputError, match="endpoint"):
        resolved({}, GIVEN, endpoint=endpoint)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"profile": "gone"}, "There is no AWS profile 'gone' in"),
        ({"profile": "roaming"}, "'roaming' gets its credentials by role_arn, which is not supported"),
    ],
)
def test_a_profile_that_cannot_be_used_is_named(environment: dict[str, str], change: dict[str, str], words: str) -> None:
    with pytest.raises(InputError, match=words):
        resolved(environment, **change)
    with pytest.raises(InputError, match=words):
        resolved(environment | {"AWS_PROFILE": change["profile"]})


def test_a_profile_with_half_a_key_has_none(environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / ".aws" / "credentials").write_text("[half]\naws_access_key_id = x\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"'half' has no aws_access_key_id with an aws_secret_access_key"):
        resolved(environment, profile="half")


@pytest.mark.parametrize("content", [b"aws_secret_access_key = the-secret", b"[default\nx", b"\xff\xfe"])
def test_a_file_of_aws_that_is_none_is_named_and_not_quoted(environment: dict[str, str], tmp_path: Path, content: bytes) -> None:
    path = tmp_path / ".aws" / "credentials"
    path.write_bytes(content)
    with pytest.raises(InputError, match=f"The file {path} does not hold AWS profiles") as caught:
        resolved(environment)
    assert "the-secret" not in str(caught.value)


def test_a_profile_of_the_environment_may_hold_nothing_but_settings(environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / ".aws" / "config").write_text("[profile place]\nregion = eu-south-1\n", encoding="utf-8")
    settings = resolved(environment | {"AWS_PROFILE": "place"})
    assert (key_of(settings), settings.region) == ("role", "eu-south-1")


def test_settings_that_obstore_does_not_take_are_an_error_in_words(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "broken.pem").write_text("-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n", encoding="utf-8")
    broken = StorageOptions(s3=S3Options(ca_bundle=str(tmp_path / "broken.pem")), credentials=GIVEN, environment={})
    with pytest.raises(InputError, match="The settings for s3://bucket/m365 at AWS in the region us-east-1 cannot be used"):
        open_storage("s3://bucket/m365", broken)
    monkeypatch.setenv("AWS_COPY_IF_NOT_EXISTS", "the-secret")
    with pytest.raises(InputError, match="Check the AWS_ variables") as caught:
        open_storage("s3://bucket/m365", StorageOptions(credentials=GIVEN, environment={}))
    assert "the-secret" not in str(caught.value)


def test_files_of_aws_may_lie_elsewhere(environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "other").write_text("[default]\naws_access_key_id = other\naws_secret_access_key = s\n", encoding="utf-8")
    assert key_of(resolved(environment | {"AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "other")})) == "other"
    assert resolved(environment | {"AWS_CONFIG_FILE": "/no/such/file"}).region == "us-east-1"


def test_where_no_role_may_be_asked_for_missing_credentials_are_named_at_once() -> None:
    with pytest.raises(InputError, match="There are no credentials for the object store") as caught:
        resolved({"HOME": "/no/such/folder", "AWS_EC2_METADATA_DISABLED": "true"})
    assert "s3_access_key_id" in caught.value.hint


def test_a_bundle_without_certificates_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty.pem").write_bytes(b"")
    with pytest.raises(InputError, match="holds no certificate"):
        resolved({}, GIVEN, ca_bundle=str(tmp_path / "empty.pem"))
    with pytest.raises(InputError, match="cannot be read"):
        resolved({"AWS_CA_BUNDLE": str(tmp_path)}, GIVEN)


def test_secrets_do_not_show_in_what_is_resolved() -> None:
    settings = resolved({}, S3Credentials(access_key_id="id", secret_access_key="the-secret", session_token="the-token"))
    assert "the-secret" not in repr(settings)
    assert "the-token" not in repr(settings)


@pytest.mark.parametrize("location", ["sftp://host/folder", "backups", "gs://bucket", "http://host/bucket"])
def test_other_places_are_refused(location: str) -> None:
    with pytest.raises(InputError, match=r"location of the repository cannot be used") as caught:
        open_storage(location)
    assert "s3://bucket/prefix" in caught.value.hint


def test_only_a_bucket_needs_obstore(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("obstore", "obstore_store", "obstore_exceptions"):
        monkeypatch.delitem(vars(_deps), name, raising=False)
    monkeypatch.setitem(__import__("sys").modules, "obstore", None)
    monkeypatch.setitem(__import__("sys").modules, "obstore.store", None)
    _deps.require_libraries()
    open_storage(str(tmp_path)).prepare()
    with pytest.raises(MissingLibraryError, match=r"obstore >= 0\.11") as caught:
        open_storage("s3://bucket/m365", StorageOptions(credentials=GIVEN, environment={}))
    assert caught.value.libraries == ("obstore >= 0.11",)

# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An object store that fails, refuses, lies, or protects what it holds: a real one, with faults put in between where it needs them."""

from __future__ import annotations

import dataclasses
import itertools
import json
import random
import re
import ssl
import time
import traceback
import typing as t
from pathlib import Path

import pytest
import trustme

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.errors import (
    ObjectExists,
    ObjectMissing,
    StorageError,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.storage import CONFIG_NAME, FileKind, StoredFile
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.storage_options import S3Options, StorageOptions
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.storage_s3 import S3Storage
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.storage_s3_bucket import Patience
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.storage_s3_settings import resolve_settings
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.fault_proxy import (
    Answer,
    Exchange,
    Fault,
    FaultProxy,
    answer_swallowed,
    body_cut,
    connection_cut,
    refused,
    upload_flipped,
)
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.object_store import (
    ADMIN,
    READER,
    ObjectStore,
    free_ports,
    running_rclone,
    running_seaweedfs,
)

NAME = "ab" * 32
OTHER = "cd" * 32
HASTY = Patience(retries=2, first_pause=0.01, longest_pause=0.02, all_tries=5, connect=1, answer=1)
ALWAYS = float("inf")
CONTENT = random.Random(3).randbytes(100_000)


def storage_at(location: str, options: StorageOptions) -> S3Storage:
    return S3Storage(resolve_settings(location, options), HASTY)


@pytest.fixture
def storage(object_store: ObjectStore, s3_location: str) -> S3Storage:
    """Straight to the store."""
    return storage_at(s3_location, object_store.options())


@pytest.fixture(scope="module")
def proxy(object_store: ObjectStore) -> t.Iterator[FaultProxy]:
    with FaultProxy(object_store.port).running() as proxy:
        yield proxy


@pytest.fixture
def faulty(object_store: ObjectStore, s3_location: str, proxy: FaultProxy) -> S3Storage:
    """By way of the proxy, to the same place as C(storage)."""
    proxy.heal()
    return storage_at(s3_location, object_store.options(endpoint=proxy.endpoint))


PASSING = {
    "busy": refused(503, "SlowDown"),
    "throttled": refused(429, "TooManyRequests"),
    "own error": refused(500, "InternalError"),
    "connection cut": connection_cut,
    "answer lost": answer_swallowed,
}


@pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING)
def test_a_fault_that_passes_is_not_noticed(storage: S3Storage, faulty: S3Storage, proxy: FaultProxy, fault: Fault) -> None:
    proxy.break_requests("PUT", fault, times=2)
    faulty.put(FileKind.DATA, NAME, CONTENT)
    assert storage.get(FileKind.DATA, NAME) == CONTENT
    proxy.break_requests("GET", fault)
    assert faulty.get(FileKind.DATA, NAME) == CONTENT
    proxy.break_requests("GET", fault)
    assert faulty.get_range(FileKind.DATA, NAME, 7, 9) == CONTENT[7:16]
    proxy.break_requests("GET", fault)
    assert list(faulty.list(FileKind.DATA)) == [StoredFile(NAME, len(CONTENT))]
    proxy.break_requests("HEAD", fault)
    assert faulty.stat(FileKind.DATA, NAME) == StoredFile(NAME, len(CONTENT))
    proxy.break_requests("DELETE", fault)
    faulty.delete(FileKind.DATA, NAME)
    assert storage.stat(FileKind.DATA, NAME) is None


def test_an_answer_that_ends_in_the_middle_is_read_to_its_end(storage: S3Storage, faulty: S3Storage, proxy: FaultProxy) -> None:
    storage.put(FileKind.DATA, NAME, CONTENT)
    proxy.break_requests("GET", body_cut, times=2)
    assert faulty.get(FileKind.DATA, NAME) == CONTENT
    proxy.break_requests("GET", body_cut, times=2)
    assert faulty.get_range(FileKind.DATA, NAME, 1000, 50_000) == CONTENT[1000:51_000]


@pytest.mark.parametrize("fault", [body_cut, connection_cut, refused(503, "SlowDown")])
def test_a_listing_that_breaks_on_a_later_page_goes_on_there(faulty: S3Storage, proxy: FaultProxy, fault: Fault) -> None:
    names = [f"{number:064x}" for number in range(2500)]
    proxy.break_requests("GET", in_pages_of_1000(names), times=ALWAYS, part_of_path="list-type=2")
    listed = faulty.list(FileKind.KEY)
    found = [next(listed).name]
    proxy.break_requests("GET", fault)
    found += [stored.name for stored in listed]
    assert found == names


def in_pages_of_1000(names: list[str]) -> Fault:
    """A store that has these names, whatever folder is asked for."""

    def answer(exchange: Exchange) -> Answer:
        asked = dict(re.findall(r"([a-z-]+)=([^&]*)", exchange.path))
        prefix = asked["prefix"].replace("%2F", "/")
        after = (asked.get("continuation-token") or asked.get("start-after") or "").replace("%2F", "/").removeprefix(prefix)
        page = [name for name in names if name > after][:1000]
        rows = "".join(
            f"<Contents><Key>{prefix}{name}</Key><LastModified>2026-11-23T05:00:00Z</LastModified><Size>1</Size></Contents>"
            for name in page
        )
        more = f"<NextContinuationToken>{page[-1]}</NextContinuationToken>" if page and page[-1] != names[-1] else ""
        body = f"<ListBucketResult><IsTruncated>{str(bool(more)).lower()}</IsTruncated>{more}{rows}</ListBucketResult>"
        return Answer(200, {"content-type": "application/xml"}, body.encode())

    return answer


def test_a_listing_asks_for_one_page_at_a_time(faulty: S3Storage, proxy: FaultProxy) -> None:
    names = [f"{number:064x}" for number in range(10_000)]
    proxy.break_requests("GET", in_pages_of_1000(names), times=ALWAYS)
    listed = faulty.list(FileKind.KEY)
    assert next(listed).name == names[0]
    assert len(proxy.seen) <= 3
    assert len(list(listed)) == 9999


def test_a_byte_that_changes_on_the_way_up_is_noticed_and_sent_again(storage: S3Storage, faulty: S3Storage, proxy: FaultProxy) -> None:
    proxy.break_requests("PUT", upload_flipped)
    faulty.put(FileKind.DATA, NAME, CONTENT)
    assert storage.get(FileKind.DATA, NAME) == CONTENT
    proxy.break_requests("PUT", upload_flipped, times=ALWAYS)
    with pytest.raises(StorageError, match=r"what arrived there is not what was sent.*BadDigest"):
        faulty.put(FileKind.DATA, OTHER, CONTENT)
    assert storage.stat(FileKind.DATA, OTHER) is None


@pytest.mark.parametrize(("status", "code"), [(400, "RequestTimeout"), (400, "IncompleteBody"), (409, "OperationAborted")])
def test_an_upload_that_obstore_gives_up_at_once_is_sent_again(
    storage: S3Storage, faulty: S3Storage, proxy: FaultProxy, status: int, code: str
) -> None:
    proxy.break_requests("PUT", refused(status, code), times=2)
    faulty.put(FileKind.DATA, NAME, CONTENT)
    assert storage.get(FileKind.DATA, NAME) == CONTENT


@pytest.mark.parametrize("status", [400, 501])
def test_a_service_that_knows_no_checksums_is_used_without(storage: S3Storage, faulty: S3Storage, proxy: FaultProxy, status: int) -> None:
    def refuse_checksums(exchange: Exchange) -> Answer:
        if "x-amz-checksum-sha256" in exchange.headers:
            return refused(status, "InvalidArgument", "Unsupported header 'x-amz-checksum-sha256' received for this API call.")(exchange)
        return exchange.forward()

    proxy.break_requests("PUT", refuse_checksums, times=ALWAYS)
    faulty.put(FileKind.DATA, NAME, CONTENT)
    proxy.seen.clear()
    faulty.put(FileKind.DATA, OTHER, CONTENT)
    assert len(proxy.seen) == 1
    assert storage.get(FileKind.DATA, NAME) == storage.get(FileKind.DATA, OTHER) == CONTENT


def test_a_write_whose_every_answer_is_lost_counts_when_it_arrived(storage: S3Storage, faulty: S3Storage, proxy: FaultProxy) -> None:
    proxy.break_requests("PUT", answer_swallowed, times=ALWAYS)
    faulty.put(FileKind.DATA, NAME, CONTENT)
    faulty.put(FileKind.CONFIG, CONFIG_NAME, b"config")
    assert storage.get(FileKind.DATA, NAME) == CONTENT
    assert storage.get(FileKind.CONFIG, CONFIG_NAME) == b"config"


def test_what_lies_there_with_other_bytes_is_no_success(storage: S3Storage, faulty: S3Storage, proxy: FaultProxy) -> None:
    storage.put(FileKind.DATA, NAME, b"x" * len(CONTENT))
    proxy.break_requests("PUT", connection_cut, times=ALWAYS)
    with pytest.raises(StorageError, match="did not answer"):
        faulty.put(FileKind.DATA, NAME, CONTENT)


@pytest.mark.parametrize("status", [409, 412])
def test_a_conflict_is_a_success_when_the_same_bytes_lie_there(
    storage: S3Storage, faulty: S3Storage, proxy: FaultProxy, status: int
) -> None:
    storage.put(FileKind.DATA, NAME, CONTENT)
    proxy.break_requests("PUT", refused(status, "Conflict"), times=ALWAYS)
    faulty.put(FileKind.DATA, NAME, CONTENT)
    with pytest.raises(StorageError):
        faulty.put(FileKind.DATA, OTHER, CONTENT)


def test_a_config_that_somebody_else_wrote_in_the_meantime_stays(storage: S3Storage, faulty: S3Storage, proxy: FaultProxy) -> None:
    def somebody_is_faster(exchange: Exchange) -> Answer:
        storage.put(FileKind.CONFIG, CONFIG_NAME, b"theirs")
        return exchange.forward()

    proxy.break_requests("PUT", somebody_is_faster)
    with pytest.raises(ObjectExists):
        faulty.put(FileKind.CONFIG, CONFIG_NAME, b"ours")
    assert storage.get(FileKind.CONFIG, CONFIG_NAME) == b"theirs"


def test_a_service_without_conditional_puts_still_gets_a_config(storage: S3Storage, faulty: S3Storage, proxy: FaultProxy) -> None:
    def refuse_conditions(exchange: Exchange) -> Answer:
        return refused(501, "NotImplemented")(exchange) if "if-none-match" in exchange.headers else exchange.forward()

    proxy.break_requests("PUT", refuse_conditions, times=ALWAYS)
    faulty.put(FileKind.CONFIG, CONFIG_NAME, b"first")
    with pytest.raises(ObjectExists):
        faulty.put(FileKind.CONFIG, CONFIG_NAME, b"second")
    assert storage.get(FileKind.CONFIG, CONFIG_NAME) == b"first"


def test_a_delete_of_what_the_service_says_is_missing_passes(faulty: S3Storage, proxy: FaultProxy) -> None:
    proxy.break_requests("DELETE", refused(404, "NoSuchKey"))
    faulty.delete(FileKind.LOCK, NAME)


LASTING = [
    (refused(503, "SlowDown"), "busy or not available, in several attempts (SlowDown, request REQ42)", "later"),
    (refused(500, "InternalError"), "error of its own, in several attempts (InternalError, request REQ42)", "full"),
    (
        refused(507, "InsufficientStorage"),
        "the storage is full, or its quota is used up (InsufficientStorage, request REQ42)",
        "Free space",
    ),
    (refused(507), "the storage is full", "Free space"),
    (refused(403, "QuotaExceeded"), "quota is used up", "raise the quota"),
    (refused(403, "AccessDenied"), "not allowed to do that (AccessDenied, request REQ42)", "Object Lock"),
    (refused(403, "RequestTimeTooSkewed"), "the clock of this machine is wrong (RequestTimeTooSkewed", "Synchronise"),
    (refused(400, "ExpiredToken"), "session token is not valid any more (ExpiredToken", "temporary credentials"),
    (refused(403, "InvalidObjectState"), "archive class", "lifecycle"),
    (refused(301, "PermanentRedirect"), "another region", "s3.region"),
    (refused(400, "AuthorizationHeaderMalformed"), "another region (AuthorizationHeaderMalformed", "s3.region"),
    (refused(418, "Teapot"), "status 418 (Teapot, request REQ42)", "documentation"),
    (connection_cut, "did not answer, in several attempts", "network"),
]


@pytest.mark.parametrize(("fault", "words", "hint"), LASTING, ids=[words for _fault, words, _hint in LASTING])
def test_a_lasting_refusal_is_a_sentence_with_the_code_and_what_to_do(
    faulty: S3Storage, proxy: FaultProxy, fault: Fault, words: str, hint: str
) -> None:
    proxy.break_requests("*", fault, times=ALWAYS)
    with pytest.raises(StorageError) as caught:
        faulty.put(FileKind.INDEX, NAME, CONTENT)
    assert caught.value.what.startswith(f"Could not write {faulty.location}/index/{NAME}: ")
    assert words in caught.value.what
    assert hint in caught.value.hint
    assert not isinstance(caught.value, ObjectMissing)


def test_a_service_that_is_silent_is_given_up(faulty: S3Storage, proxy: FaultProxy) -> None:
    def wait(exchange: Exchange) -> Answer:
        time.sleep(1.5)
        return exchange.forward()

    storage = S3Storage(faulty._settings, dataclasses.replace(HASTY, retries=0, answer=0.3))
    proxy.break_requests("GET", wait, times=ALWAYS)
    with pytest.raises(StorageError, match="did not answer"):
        storage.get(FileKind.DATA, NAME)


@pytest.mark.parametrize("action", ["put", "get", "get_range", "stat", "list", "delete", "quarantine"])
def test_a_wrong_secret_is_named_by_every_request(object_store: ObjectStore, s3_location: str, action: str) -> None:
    storage = storage_at(s3_location, object_store.options(credentials=dataclasses.replace(ADMIN, secret_access_key="another-secret")))
    with pytest.raises(StorageError, match=r"the secret access key is wrong \(SignatureDoesNotMatch, request \w+\)"):
        every_action(storage)[action]()


@pytest.mark.parametrize("action", ["put", "get", "get_range", "list", "delete", "quarantine"])
def test_a_missing_bucket_is_no_missing_file(object_store: ObjectStore, action: str) -> None:
    storage = storage_at("s3://no-such-bucket/m365", object_store.options())
    with pytest.raises(StorageError, match=r"the bucket does not exist \(NoSuchBucket") as caught:
        every_action(storage)[action]()
    assert not isinstance(caught.value, ObjectMissing)


def test_a_missing_bucket_is_not_taken_for_one_without_a_repository(object_store: ObjectStore) -> None:
    storage = storage_at("s3://no-such-bucket/m365", object_store.options())
    with pytest.raises(StorageError, match="the bucket does not exist"):
        storage.stat(FileKind.CONFIG, CONFIG_NAME)


def every_action(storage: S3Storage) -> dict[str, t.Callable[[], object]]:
    return {
        "put": lambda: storage.put(FileKind.DATA, NAME, CONTENT),
        "get": lambda: storage.get(FileKind.DATA, NAME),
        "get_range": lambda: storage.get_range(FileKind.DATA, NAME, 0, 1),
        "stat": lambda: storage.stat(FileKind.DATA, NAME),
        "list": lambda: list(storage.list(FileKind.DATA)),
        "delete": lambda: storage.delete(FileKind.DATA, NAME),
        "quarantine": lambda: storage.quarantine(FileKind.DATA, NAME),
    }


def test_a_key_that_may_only_read_says_so_where_it_writes(object_store: ObjectStore, storage: S3Storage) -> None:
    storage.put(FileKind.DATA, NAME, CONTENT)
    reader = storage_at(storage.location, object_store.options(credentials=READER))
    assert reader.get(FileKind.DATA, NAME) == CONTENT
    for action in ("put", "delete", "quarantine"):
        with pytest.raises(StorageError, match=r"the access key is not allowed to do that \(AccessDenied"):
            every_action(reader)[action]()
    assert list(storage.list(FileKind.DATA)) == [StoredFile(NAME, len(CONTENT))]


def test_an_address_without_a_service_is_named(s3_location: str, object_store: ObjectStore) -> None:
    (port,) = free_ports(1)
    storage = storage_at(s3_location, object_store.options(endpoint=f"http://127.0.0.1:{port}"))
    with pytest.raises(StorageError, match=rf"http://127\.0\.0\.1:{port} refuses connections") as caught:
        storage.get(FileKind.DATA, NAME)
    assert "s3.endpoint" in caught.value.hint
    storage = storage_at(s3_location, object_store.options(endpoint="http://no-such-host.invalid"))
    with pytest.raises(StorageError, match=r"the host of http://no-such-host\.invalid has no address"):
        storage.get(FileKind.DATA, NAME)


def test_tls_needs_a_certificate_of_a_trusted_authority_for_that_host(
    object_store: ObjectStore, s3_location: str, storage: S3Storage, tmp_path: Path
) -> None:
    storage.put(FileKind.DATA, NAME, CONTENT)
    authority, stranger = trustme.CA(), trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    stranger.cert_pem.write_to_path(str(tmp_path / "stranger.pem"))

    def read(host: str, ca_bundle: str | None) -> bytes:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(host).configure_cert(context)
        path = str(tmp_path / ca_bundle) if ca_bundle else None
        with FaultProxy(object_store.port, context).running() as proxy:
            return storage_at(s3_location, object_store.options(endpoint=proxy.endpoint, ca_bundle=path)).get(FileKind.DATA, NAME)

    assert read("127.0.0.1", "authority.pem") == CONTENT
    for ca_bundle in ("stranger.pem", None):
        with pytest.raises(StorageError, match="is not from an authority that is trusted") as caught:
            read("127.0.0.1", ca_bundle)
        assert "s3.ca_bundle" in caught.value.hint
    with pytest.raises(StorageError, match="is for another host"):
        read("s3.example.com", "authority.pem")
    with pytest.raises(StorageError, match="does not speak TLS"):
        storage_at(s3_location, object_store.options(endpoint=f"https://127.0.0.1:{object_store.port}")).get(FileKind.DATA, NAME)


def test_what_a_service_echoes_of_the_credentials_is_not_shown(faulty: S3Storage, proxy: FaultProxy) -> None:
    def echo(exchange: Exchange) -> Answer:
        told = f"<Code>SignatureDoesNotMatch</Code><Message>token-in-message</Message><StringToSign>{exchange.headers}</StringToSign>"
        return Answer(403, {}, f"<Error>{told}<Token-0>{ADMIN.secret_access_key}</Token-0></Error>".encode())

    proxy.break_requests("*", echo, times=ALWAYS)
    for action in every_action(faulty).values():
        with pytest.raises(StorageError) as caught:
            action()
        shown = "".join(traceback.format_exception(caught.value)) + repr(caught.value.facts) + repr(faulty._settings)
        for secret in (ADMIN.secret_access_key, "token-in-message", "Signature="):
            assert secret not in shown


HOSTILE = {
    "AWS_SESSION_TOKEN": "a-token-of-somebody-else",
    "AWS_SKIP_SIGNATURE": "true",
    "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:1",
    "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
    "AWS_BUCKET": "another",
    "AWS_REGION": "eu-north-7",
    "AWS_VIRTUAL_HOSTED_STYLE_REQUEST": "true",
    "AWS_CHECKSUM_ALGORITHM": "nonsense",
    "AWS_ACCESS_KEY_ID": "somebody-else",
    "AWS_SECRET_ACCESS_KEY": "somebody-elses-secret",
    "AWS_PROFILE": "no-such-profile",
    "AWS_CONFIG_FILE": "/no/such/file",
}


def test_a_task_that_says_everything_does_not_care_what_the_environment_says(
    object_store: ObjectStore, s3_location: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in HOSTILE.items():
        monkeypatch.setenv(name, value)
    storage = storage_at(s3_location, object_store.options())
    storage.put(FileKind.DATA, NAME, CONTENT)
    assert storage.get(FileKind.DATA, NAME) == CONTENT


def test_the_environment_and_profiles_say_what_a_task_does_not(
    object_store: ObjectStore, s3_location: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", object_store.endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ADMIN.access_key_id)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", ADMIN.secret_access_key)
    storage_at(s3_location, StorageOptions()).put(FileKind.DATA, NAME, CONTENT)
    for name in ("AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    keys = f"aws_access_key_id = {ADMIN.access_key_id}\naws_secret_access_key = {ADMIN.secret_access_key}\n"
    (tmp_path / "credentials").write_text(f"[backup]\n{keys}", encoding="utf-8")
    (tmp_path / "config").write_text(f"[profile backup]\nendpoint_url = {object_store.endpoint}\n", encoding="utf-8")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_PROFILE", "backup")
    assert storage_at(s3_location, StorageOptions()).get(FileKind.DATA, NAME) == CONTENT


def test_the_role_of_the_machine_is_asked_when_nobody_gives_credentials(
    faulty: S3Storage, proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    role = {
        "Code": "Success",
        "AccessKeyId": "AKIAROLE",
        "SecretAccessKey": "x",
        "Token": "role-token",
        "Expiration": "2099-01-01T00:00:00Z",
    }
    answers = {"/latest/api/token": "a-token", "/latest/meta-data/iam/security-credentials/": "backup-role"}

    def metadata(exchange: Exchange) -> Answer:
        return Answer(200, {}, answers.get(exchange.path, json.dumps(role)).encode())

    monkeypatch.setenv("AWS_METADATA_ENDPOINT", proxy.endpoint)
    options = StorageOptions(s3=S3Options(endpoint=proxy.endpoint))
    proxy.break_requests("*", refused(403, "AccessDenied"), times=ALWAYS)
    proxy.break_requests("*", metadata, times=ALWAYS, part_of_path="/latest/")
    with pytest.raises(StorageError, match="AccessDenied"):
        storage_at(faulty.location, options).get(FileKind.DATA, NAME)
    method, _path, headers = proxy.seen[-1]
    assert method == "GET"
    assert "Credential=AKIAROLE/" in headers["authorization"]
    assert headers["x-amz-security-token"] == "role-token"
    proxy.break_requests("*", refused(404), times=ALWAYS, part_of_path="/latest/")
    with pytest.raises(StorageError, match="there are no credentials for the object store") as caught:
        storage_at(faulty.location, options).get(FileKind.DATA, NAME)
    assert "AWS profile" in caught.value.hint


def test_a_proxy_of_the_environment_is_used_unless_the_host_is_excepted(
    object_store: ObjectStore, s3_location: str, storage: S3Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage.put(FileKind.DATA, NAME, CONTENT)
    (port,) = free_ports(1)
    for name in ("HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{port}")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "127.0.0.1")
    assert storage_at(s3_location, object_store.options()).get(FileKind.DATA, NAME) == CONTENT
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "example.com")
    with pytest.raises(StorageError):
        storage_at(s3_location, object_store.options()).get(FileKind.DATA, NAME)


def test_a_full_storage_stops_the_writer_and_leaves_what_was_there(tmp_path: Path, object_store: ObjectStore) -> None:
    with running_seaweedfs(tmp_path / "small", "-volume.max=1", "-master.volumeSizeLimitMB=4") as small:
        storage = storage_at("s3://first/m365", small.options())
        stored: list[str] = []

        def store_without_end() -> None:
            for number in itertools.count():
                storage.put(FileKind.DATA, f"{number:064x}", random.Random(number).randbytes(1 << 20))
                stored.append(f"{number:064x}")

        with pytest.raises(StorageError, match=r"error of its own.*\(InternalError, request \w+\)") as caught:
            store_without_end()
        assert "full" in caught.value.hint
        assert stored
        assert [each.name for each in storage.list(FileKind.DATA)] == stored
        assert storage.get(FileKind.DATA, stored[0]) == random.Random(0).randbytes(1 << 20)


def test_a_provider_that_ignores_conditions_serves_all_the_same(tmp_path: Path, object_store: ObjectStore) -> None:
    with running_rclone(tmp_path / "rclone") as rclone:
        rclone.make_bucket("liar")
        rclone.request("PUT", "/liar/probe", body=b"first")
        assert rclone.try_request("PUT", "/liar/probe", body=b"second", headers={"if-none-match": "*"}).status == 200
        storage = storage_at("s3://liar/m365", rclone.options())
        storage.put(FileKind.CONFIG, CONFIG_NAME, b"first")
        with pytest.raises(ObjectExists):
            storage.put(FileKind.CONFIG, CONFIG_NAME, b"second")
        assert storage.get(FileKind.CONFIG, CONFIG_NAME) == b"first"
        for kind in (FileKind.DATA, FileKind.LOCK):
            storage.put(kind, NAME, CONTENT)
            assert list(storage.list(kind)) == [StoredFile(NAME, len(CONTENT))]
            assert storage.get_range(kind, NAME, len(CONTENT) - 1, 9) == CONTENT[-1:]
            assert storage.get_range(kind, NAME, len(CONTENT), 9) == b""
        storage.quarantine(FileKind.DATA, NAME)
        storage.delete(FileKind.LOCK, NAME)
        assert list(storage.list(FileKind.DATA)) == list(storage.list(FileKind.LOCK)) == []

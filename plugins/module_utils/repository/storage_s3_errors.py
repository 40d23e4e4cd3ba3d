# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What obstore says, in an administrator's words.

obstore has few classes of errors; the rest is in its text: the status, the service's error document, and the causes of
a failed connection. That text also quotes what the service echoes, session tokens included, so none of it is passed on
but the service's code and the request id.
"""

from __future__ import annotations

import dataclasses
import re

from .errors import ObjectMissing, StorageError
from .storage_s3_settings import NO_CREDENTIALS_HINT, S3Settings

_STATUS = re.compile(r"status code: ([1-5]\d\d)")
_CODE = re.compile(r"<Code>([A-Za-z0-9.]{1,64})</Code>|\(code: ([A-Za-z0-9.]{1,64})\)")
_REQUEST_ID = re.compile(r"<RequestId>([A-Za-z0-9/+=_-]{1,128})</RequestId>")
_CREDENTIAL_PLACES = ("//169.254.", "/latest/api/token", "/latest/meta-data/", "AssumeRoleWithWebIdentity", "WebIdentityToken", "//sts.")

_PASSING = frozenset(
    {
        "BadDigest",
        "ConditionalRequestConflict",
        "IncompleteBody",
        "OperationAborted",
        "RequestTimeout",
        "XAmzContentChecksumMismatch",
        "XAmzContentSHA256Mismatch",
    }
)

_Words = tuple[str, str]

_LATER = "Start the task again later; nothing that was stored before is affected."
_FULL: _Words = (
    "the storage is full, or its quota is used up",
    "Free space there or raise the quota; nothing that was stored before is affected.",
)
_DENIED: _Words = (
    "the access key is not allowed to do that",
    "Allow it to list the bucket, and to read, write and delete objects; an object that the bucket's Object Lock or policy protects stays.",
)
_REGION: _Words = ("the bucket is in another region", "Declare the region of the bucket in s3.region of the plan.")
_TOKEN: _Words = ("the session token is not valid any more", "Get new temporary credentials and start the task again.")
_CLOCK: _Words = ("the clock of this machine is wrong", "Synchronise the clock, for example with chrony or systemd-timesyncd.")
_BUSY: _Words = ("the service was busy or not available, in several attempts", _LATER)
_DEFECT: _Words = (
    "the service reports an error of its own, in several attempts",
    "Look into the service's log and whether its storage is full; nothing that was stored before is affected.",
)
_UNFIT: _Words = ("what arrived there is not what was sent, in several attempts", "Check the network between this machine and the service.")

_BY_CODE: dict[str, _Words] = {
    "AccessDenied": _DENIED,
    "AllAccessDisabled": _DENIED,
    "AuthorizationHeaderMalformed": _REGION,
    "BadDigest": _UNFIT,
    "ExpiredToken": _TOKEN,
    "IllegalLocationConstraintException": _REGION,
    "IncompleteBody": _UNFIT,
    "InsufficientStorage": _FULL,
    "InternalError": _DEFECT,
    "InvalidAccessKeyId": ("the service does not know the access key", "Check the access key id, and that it belongs to this endpoint."),
    "InvalidObjectState": (
        "the object is in an archive class",
        "Restore it from there, and let no lifecycle rule of the bucket move objects to an archive class.",
    ),
    "InvalidToken": _TOKEN,
    "NoSuchBucket": (
        "the bucket does not exist",
        "Make the bucket, or correct its name or the endpoint; no task makes a bucket.",
    ),
    "PermanentRedirect": _REGION,
    "QuotaExceeded": _FULL,
    "RequestExpired": _CLOCK,
    "RequestTimeout": (
        "the upload was too slow for the service, in several attempts",
        "Check the network between this machine and the service.",
    ),
    "RequestTimeTooSkewed": _CLOCK,
    "ServiceUnavailable": _BUSY,
    "SignatureDoesNotMatch": ("the secret access key is wrong", "Check the secret access key, and that it belongs to the access key id."),
    "SlowDown": _BUSY,
    "XAmzContentSHA256Mismatch": _UNFIT,
    "XMinioStorageFull": _FULL,
}

_BY_STATUS: dict[int, _Words] = {
    301: _REGION,
    307: _REGION,
    401: ("the service does not accept the credentials", "Check the access key id and the secret access key."),
    403: _DENIED,
    429: _BUSY,
    500: _DEFECT,
    503: _BUSY,
    507: _FULL,
}

_CERTIFICATE_HINT = "Name the certificate of its authority in s3.ca_bundle of the plan; certificates are always checked."
_NETWORK_HINT = "Check the endpoint in s3.endpoint of the plan, the network, and HTTPS_PROXY in the environment."
_BY_CAUSE: tuple[tuple[str, _Words], ...] = (
    ("NotValidForName", ("the certificate of {service} is for another host", "Write the endpoint with the name that the certificate has.")),
    ("Expired", ("the certificate of {service} has expired", "Renew the certificate there.")),
    ("InvalidCertificate", ("the certificate of {service} is not from an authority that is trusted", _CERTIFICATE_HINT)),
    ("InvalidContentType", ("{service} does not speak TLS", "Write the endpoint with http:// if that network is trusted.")),
    ("dns error", ("the host of {service} has no address", _NETWORK_HINT)),
    ("ConnectionRefused", ("{service} refuses connections", _NETWORK_HINT)),
    ("URL scheme is not allowed", ("{service} was redirected to an address without TLS", _NETWORK_HINT)),
)
_NO_ANSWER: _Words = ("{service} did not answer, in several attempts", _NETWORK_HINT)


@dataclasses.dataclass(frozen=True, slots=True)
class Refusal:
    """What a failed request came to. ``status`` is 0 when there was no answer, ``code`` is empty when the answer had none.

    ``ignores_ranges``: a part was asked for, and the answer was not marked as one.
    """

    status: int
    code: str
    request_id: str
    words: _Words
    ignores_ranges: bool

    @property
    def is_missing(self) -> bool:
        """The object is not there. HEAD says the same for a bucket that is not there."""
        return self.status == 404 and self.code != "NoSuchBucket"

    @property
    def is_conflict(self) -> bool:
        """Somebody has written the object, or is writing it."""
        return self.status in (409, 412)

    @property
    def is_uncertain(self) -> bool:
        """The service may have done it all the same, and nobody heard of it."""
        return self.status in (0, 500, 502, 504) or self.is_conflict

    @property
    def is_not_offered(self) -> bool:
        """The service does not know what the request asks for."""
        return self.status == 501

    @property
    def may_mean_checksums(self) -> bool:
        """The service may have stumbled over a checksum header; some name it in a message, none in a code of its own."""
        return self.status in (400, 501) and self.code in ("", "InvalidArgument", "InvalidRequest", "NotImplemented", "UnsupportedHeader")

    @property
    def may_pass(self) -> bool:
        """The upload was damaged on the way, too slow, or in somebody's way. obstore takes these for final."""
        return self.code in _PASSING

    @property
    def is_behind_the_end(self) -> bool:
        """A range begins where the object ends, or later."""
        return self.status == 416

    @property
    def has_no_document(self) -> bool:
        """The service refused without saying why, as it does to a HEAD."""
        return 400 <= self.status < 500 and not self.code

    def as_error(self, action: str, key: str, settings: S3Settings) -> StorageError:
        """``action`` continues "Could not"."""
        reason, hint = (text.format(service=settings.service) for text in self.words)
        origin = ", ".join(part for part in (self.code, self.request_id and f"request {self.request_id}") if part)
        facts = {"status": self.status or None, "code": self.code or None, "request_id": self.request_id or None}
        return (ObjectMissing if self.is_missing else StorageError)(
            f"Could not {action} {settings.location}/{key}: {reason}{f' ({origin})' if origin else ''}.",
            hint=hint,
            facts={name: value for name, value in facts.items() if value is not None},
        )


def read_refusal(error: Exception) -> Refusal:
    """From an exception of obstore."""
    text = str(error)
    status_found, code_found, id_found = _STATUS.search(text), _CODE.search(text), _REQUEST_ID.search(text)
    code = (code_found.group(1) or code_found.group(2)) if code_found else ""
    if status_found:
        status = int(status_found.group(1))
    elif "redirect without LOCATION" in text:
        status = 301
    elif isinstance(error, FileNotFoundError):
        status = 404
    elif code:
        status = 403
    else:
        status = 0
    request_id = id_found.group(1) if id_found else ""
    return Refusal(status, code, request_id, _words(text, status, code), ignores_ranges="non-partial response" in text)


def _words(text: str, status: int, code: str) -> _Words:
    if any(place in text for place in _CREDENTIAL_PLACES):
        return ("there are no credentials for the object store", NO_CREDENTIALS_HINT)
    if code in _BY_CODE:
        return _BY_CODE[code]
    if status == 404:
        return ("it does not exist", "Run a verification of the repository.")
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    if status:
        return (f"the service answered with status {status}", "Look for the code in the service's documentation and log.")
    return next((words for cause, words in _BY_CAUSE if cause in text), _NO_ANSWER)

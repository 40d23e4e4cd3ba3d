# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which bucket, reached where and as whom: from the location, the options, the environment and AWS profiles. No network here.

All of it is decided here and handed to obstore, which would otherwise mix what a task says with the environment.
"""

from __future__ import annotations

import dataclasses
import re
import urllib.parse

from .._errors import InputError
from .storage_options import S3Credentials, StorageOptions
from .storage_s3_profiles import Profile, profile_credentials, read_profile

SCHEME = "s3://"
DEFAULT_REGION = "us-east-1"

NO_CREDENTIALS_HINT = (
    "Give s3_access_key_id and s3_secret_access_key, set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment,"
    " or name an AWS profile in s3.profile of the plan."
)

_ROLE_VARIABLES = ("AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI")
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,253}[A-Za-z0-9]", re.ASCII)
_PREFIX_PART = re.compile(r"[A-Za-z0-9!_.'()-]+", re.ASCII)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class S3Settings:
    """A resolved place. C(endpoint) is None for AWS itself; without C(credentials) the role of the machine or container counts.

    ``certificates``: trusted ones besides those of the system, in PEM form.
    """

    bucket: str
    prefix: str
    endpoint: str | None
    region: str
    path_style: bool
    certificates: bytes | None
    credentials: S3Credentials | None

    @property
    def location(self) -> str:
        return f"{SCHEME}{self.bucket}/{self.prefix}".rstrip("/")

    @property
    def address(self) -> str | None:
        """What the path of an object follows on; None for AWS itself."""
        if self.endpoint is None or self.path_style:
            return self.endpoint
        scheme, _separator, host = self.endpoint.partition("://")
        return f"{scheme}://{self.bucket}.{host}"

    @property
    def allows_http(self) -> bool:
        return self.endpoint is not None and self.endpoint.startswith("http://")

    @property
    def service(self) -> str:
        """Where requests go, for messages."""
        return self.endpoint or f"AWS in the region {self.region}"


def resolve_settings(location: str, options: StorageOptions) -> S3Settings:
    """Options win over an AWS profile that they name, that over the environment, that over the profile of the environment.

    A task that gives credentials and whose plan names no profile does not depend on AWS's files at all.
    Raises InputError for what cannot be used; its text holds no secret.
    """
    bucket, prefix = split_location(location)
    given, environment = options.s3, options.environment
    asks_files = given.profile is not None or options.credentials is None
    profile = read_profile(given.profile, environment) if asks_files else {}
    named = profile if given.profile else {}
    unnamed: Profile = {} if given.profile else profile

    def first(option: str | None, setting: str, *variables: str) -> str | None:
        values = (option, named.get(setting), *(environment.get(variable) for variable in variables), unnamed.get(setting))
        return next((value for value in values if value), None)

    endpoint = first(given.endpoint, "endpoint_url", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")
    if endpoint is not None:
        endpoint = _checked_endpoint(endpoint)
    path_style = given.path_style
    if path_style is None:
        path_style = endpoint is not None or "." in bucket
    return S3Settings(
        bucket=bucket,
        prefix=prefix,
        endpoint=endpoint,
        region=first(given.region, "region", "AWS_REGION", "AWS_DEFAULT_REGION") or DEFAULT_REGION,
        path_style=path_style,
        certificates=_certificates(first(given.ca_bundle, "ca_bundle", "AWS_CA_BUNDLE")),
        credentials=_credentials(options, profile),
    )


def split_location(location: str) -> tuple[str, str]:
    """Bucket and prefix of C(s3://bucket/prefix); the prefix has no slash at its ends. Raises InputError."""
    shown = "" if "@" in location else f" {location!r}"  # before an @ there may be a secret
    bucket, _slash, path = location.removeprefix(SCHEME).partition("/")
    if not _BUCKET.fullmatch(bucket):
        raise InputError(
            f"The repository location{shown} names no valid bucket.", hint="Write it as s3://bucket/prefix, without credentials."
        )
    parts = [part for part in path.split("/") if part]
    for part in parts:
        if part in (".", "..") or not _PREFIX_PART.fullmatch(part):
            raise InputError(
                f"The prefix of the repository location{shown} cannot be used.",
                hint="Use letters, digits and the characters - _ . ! ' ( ) between its slashes.",
            )
    return bucket, "/".join(parts)


def _credentials(options: StorageOptions, profile: Profile) -> S3Credentials | None:
    """One whole set: a session token of the environment does not belong to the key of a task."""
    if options.credentials is not None:
        return options.credentials
    if options.s3.profile:
        return profile_credentials(options.s3.profile, profile, is_asked_for=True)
    environment = options.environment
    key, secret = environment.get("AWS_ACCESS_KEY_ID"), environment.get("AWS_SECRET_ACCESS_KEY")
    if key and secret:
        return S3Credentials(access_key_id=key, secret_access_key=secret, session_token=environment.get("AWS_SESSION_TOKEN") or None)
    found = profile_credentials(environment.get("AWS_PROFILE") or "default", profile, is_asked_for=False)
    has_role = any(environment.get(name) for name in _ROLE_VARIABLES)
    if found is None and not has_role and environment.get("AWS_EC2_METADATA_DISABLED", "").lower() == "true":
        raise InputError("There are no credentials for the object store.", hint=NO_CREDENTIALS_HINT)
    return found


def _checked_endpoint(endpoint: str) -> str:
    try:
        parts = urllib.parse.urlsplit(endpoint)
        host = parts.hostname
        _port = parts.port
    except ValueError:
        host = None
    has_more = host is None or parts.username is not None or parts.path.strip("/") or parts.query or parts.fragment
    if has_more or parts.scheme not in ("http", "https"):
        raise InputError(
            "The endpoint of the object store cannot be used.",
            hint="Write it as https://host or https://host:port, without bucket, path and credentials.",
        )
    return endpoint.rstrip("/")


def _certificates(path: str | None) -> bytes | None:
    if path is None:
        return None
    try:
        with open(path, "rb") as file:
            content = file.read()
    except OSError as error:
        raise InputError(
            f"The certificate bundle {path} of the object store cannot be read: {error.strerror}.",
            hint="Name a readable file with trusted certificates in PEM form in s3.ca_bundle of the plan, or correct AWS_CA_BUNDLE.",
        ) from None
    if b"-----BEGIN CERTIFICATE-----" not in content:
        raise InputError(
            f"The certificate bundle {path} of the object store holds no certificate in PEM form.",
            hint="Name a file with trusted certificates in PEM form in s3.ca_bundle of the plan, or correct AWS_CA_BUNDLE.",
        )
    return content

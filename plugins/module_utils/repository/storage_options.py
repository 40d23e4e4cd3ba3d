# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a storage needs to know besides its location."""

from __future__ import annotations

import dataclasses
import os
import typing as t


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class S3Options:
    """How an object store is reached. No secrets. None means: as the environment, the AWS profile or the service has it."""

    endpoint: str | None = None
    region: str | None = None
    path_style: bool | None = None
    ca_bundle: str | None = None
    profile: str | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class S3Credentials:
    """Who we are for an object store."""

    access_key_id: str
    secret_access_key: str = dataclasses.field(repr=False)
    session_token: str | None = dataclasses.field(default=None, repr=False)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class StorageOptions:
    """C(credentials) is None when the environment or an AWS profile shall give them."""

    s3: S3Options = S3Options()
    credentials: S3Credentials | None = None
    environment: t.Mapping[str, str] = dataclasses.field(default_factory=lambda: os.environ, repr=False)

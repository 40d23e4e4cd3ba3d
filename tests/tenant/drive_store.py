# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a drive keeps: items, versions, permissions. Knows nothing of HTTP.

Made for 200,000 files: an item is a handful of fields, what few of them have lies in L(Details), and bytes are described
(L(drive_content)) rather than kept.
"""

from __future__ import annotations

import dataclasses
import typing as t

from .call import GraphError

if t.TYPE_CHECKING:
    from .drive_content import Content

ROOT = 0  # number of the root


@dataclasses.dataclass(frozen=True, slots=True)
class Identity:
    """Who created or changed something: C(kind) is user or application."""

    kind: str
    id: str
    name: str
    email: str = ""


@dataclasses.dataclass(slots=True)
class Version:
    """An earlier version of a file; C(number) 3 is "3.0" for clients."""

    number: int
    modified: int
    content: Content
    by: Identity | None


@dataclasses.dataclass(slots=True)
class Permission:
    """A permission where it was given; C(body) is its JSON but for id and inheritance."""

    id: str
    body: dict[str, t.Any]


@dataclasses.dataclass(slots=True)
class Details:
    """What few items have."""

    versions: list[Version] = dataclasses.field(default_factory=list)  # oldest first, without the current one
    permissions: list[Permission] = dataclasses.field(default_factory=list)
    facets: dict[str, t.Any] = dataclasses.field(default_factory=dict)  # further JSON of the item, as it is
    mime: str | None = None
    stated_size: int | None = None  # where metadata and bytes disagree
    stated_hash: str | None = None  # base64, or "none"
    malware: str | None = None  # refuse, header
    unavailable: int | None = None  # status with which its content is answered for ever
    package: str | None = None  # "oneNote"
    remote: dict[str, t.Any] | None = None  # remoteItem of a shortcut
    locked: str | None = None  # checked_out, record (T2)
    label: dict[str, t.Any] | None = None  # retentionLabel
    sharing_changed: int = 0  # version of the drive at the last change of permissions


@dataclasses.dataclass(slots=True, eq=False)
class Item:
    """A file (has C(content)), a folder or package (has C(children)), or a shortcut (has neither). Times are seconds since 1970."""

    number: int
    name: str
    parent: int | None
    created: int
    modified: int
    client_created: int  # fileSystemInfo
    client_modified: int
    content: Content | None = None
    children: dict[str, int] | None = None  # by folded name
    etag: int = 1
    ctag: int = 1
    changed: int = 0  # version of the drive at the last change
    revision: int = 1  # number of the current version
    deleted: bool = False
    created_by: Identity | None = None  # None: the owner
    modified_by: Identity | None = None
    details: Details | None = None

    @property
    def more(self) -> Details:
        """The details, made if there are none."""
        if self.details is None:
            self.details = Details()
        return self.details

    def current(self) -> list[Version]:
        """The version of now, of a file."""
        return [] if self.content is None else [Version(self.revision, self.modified, self.content, self.modified_by)]


def folded(name: str) -> str:
    """What two names have in common that differ in case only; one character stays one character, as SharePoint compares."""
    if name.isascii():
        return name.lower()
    return "".join(upper if len(upper := one.upper()) == 1 else one for one in name)


def item_not_found() -> GraphError:
    return GraphError(404, "itemNotFound", "Item not found")

# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What was read of a file or folder of a drive, in a form that outlives memory and the run.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t
from dataclasses import asdict, dataclass

from ..repository.types import BlobId, Node, NodeKind, Path
from .catalogue import Record
from .drive_record import Entry, modified
from .layout import META, short_hash
from .results import Finding, FindingKind
from .scan_marks import SCAN, Mark

if t.TYPE_CHECKING:
    from ..repository.types import SavedFile

_SHARDS = 1024


@dataclass(frozen=True, slots=True)
class Body:
    """A content in the repository."""

    size: int
    blobs: tuple[str, ...]

    @classmethod
    def of(cls, saved: SavedFile) -> Body:
        return cls(saved.size, tuple(saved.content))

    @classmethod
    def of_node(cls, node: Node) -> Body:
        return cls(node.size, tuple(node.content))

    def node(self, name: str, record: Record) -> Node:
        """A file of that name with the time that the record gives."""
        return Node(name, NodeKind.FILE, modified(record), self.size, tuple(BlobId(blob) for blob in self.blobs))


@dataclass(frozen=True, slots=True)
class Version:
    """An earlier content of a file. C(name) is what Graph calls the version, C(scan) what is not clean about it."""

    name: str
    modified: str
    body: Body
    scan: Mark | None = None

    def record(self, item_id: str) -> Record:
        file = "/".join((*versions_path(item_id), _plain(self.name)))
        record = {"id": self.name, "size": self.body.size, "modified": self.modified, "file": file}
        return record if self.scan is None else {**record, SCAN: self.scan}

    def node(self) -> Node:
        return self.body.node(_plain(self.name), {"modified": self.modified})


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What was read. None stands for what was not asked for or could not be read.

    C(content) is what the record says of C(body). C(versions) are the newest first. C(permissions) is a JSON file.
    C(findings) name no object: who reads them knows it. C(is_gone): the item does not exist any more, or not yet.
    C(has_failed): the next run asks for the item again.
    """

    content: Record | None = None
    body: Body | None = None
    versions: tuple[Version, ...] | None = None
    permissions: Body | None = None
    findings: tuple[Finding, ...] = ()
    is_gone: bool = False
    stored_bytes: int = 0

    @property
    def has_failed(self) -> bool:
        return self.is_gone or bool(self.findings)

    def bodies(self) -> t.Iterator[Body]:
        """Everything in the repository that the answer stands for."""
        yield from (body for body in (self.body, self.permissions) if body is not None)
        yield from (version.body for version in self.versions or ())

    def as_dict(self) -> dict[str, t.Any]:
        return {**asdict(self), "findings": [finding.as_dict() for finding in self.findings]}

    @classmethod
    def from_dict(cls, document: t.Mapping[str, t.Any]) -> Answer:
        versions = document["versions"]
        return cls(
            content=document["content"],
            body=_body(document["body"]),
            versions=None
            if versions is None
            else tuple(
                Version(one["name"], one["modified"], Body(one["body"]["size"], tuple(one["body"]["blobs"])), one.get(SCAN))
                for one in versions
            ),
            permissions=_body(document["permissions"]),
            findings=tuple(Finding(**{**one, "kind": FindingKind(one["kind"])}) for one in document["findings"]),
            is_gone=document["is_gone"],
            stored_bytes=document["stored_bytes"],
        )


def content_key(entry: Entry) -> str:
    """Equal for two statements that speak of the same content."""
    return f"{entry.hash}:{entry.size}" if entry.hash else entry.etag


def versions_path(item_id: str) -> Path:
    """The directory with the earlier contents of a file, below the top of the source."""
    return (META, "versions", _shard(item_id), short_hash(item_id, 32))


def permissions_path(item_id: str) -> Path:
    """The file with the permissions of an item, below the top of the source."""
    return (META, "permissions", _shard(item_id), f"{short_hash(item_id, 32)}.json")


def _shard(item_id: str) -> str:
    return f"{int(short_hash(item_id, 8), 16) % _SHARDS:04d}"


def _plain(name: str) -> str:
    """The name of a version as that of a file. Graph's are numbers with a point."""
    return name if name.replace(".", "").isalnum() else short_hash(name, 16)


def _body(document: t.Mapping[str, t.Any] | None) -> Body | None:
    return None if document is None else Body(document["size"], tuple(document["blobs"]))

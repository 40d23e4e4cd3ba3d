# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Snapshots as JSON. Facts: restic's C(doc/design.rst), "Snapshots"."""

from __future__ import annotations

import typing as t
from datetime import datetime

from . import go_text
from .errors import Malformed, RepositoryDamaged
from .object_files import ObjectFiles, is_id, object_name
from .storage import FileKind
from .types import Snapshot, SnapshotId, TreeId

PROGRAM = "tenantvault.m365_backup"


def encode_snapshot(
    tree: TreeId,
    *,
    time: datetime,
    hostname: str,
    paths: t.Sequence[str],
    tags: t.Sequence[str],
    parent: SnapshotId | None,
) -> dict[str, t.Any]:
    fields: dict[str, t.Any] = {"time": go_text.format_time(time)}
    if parent is not None:
        fields["parent"] = parent
    fields |= {"tree": tree, "paths": list(paths), "hostname": hostname}
    if tags:
        fields["tags"] = list(tags)
    fields["program_version"] = PROGRAM
    return fields


def read_snapshot(files: ObjectFiles, snapshot: SnapshotId) -> Snapshot:
    """Raises RepositoryDamaged that names the snapshot."""
    content = files.read(FileKind.SNAPSHOT, snapshot)
    try:
        return decode_snapshot(snapshot, content)
    except Malformed as error:
        raise RepositoryDamaged(object_name(FileKind.SNAPSHOT, snapshot), str(error)) from error


def decode_snapshot(snapshot: SnapshotId, content: t.Mapping[str, t.Any]) -> Snapshot:
    """Raises Malformed."""
    tree, parent, original = content.get("tree"), content.get("parent"), content.get("original")
    if not is_id(tree):
        raise Malformed("names no tree")
    return Snapshot(
        id=snapshot,
        time=go_text.parse_time(content.get("time")),
        tree=TreeId(tree),
        hostname=_text(content, "hostname"),
        paths=_texts(content, "paths"),
        tags=_texts(content, "tags"),
        parent=SnapshotId(parent) if is_id(parent) else None,
        username=_text(content, "username"),
        program=_text(content, "program_version"),
        original=SnapshotId(original) if is_id(original) else None,
    )


def with_tags(snapshot: SnapshotId, content: t.Mapping[str, t.Any], tags: t.Sequence[str]) -> dict[str, t.Any]:
    """The snapshot with other tags; whatever else it says stays, also what only restic knows of."""
    fields = {**content, "original": content.get("original") or snapshot, "tags": list(tags)}
    if not tags:
        del fields["tags"]
    return fields


def with_tree(snapshot: SnapshotId, content: t.Mapping[str, t.Any], tree: TreeId) -> dict[str, t.Any]:
    """The snapshot with another tree; whatever else it says stays, as with C(restic rewrite --forget)."""
    return {**content, "original": content.get("original") or snapshot, "tree": tree}


def _text(content: t.Mapping[str, t.Any], field: str) -> str:
    value = content.get(field) or ""
    if not isinstance(value, str):
        raise Malformed(f"holds no text in {field}")
    return value


def _texts(content: t.Mapping[str, t.Any], field: str) -> tuple[str, ...]:
    value = content.get(field) or []
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise Malformed(f"holds no list of texts in {field}")
    return tuple(value)

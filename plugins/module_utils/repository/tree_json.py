# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Directories as JSON, byte for byte as restic writes them, since a tree is named by the hash of its bytes.

Facts: restic's C(doc/design.rst), "Trees and Data"; the fields of its node structure; Go's C(os.FileMode).
"""

from __future__ import annotations

import itertools
import json
import typing as t

from . import go_text
from .errors import Malformed
from .object_files import is_id
from .types import BlobId, Node, NodeKind, TreeId

_BEGIN_TEXT, _END_TEXT = '{"nodes":[', "]}\n"
_BEGIN, _END = _BEGIN_TEXT.encode(), _END_TEXT.encode()
#: So many are JSON at a time: a directory of 50,000 entries takes half as much memory so.
_NODES_AT_ONCE = 512
_read_value = json.JSONDecoder().raw_decode
_GO_DIRECTORY_BIT = 1 << 31
_MODES = {NodeKind.FILE: 0o600, NodeKind.DIRECTORY: _GO_DIRECTORY_BIT | 0o700}
_KINDS = {
    "file": NodeKind.FILE,
    "dir": NodeKind.DIRECTORY,
    **dict.fromkeys(("symlink", "dev", "chardev", "fifo", "socket", "irregular"), NodeKind.OTHER),
}


def encode_tree(nodes: t.Iterable[Node]) -> bytes:
    """The blob of a directory. Raises ValueError for names that no directory can hold, duplicates, and foreign kinds."""
    by_name = {}
    for node in nodes:
        _refuse_bad_name(node.name)
        key = go_text.name_bytes(node.name)
        if key in by_name:
            raise ValueError(f"the name {node.name!r} is twice in one directory")
        by_name[key] = node
    parts = [_BEGIN]
    keys = iter(sorted(by_name))
    while some := list(itertools.islice(keys, _NODES_AT_ONCE)):
        if len(parts) > 1:
            parts.append(b",")
        parts.append(go_text.dump_json([_node_to_json(by_name[key]) for key in some])[1:-1])
    parts.append(_END)
    return b"".join(parts)


def decode_tree(data: bytes) -> tuple[Node, ...]:
    """The entries in their order. Raises Malformed."""
    nodes = _read_usual(data)
    if nodes is None:
        nodes = go_text.load_json_object(data).get("nodes")
    if nodes is None:
        return ()
    if not isinstance(nodes, list):
        raise Malformed("holds no list of entries")
    decoded = tuple(node if isinstance(node, Node) else _node_from_json(node) for node in nodes)
    if len({node.name for node in decoded}) != len(decoded):
        raise Malformed("holds the same name twice")
    return decoded


def _read_usual(data: bytes) -> list[Node] | None:
    """The entries of a directory that holds nothing besides, one after the other: all at once their JSON would take as much memory again.

    None for every other directory.
    """
    nodes: list[Node] = []
    try:
        text = data.decode("utf-8")
        if not text.startswith(_BEGIN_TEXT):
            return None
        position = len(_BEGIN_TEXT)
        while True:
            fields, position = _read_value(text, position)
            nodes.append(_node_from_json(fields))
            if text[position] != ",":
                break
            position += 1
    except (ValueError, IndexError, RecursionError):
        return None
    return nodes if text[position:] == _END_TEXT else None


def _node_to_json(node: Node) -> dict[str, t.Any]:
    if node.kind is NodeKind.OTHER:
        raise ValueError(f"{node.name!r} is neither file nor directory")
    moment = go_text.format_time(node.modified)
    fields: dict[str, t.Any] = {
        "name": go_text.quote_name(node.name),
        "type": node.kind.value,
        "mode": _MODES[node.kind],
        "mtime": moment,
        "atime": moment,
        "ctime": moment,
        "uid": 0,
        "gid": 0,
    }
    if node.kind is NodeKind.DIRECTORY:
        if node.subtree is None:
            raise ValueError(f"the directory {node.name!r} has no tree")
        fields["content"] = None
        fields["subtree"] = node.subtree
        return fields
    if node.size:
        fields["size"] = node.size
    fields["content"] = list(node.content)
    return fields


def _node_from_json(fields: object) -> Node:
    if not isinstance(fields, dict):
        raise Malformed("holds an entry that is no JSON object")
    quoted, kind = fields.get("name"), _KINDS.get(str(fields.get("type")))
    if not isinstance(quoted, str) or kind is None:
        raise Malformed("holds an entry without name or of unknown type")
    name = go_text.unquote_name(quoted)
    try:
        _refuse_bad_name(name)
    except ValueError as error:
        raise Malformed("holds a name that no directory can hold") from error
    modified = go_text.parse_time(fields.get("mtime"))
    if kind is NodeKind.DIRECTORY:
        subtree = fields.get("subtree")
        if not is_id(subtree):
            raise Malformed("holds a directory without its tree")
        return Node(name, kind, modified, subtree=TreeId(subtree))
    if kind is NodeKind.OTHER:
        return Node(name, kind, modified)
    size, content = fields.get("size", 0), fields.get("content") or []
    if not go_text.is_integer(size) or size < 0 or not isinstance(content, list) or not all(is_id(blob) for blob in content):
        raise Malformed("holds a file without a valid size or content")
    return Node(name, kind, modified, size, tuple(BlobId(blob) for blob in content))


def _refuse_bad_name(name: str) -> None:
    if name in ("", ".", "..") or "/" in name or "\0" in name:
        raise ValueError(f"{name!r} is no name of a file")

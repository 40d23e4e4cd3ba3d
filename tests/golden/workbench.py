# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Takes a repository apart and puts its pieces together otherwise, without a line of the collection's own repository room."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import random
import struct
import sys
import typing as t
from pathlib import Path

import zstandard
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.poly1305 import Poly1305

ROOT = Path(__file__).resolve().parents[2]
TOOL = ROOT / "docs/recovery/m365_recover.py"
Losses = dict[str, list[str]]  # id of a snapshot → paths in it
Document = dict[str, t.Any]


def load_tool() -> t.Any:
    """The recovery tool as a module."""
    spec = importlib.util.spec_from_file_location("m365_recover", TOOL)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


recover = load_tool()


class Blob(t.NamedTuple):
    """A blob to be packed. ``kind`` is 0 for data and 1 for a tree."""

    kind: int
    content: bytes
    is_compressed: bool = True


class Workbench:
    """A repository in a folder. The same seed makes the same bytes."""

    def __init__(self, folder: Path, passphrase: str, seed: str) -> None:
        self.folder = folder
        self.chance = random.Random(seed)
        self.reader = recover.Repository(folder, passphrase, recover.Progress())
        self.key = self.reader.key

    # Looking

    def file(self, kind: str, name: str) -> Path:
        return self.folder / kind / (name[:2] if kind == "data" else "") / name

    def names(self, kind: str) -> list[str]:
        return [path.name for path in self.reader.files(kind)]

    def blobs(self, pack: str) -> list[t.Any]:
        """The copies in a pack: id, kind, number of the pack, offset, length, plain length."""
        numbers = {path.name: number for number, path in enumerate(self.reader.packs)}
        return list(self.reader.copies("pack = ?", numbers[pack]))

    def pack_of(self, blob: str) -> str:
        rows = self.reader.copies("blob = ?", bytes.fromhex(blob))
        return str(self.reader.packs[rows[0][2]].name)

    def content(self, blob: str, kind: int = 0) -> bytes:
        return bytes(self.reader.read(kind, bytes.fromhex(blob)))

    def document(self, kind: str, name: str) -> Document:
        content = self.key.open(self.file(kind, name).read_bytes())
        return dict(json.loads(zstandard.decompress(content[1:]) if content[:1] == b"\x02" else content))

    def files_of(self) -> dict[str, dict[str, str]]:
        """{snapshot: {path: SHA-256}} of every file."""
        return {
            snapshot.id: {
                recover.show_path(steps): hashlib.sha256(b"".join(self.reader.read(0, blob) for blob in node.content)).hexdigest()
                for steps, node in self.reader.walk(snapshot.tree)
                if node.kind == "file"
            }
            for snapshot in self.reader.snapshots()
        }

    def blobs_below(self, snapshot: t.Any) -> t.Iterator[tuple[str, str, set[str]]]:
        """Path, kind and blobs of every entry: all trees on the way to it, and its own content or tree."""
        on_the_way: dict[tuple[bytes, ...], set[str]] = {(): {snapshot.tree.hex()}}
        for steps, node in self.reader.walk(snapshot.tree):
            own = {blob.hex() for blob in node.content} | ({node.subtree.hex()} if node.subtree else set())
            needed = on_the_way[steps[:-1]] | own
            if node.subtree:
                on_the_way[steps] = needed
            yield recover.show_path(steps), node.kind, needed

    def losses(self, lost: t.Collection[str]) -> Losses:
        """The files that cannot be restored once these blobs are lost."""
        found: Losses = {}
        for snapshot in self.reader.snapshots():
            paths = [path for path, kind, needed in self.blobs_below(snapshot) if kind == "file" and needed & set(lost)]
            if paths:
                found[snapshot.id] = paths
        return found

    # Changing

    def seal(self, plain: bytes) -> bytes:
        nonce = self.chance.randbytes(16)
        ciphertext = Cipher(algorithms.AES(self.key.encrypt), modes.CTR(nonce)).encryptor().update(plain)
        one_time = Cipher(algorithms.AES(self.key.mac_k), modes.ECB()).encryptor().update(nonce)
        return nonce + ciphertext + Poly1305.generate_tag(self.key.mac_r + one_time, ciphertext)

    def store(self, kind: str, content: bytes) -> str:
        name = hashlib.sha256(content).hexdigest()
        path = self.file(kind, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return name

    def store_document(self, kind: str, document: Document) -> str:
        return self.store(kind, self.seal(b"\x02" + zstandard.compress(json.dumps(document).encode())))

    def remove(self, kind: str, *names: str) -> None:
        for name in names:
            self.file(kind, name).unlink()

    def flip(self, kind: str, name: str, offset: int) -> None:
        """Flip one bit of a file, whatever it was named after."""
        path = self.file(kind, name)
        content = bytearray(path.read_bytes())
        content[offset] ^= 0x10
        path.write_bytes(content)

    def store_pack(self, blobs: t.Iterable[Blob]) -> Document:
        """Write a pack; its entry for an index."""
        body, entries, listed = b"", b"", []
        for kind, content, is_compressed in blobs:
            sealed = self.seal(zstandard.compress(content) if is_compressed else content)
            blob = hashlib.sha256(content)
            lengths = struct.pack("<II", len(sealed), len(content)) if is_compressed else struct.pack("<I", len(sealed))
            entries += bytes([kind + 2 * is_compressed]) + lengths + blob.digest()
            entry = {"id": blob.hexdigest(), "type": ("data", "tree")[kind], "offset": len(body), "length": len(sealed)}
            listed.append(entry | ({"uncompressed_length": len(content)} if is_compressed else {}))
            body += sealed
        header = self.seal(entries)
        return {"id": self.store("data", body + header + struct.pack("<I", len(header))), "blobs": listed}

    def unpacked(self, pack: str) -> list[Blob]:
        return [Blob(kind, bytes(self.reader.read(kind, blob))) for blob, kind, *_place in self.blobs(pack)]

    def merged_index(self) -> Document:
        return {"packs": [pack for name in self.names("index") for pack in self.document("index", name)["packs"]]}

    def replace_packs(self, old: t.Collection[str], new: t.Iterable[Document]) -> None:
        """Take packs away and name others in one index file, as a prune does."""
        index = self.merged_index()
        index["packs"] = [pack for pack in index["packs"] if pack["id"] not in old] + list(new)
        self.remove("index", *self.names("index"))
        self.store_document("index", index)
        self.remove("data", *old)

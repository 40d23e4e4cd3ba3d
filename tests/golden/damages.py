# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What can happen to a repository, done to a copy of a good one. Each says what is lost by it, and what has to be named."""

from __future__ import annotations

import dataclasses
import shutil
import typing as t

from .workbench import Blob, Losses, Workbench


@dataclasses.dataclass(frozen=True, kw_only=True)
class Damage:
    """The consequences.

    ``named`` are (the beginnings of) ids that a check has to name, ``lost`` what a reader with an index cannot restore,
    ``lost_for_good`` what nobody can. A repository with ``is_refused`` is not opened at all. ``is_clean`` says whether our check
    finds it free of errors, ``restic`` whether restic does (None: not asked, its versions differ or try again for a minute).
    """

    named: tuple[str, ...] = ()
    lost: Losses = dataclasses.field(default_factory=dict)
    lost_for_good: Losses = dataclasses.field(default_factory=dict)
    lost_snapshots: tuple[str, ...] = ()
    needs_repair: bool = False
    is_refused: bool = False
    is_clean: bool = False
    restic: bool | None = False


def gone(bench: Workbench, blobs: t.Collection[str], *named: str, **more: t.Any) -> Damage:
    lost = bench.losses(blobs)
    return Damage(named=named, lost=lost, lost_for_good=lost, **more)


class Pieces:
    """The pieces of the good repository that damages pick."""

    def __init__(self, bench: Workbench) -> None:
        first, last = bench.reader.snapshots()
        self.first, self.last = first.id, last.id
        blobs = {path: own for path, _kind, own in bench.blobs_below(first)}
        inbox = next(path for path in sorted(blobs) if path.endswith("/Inbox"))
        parent = blobs[inbox.rpartition("/")[0]]
        message = next(path for path in sorted(blobs) if path.startswith(inbox) and path.endswith(".eml"))
        (self.message,) = blobs[message] - blobs[message.rpartition("/")[0]]
        (self.inbox,) = blobs[inbox] - parent
        self.data, self.trees = bench.pack_of(self.message), bench.pack_of(self.inbox)
        later = [name for name in bench.names("data") if name not in (self.data, self.trees)]
        self.later_data, self.later_trees = sorted(later, key=lambda name: bench.blobs(name)[0][1])


def all_blobs(bench: Workbench, *packs: str) -> set[str]:
    return {blob.hex() for pack in packs for blob, *_place in bench.blobs(pack)}


def place_of(bench: Workbench, pack: str, blob: str) -> tuple[int, int]:
    return next((offset, length) for found, _kind, _pack, offset, length, _plain in bench.blobs(pack) if found.hex() == blob)


def flipped_bit_in_data(bench: Workbench, pieces: Pieces) -> Damage:
    offset, length = place_of(bench, pieces.data, pieces.message)
    bench.flip("data", pieces.data, offset + length // 2)
    return gone(bench, {pieces.message}, pieces.data)


def flipped_bit_in_trees(bench: Workbench, pieces: Pieces) -> Damage:
    damage = gone(bench, {pieces.inbox}, pieces.trees)
    offset, length = place_of(bench, pieces.trees, pieces.inbox)
    bench.flip("data", pieces.trees, offset + length // 2)
    return damage


def flipped_bit_in_list(bench: Workbench, pieces: Pieces) -> Damage:
    bench.flip("data", pieces.data, -10)
    return Damage(named=(pieces.data,))


def truncated_pack(bench: Workbench, pieces: Pieces) -> Damage:
    path = bench.file("data", pieces.data)
    size = path.stat().st_size * 6 // 10
    path.write_bytes(path.read_bytes()[:size])
    return gone(
        bench,
        {blob.hex() for blob, _k, _p, offset, length, _l in bench.blobs(pieces.data) if offset + length > size},
        pieces.data,
        restic=None,
    )


def zeroed_pack(bench: Workbench, pieces: Pieces) -> Damage:
    path = bench.file("data", pieces.later_data)
    path.write_bytes(bytes(path.stat().st_size))
    return gone(bench, all_blobs(bench, pieces.later_data), pieces.later_data)


def missing_pack(bench: Workbench, pieces: Pieces) -> Damage:
    bench.remove("data", pieces.data)
    return gone(bench, all_blobs(bench, pieces.data), pieces.data, restic=None)


def swapped_packs(bench: Workbench, pieces: Pieces) -> Damage:
    damage = Damage(named=(pieces.data, pieces.later_data), needs_repair=True, restic=None)
    one, other = bench.file("data", pieces.data), bench.file("data", pieces.later_data)
    content = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(content)
    return damage


def missing_index(bench: Workbench, _pieces: Pieces) -> Damage:
    bench.remove("index", *bench.names("index"))
    return Damage(needs_repair=True)


def damaged_index(bench: Workbench, _pieces: Pieces) -> Damage:
    name = bench.names("index")[0]
    bench.flip("index", name, 100)
    return Damage(named=(name,), needs_repair=True)


def superseded_index(bench: Workbench, _pieces: Pieces) -> Damage:
    bench.store_document("index", {"supersedes": bench.names("index"), **bench.merged_index()})
    return Damage(is_clean=True, restic=None)


def duplicate_blob(bench: Workbench, pieces: Pieces) -> Damage:
    bench.replace_packs((), [bench.store_pack([Blob(0, bench.content(pieces.message)), Blob(0, b"of no snapshot")])])
    return Damage(is_clean=True, restic=True)


def duplicate_blob_one_copy_damaged(bench: Workbench, pieces: Pieces) -> Damage:
    duplicate_blob(bench, pieces)
    flipped_bit_in_data(bench, pieces)
    return Damage(named=(pieces.data,))


def unindexed_pack(bench: Workbench, _pieces: Pieces) -> Damage:
    bench.store_pack([Blob(0, b"stored by a run that was killed before its index")])
    return Damage(is_clean=True, restic=True)


def foreign_pack(bench: Workbench, _pieces: Pieces) -> Damage:
    bench.key = type(bench.key)(bench.chance.randbytes(32), bench.chance.randbytes(16), bench.chance.randbytes(16))
    return Damage(named=(bench.store_pack([Blob(0, b"of another repository")])["id"],), restic=None)


def damaged_snapshot(bench: Workbench, pieces: Pieces) -> Damage:
    bench.flip("snapshots", pieces.first, 50)
    return Damage(named=(pieces.first,), lost_snapshots=(pieces.first,))


def missing_tree(bench: Workbench, pieces: Pieces) -> Damage:
    damage = gone(bench, {pieces.inbox}, pieces.inbox)
    inbox = bench.content(pieces.inbox, 1)
    bench.replace_packs([pieces.trees], [bench.store_pack(blob for blob in bench.unpacked(pieces.trees) if blob.content != inbox)])
    return damage


def damaged_key(bench: Workbench, _pieces: Pieces) -> Damage:
    name = next(name for name in bench.names("keys") if b'"recovery"' in bench.file("keys", name).read_bytes())
    content = bench.file("keys", name).read_bytes()
    bench.flip("keys", name, content.index(b'"data"') + 60)
    return Damage(named=(name,), restic=None)


def locks_of_the_dead(bench: Workbench, _pieces: Pieces) -> Damage:
    lock = {"time": "2020-02-02T02:02:02.5Z", "exclusive": True, "hostname": "a-host-that-is-gone", "username": "root", "pid": 4711}
    bench.store_document("locks", lock)
    bench.file("locks", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855").write_bytes(b"")
    return Damage(is_clean=True, restic=True)


def future_version(bench: Workbench, _pieces: Pieces) -> Damage:
    config = bench.folder / "config"
    config.write_bytes(bench.seal(bench.key.open(config.read_bytes()).replace(b'"version":2', b'"version":3')))
    return Damage(is_refused=True)


def mixed_pack(bench: Workbench, pieces: Pieces) -> Damage:
    old = (pieces.later_data, pieces.later_trees)
    bench.replace_packs(old, [bench.store_pack(blob for pack in old for blob in bench.unpacked(pack))])
    return Damage(is_clean=True, restic=None)


def uncompressed_blobs(bench: Workbench, pieces: Pieces) -> Damage:
    old = (pieces.later_data, pieces.later_trees)
    packs = [bench.store_pack(blob._replace(is_compressed=False) for blob in bench.unpacked(pack)) for pack in old]
    bench.replace_packs(old, packs)
    return Damage(is_clean=True, restic=True)


def quarantined_pack(bench: Workbench, pieces: Pieces) -> Damage:
    """As a repair leaves it: out of sight, no longer indexed, and all of it but one message still sound."""
    flipped = flipped_bit_in_data(bench, pieces)
    damage = gone(bench, all_blobs(bench, pieces.data))
    index = bench.merged_index()
    index["packs"] = [pack for pack in index["packs"] if pack["id"] != pieces.data]
    bench.remove("index", *bench.names("index"))
    bench.store_document("index", index)
    shelf = bench.folder / "quarantine" / "data"
    shelf.mkdir(parents=True)
    shutil.move(bench.file("data", pieces.data), shelf / pieces.data)
    return dataclasses.replace(damage, lost_for_good=flipped.lost)


DAMAGES: tuple[t.Callable[[Workbench, Pieces], Damage], ...] = (
    flipped_bit_in_data,
    flipped_bit_in_trees,
    flipped_bit_in_list,
    truncated_pack,
    zeroed_pack,
    missing_pack,
    swapped_packs,
    missing_index,
    damaged_index,
    superseded_index,
    duplicate_blob,
    duplicate_blob_one_copy_damaged,
    unindexed_pack,
    foreign_pack,
    damaged_snapshot,
    missing_tree,
    damaged_key,
    locks_of_the_dead,
    future_version,
    mixed_pack,
    uncompressed_blobs,
    quarantined_pack,
)

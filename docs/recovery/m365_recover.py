# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Get a backup back with nothing but this file, the repository, and its passphrase or recovery key.

A second, independent reader of restic repositories (format versions 1 and 2), written from restic's design document,
https://github.com/restic/restic/blob/master/doc/design.rst. It only reads the repository and takes no lock in it. What is
damaged it names, and goes on with the rest.
"""

from __future__ import annotations

import argparse
import base64
import datetime
import errno
import getpass
import hashlib
import json
import os
import re
import sqlite3
import struct
import sys
import time
import typing as t
from pathlib import Path

try:
    import zstandard
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
    from cryptography.hazmat.primitives.poly1305 import Poly1305
except ImportError as missing:
    sys.exit(f"This program needs two libraries ({missing}). Install them: pip install cryptography zstandard")

USAGE = """
The passphrase is read from --password-file, else from the file that the environment variable RESTIC_PASSWORD_FILE names,
else from RESTIC_PASSWORD, else you are asked for it. A recovery key goes wherever a passphrase goes.

  python3 m365_recover.py -r /srv/backup list
  python3 m365_recover.py -r /srv/backup ls latest '/Sales/adele@example.com/mail/Inbox'
  python3 m365_recover.py -r /srv/backup verify --read-data
  python3 m365_recover.py -r /srv/backup extract latest /srv/restored --path '/Sales/adele@example.com'

Exit code 0: all that was looked at is sound. 1: something could not be read or written; it is listed at the end, and all the
rest is there. 2: nothing could be done, because of wrong arguments, a wrong passphrase, or no repository.
"""
DATA, TREE = 0, 1
MIB = 1 << 20
MAX_BYTES = 128 * MIB  # of one blob or document, stored as well as unpacked
MAX_KDF_MEMORY = 1024 * MIB
ID = re.compile(r"[0-9a-f]{64}")
NAME = re.compile(r"[0-9a-f]{64}(\.[0-9]+)?")  # of a file; numbered are further ones of a name in quarantine
Steps = tuple[bytes, ...]  # a path in a snapshot, cut at its slashes
Copy = tuple[bytes, int, int, int, int, int]  # of a blob: id, kind, number of its pack, offset, length, plain length or 0 if not compressed


class Damaged(Exception):
    """One thing cannot be read; the message says why."""


class Forged(Damaged):
    """Bytes that this key never sealed."""


class Refused(Exception):
    """Nothing can be done as asked."""


# ------------------------------------------------------------------------------------------------------------------------
# The format: how bytes are sealed, and what they mean


class Key:
    """AES-256 in counter mode, authenticated by Poly1305-AES. Sealed: nonce (16 bytes), ciphertext, MAC (16 bytes)."""

    def __init__(self, encrypt: bytes, mac_k: bytes, mac_r: bytes) -> None:
        if (len(encrypt), len(mac_k), len(mac_r)) != (32, 16, 16):
            raise Damaged("a key in it has a wrong length")
        self.encrypt, self.mac_k, self.mac_r = encrypt, mac_k, mac_r

    def open(self, sealed: bytes) -> bytes:
        if len(sealed) < 32:
            raise Damaged("it is too short")
        nonce, ciphertext, mac = sealed[:16], sealed[16:-16], sealed[-16:]
        one_time = Cipher(algorithms.AES(self.mac_k), modes.ECB()).encryptor().update(nonce)  # noqa: S305  a single block
        try:
            Poly1305.verify_tag(self.mac_r + one_time, ciphertext, mac)
        except InvalidSignature:
            raise Forged("its bytes were changed, or are of another repository") from None
        return Cipher(algorithms.AES(self.encrypt), modes.CTR(nonce)).decryptor().update(ciphertext)

    @classmethod
    def from_key_file(cls, content: bytes, passphrase: bytes) -> Key:
        """The master key that a key file wraps. Absurd costs of the key derivation are refused before they are paid."""
        file = parse_json(content)
        n, r, p = (field(file, name, int) for name in "Nrp")
        sane = 1 <= r <= 64 and 1 <= p <= 16 and 1 < n < 1 << 16 * r and not n & (n - 1) and 128 * n * r <= MAX_KDF_MEMORY
        if field(file, "kdf", str) != "scrypt" or not sane:
            raise Damaged("its key derivation is not scrypt, or its costs are out of bounds")
        salt, sealed = from_base64(file, "salt"), from_base64(file, "data")
        derived = hashlib.scrypt(passphrase, salt=salt, n=n, r=r, p=p, maxmem=MAX_KDF_MEMORY + 16 * MIB, dklen=64)
        master = parse_json(cls(derived[:32], derived[32:48], derived[48:]).open(sealed))
        mac = field(master, "mac", dict)
        return cls(from_base64(master, "encrypt"), from_base64(mac, "k"), from_base64(mac, "r"))


class Node(t.NamedTuple):
    """One entry of a folder: a file has blobs as its content, in order, and a folder has a subtree."""

    name: bytes
    kind: str
    size: int
    modified: datetime.datetime
    content: list[bytes]
    subtree: bytes | None


class Snapshot(t.NamedTuple):
    id: str
    made: datetime.datetime
    host: str
    tags: list[t.Any]
    paths: list[t.Any]
    tree: bytes


def parse_json(content: bytes) -> t.Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        raise Damaged("it is not valid JSON") from None


def field(mapping: t.Any, name: str, kind: type, default: t.Any = None) -> t.Any:
    """A field of a JSON object. One that is absent or null is ``default``, and an error where there is none."""
    value = mapping.get(name) if isinstance(mapping, dict) else None
    value = default if value is None else value
    if value.__class__ is not kind:
        raise Damaged(f"its field {name} is missing or malformed")
    return value


def from_base64(mapping: t.Any, name: str) -> bytes:
    try:
        return base64.b64decode(field(mapping, name, str), validate=True)
    except ValueError:
        raise Damaged(f"its field {name} is malformed") from None


def blob_id(text: t.Any) -> bytes:
    if not isinstance(text, str) or not ID.fullmatch(text):
        raise Damaged("an id in it is malformed")
    return bytes.fromhex(text)


def parse_time(mapping: t.Any, name: str) -> datetime.datetime:
    """A time as Go writes it: with up to nine decimals, and ``Z`` or an offset."""
    parts = re.fullmatch(r"(.{19})(\.[0-9]{1,6})?[0-9]*(Z|[+-][0-9]{2}:[0-9]{2})", field(mapping, name, str))
    text = f"{parts[1]}{parts[2] or '.0'}{parts[3]}" if parts else ""
    try:
        return datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%f%z").astimezone(datetime.timezone.utc)
    except (ValueError, OverflowError):
        raise Damaged(f"its field {name} is no time") from None


def unquote(text: str) -> bytes:
    """A file name as Go's strconv.Quote writes it, without the quotes around it."""
    letters = {"a": b"\a", "b": b"\b", "f": b"\f", "n": b"\n", "r": b"\r", "t": b"\t", "v": b"\v", "\\": b"\\", '"': b'"'}

    def replace(escape: re.Match[bytes]) -> bytes:
        code = escape[1].decode()
        value = int(code[1:] or "0", 16)
        return letters.get(code) or (bytes([value]) if code[0] == "x" else chr(value).encode())

    try:
        return re.sub(rb'\\([abfnrtv\\"]|x[0-9a-f]{2}|u[0-9a-f]{4}|U[0-9a-f]{8})', replace, text.encode())
    except (ValueError, OverflowError):
        raise Damaged("a file name in it is malformed") from None


def parse_node(entry: t.Any) -> Node:
    name = unquote(field(entry, "name", str))
    if name in (b"", b".", b"..") or set(name) & set(b"/\0") or (os.name == "nt" and set(name) & set(b'\\:<>"|?*')):
        raise Damaged(f"no file may be called {shown(name)!r}")
    kind = field(entry, "type", str)
    content = [blob_id(blob) for blob in field(entry, "content", list, [])] if kind == "file" else []
    subtree = blob_id(field(entry, "subtree", str)) if kind == "dir" else None
    return Node(name, kind, field(entry, "size", int, 0), parse_time(entry, "mtime"), content, subtree)


def parse_index_entry(pack: int, entry: t.Any) -> t.Iterator[Copy]:
    for blob in field(entry, "blobs", list):
        kind = {"data": DATA, "tree": TREE}.get(field(blob, "type", str), -1)
        place = (field(blob, "offset", int), field(blob, "length", int), field(blob, "uncompressed_length", int, 0))
        yield blob_id(field(blob, "id", str)), kind, pack, *place


def parse_list(pack: int, entries: bytes) -> t.Iterator[Copy]:
    """The list at the end of a pack. Each entry: type (bit 0 tree, bit 1 compressed), length, plain length if compressed, id."""
    at = offset = 0
    while at < len(entries):
        kind, compressed = entries[at] & 1, entries[at] >> 1
        entry = entries[at : at + (41 if compressed else 37)]
        if compressed > 1 or len(entry) < (41 if compressed else 37):
            raise Damaged("it is malformed")
        length, plain = struct.unpack("<II", entry[1:9])
        yield entry[-32:], kind, pack, offset, length, plain if compressed else 0
        at, offset = at + len(entry), offset + length


def decompress(data: bytes, limit: int) -> bytes:
    try:
        if zstandard.frame_content_size(data) > limit:
            raise Damaged("it unpacks to more than it may")
        return zstandard.ZstdDecompressor().decompress(data, max_output_size=limit)
    except zstandard.ZstdError:
        raise Damaged("it cannot be decompressed") from None


def read_bytes(path: Path, offset: int = 0, length: int | None = None) -> bytes:
    """A part of a file, by default all of it. A negative offset counts from its end."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            start = offset if offset >= 0 else size + offset
            length = size if length is None else length
            if not 0 <= start <= start + length <= size:
                raise Damaged("it is cut off")
            if length > MAX_BYTES + 32:
                raise Damaged("it is larger than anything may be")
            file.seek(start)
            return file.read(length)
    except OSError as error:
        raise Damaged(f"the system says: {error.strerror}") from None


# ------------------------------------------------------------------------------------------------------------------------
# A repository


class Repository:
    """Everything that can be read of a repository, and a record of what could not.

    Where the copies of each blob lie is kept in a temporary database, so memory does not grow with the repository. A copy
    that turns out to be unsound is struck from it. The index files are only a shortcut: every pack ends with a list of what
    it holds. That is read of packs that no index knows, and of all packs once a blob is not where it should be.
    """

    def __init__(self, root: Path, passphrase: str, progress: Progress, *, use_index: bool = True) -> None:
        self.root, self.progress = root, progress
        self.damage: dict[str, list[str]] = {}
        self.lost: list[str] = []
        self.key = self.unlock(passphrase)
        self.packs = self.files("data")
        self.unlisted, self.listless = set(range(len(self.packs))), set[int]()
        self.database = sqlite3.connect("", isolation_level=None)
        self.database.execute("CREATE TABLE copy (blob, kind, pack, offset, length, plain, UNIQUE (blob, kind, pack, offset))")
        self.database.execute("CREATE INDEX copy_by_pack ON copy (pack)")
        self.database.execute("BEGIN")
        indexed = self.read_index() if use_index else set()
        if use_index and self.packs and not indexed:
            self.report(self.root / "index", "no index file can be read (the packs' own lists serve as well)")
        self.read_lists(self.unlisted - indexed)

    def files(self, kind: str) -> list[Path]:
        """The files of one kind; last those that a repair has put into quarantine: something in them may still be good."""
        folders = (self.root / kind, self.root / "quarantine" / kind)
        return [file for folder in folders for file in sorted(folder.rglob("*")) if NAME.fullmatch(file.name) and file.is_file()]

    def report(self, path: Path, problem: object) -> None:
        if self.root / "quarantine" not in path.parents:
            self.damage.setdefault(str(path.relative_to(self.root)), []).append(str(problem))

    def lose(self, steps: Steps, problem: object) -> None:
        self.lost.append(f"{show_path(steps)}: {problem}")

    def unlock(self, passphrase: str) -> Key:
        files, config = self.files("keys"), self.root / "config"
        opened = next(filter(None, (self.open_keys(files, spelling) for spelling in spellings(passphrase))), [])
        if not files:
            raise Refused(f"{self.root} is no repository: no key file lies in {self.root / 'keys'}.")
        if not opened:
            damaged = f", {len(self.damage)} of which are damaged" if self.damage else ""
            raise Refused(f"Wrong passphrase: it opens none of the {len(files)} key files{damaged}.")
        try:
            version = field(parse_json(opened[0].open(read_bytes(config))), "version", int)
        except Damaged as problem:
            self.report(config, f"{problem} (it is not needed for reading)")
            return opened[0]
        if version not in (1, 2):
            raise Refused(f"The repository has format version {version}, this program knows 1 and 2. Try the newest restic.")
        return opened[0]

    def open_keys(self, files: list[Path], passphrase: bytes) -> list[Key]:
        """The master key from each key file that the passphrase opens; all of them wrap the same one."""
        opened = []
        for path in files:
            try:
                content = read_bytes(path)
                if hashlib.sha256(content).hexdigest() != path.name:
                    self.report(path, "it does not hold what it was named after")
                opened.append(Key.from_key_file(content, passphrase))
            except Forged:
                continue  # so looks the key file of another passphrase
            except Damaged as problem:
                self.report(path, problem)
        return opened

    def documents(self, kind: str) -> t.Iterator[tuple[Path, str, t.Any]]:
        """File, true name and content of every sealed JSON document of one kind that can be read."""
        for path in self.files(kind):
            self.progress(f"reading {kind}/{path.name[:8]}")
            try:
                sealed = read_bytes(path)
                content = self.key.open(sealed)
                document = parse_json(decompress(content[1:], MAX_BYTES) if content[:1] == b"\x02" else content)
            except Damaged as problem:
                self.report(path, problem)
                continue
            name = hashlib.sha256(sealed).hexdigest()
            if name != path.name:
                self.report(path, f"it holds what belongs to {name}")
            yield path, name, document

    def snapshots(self) -> list[Snapshot]:
        """The oldest first."""
        found = {}
        for path, name, document in self.documents("snapshots"):
            try:
                made, tree = parse_time(document, "time"), blob_id(field(document, "tree", str))
                tags, paths = field(document, "tags", list, []), field(document, "paths", list, [])
                found[name] = Snapshot(name, made, field(document, "hostname", str, ""), tags, paths, tree)
            except Damaged as problem:
                self.report(path, problem)
        return sorted(found.values(), key=lambda snapshot: snapshot.made)

    # Where blobs are

    def read_index(self) -> set[int]:
        """The packs that the index knows."""
        numbers = {path.name: pack for pack, path in reversed(list(enumerate(self.packs)))}
        indexed: set[int] = set()
        absent: dict[str, set[str]] = {}
        superseded: set[str] = set()
        for path, name, document in self.documents("index"):
            try:
                superseded.update(map(str, field(document, "supersedes", list, [])))
                for entry in field(document, "packs", list, []):
                    pack = blob_id(field(entry, "id", str)).hex()
                    if pack in numbers:
                        self.add_copies(parse_index_entry(numbers[pack], entry))
                        indexed.add(numbers[pack])
                    else:
                        absent.setdefault(name, set()).add(pack)
            except (Damaged, OverflowError) as problem:
                self.report(path, problem)
        for pack in sorted({pack for name in absent.keys() - superseded for pack in absent[name]}):
            self.report(self.root / "data" / pack[:2] / pack, "it is missing")
        return indexed

    def read_lists(self, packs: t.Iterable[int]) -> None:
        """Read the lists of these packs, each once. A list that can be read replaces what the index says of its pack."""
        for pack in sorted(self.unlisted.intersection(packs)):
            self.progress(f"reading the lists of {len(self.unlisted):,} packs")
            self.unlisted.remove(pack)
            path, indexed = self.packs[pack], set(self.copies("pack = ?", pack))
            try:
                size = int.from_bytes(read_bytes(path, -4, 4), "little")
                held = set(parse_list(pack, self.key.open(read_bytes(path, -4 - size, size))))
            except Damaged as problem:
                self.report(path, f"its list of contents: {problem}")
                self.listless.add(pack)
                continue
            if not indexed <= held:
                self.report(path, "it does not hold what the index says")
                self.database.execute("DELETE FROM copy WHERE pack = ?", (pack,))
            self.add_copies(held)

    def add_copies(self, copies: t.Iterable[Copy]) -> None:
        self.database.executemany("INSERT OR IGNORE INTO copy VALUES (?, ?, ?, ?, ?, ?)", copies)

    def copies(self, condition: str, *values: t.Any) -> list[Copy]:
        """Copies that are not known to be unsound. Those in quarantine come last."""
        rows = self.database.execute(f"SELECT * FROM copy WHERE {condition} ORDER BY pack, offset", values)  # noqa: S608  no data in it
        return rows.fetchall()

    # Reading

    def read(self, kind: int, blob: bytes) -> bytes:
        """A blob, from whichever copy of it is sound."""
        while True:
            for copy in self.copies("blob = ? AND kind = ?", blob, kind):
                content = self.try_copy(copy)
                if content is not None:
                    return content
            if not self.unlisted:
                raise Damaged(f"{('data', 'tree')[kind]} blob {blob.hex()} is lost")
            self.read_lists(range(len(self.packs)))

    def try_copy(self, copy: Copy) -> bytes | None:
        """The content of a copy. One that is not sound is reported and struck off."""
        blob, _kind, pack, offset, length, plain = copy
        try:
            content = self.key.open(read_bytes(self.packs[pack], offset, length))
            if plain:
                content = decompress(content, min(plain, MAX_BYTES))
            if hashlib.sha256(content).digest() != blob:
                raise Damaged("it is not the one that was expected")
        except Damaged as problem:
            self.report(self.packs[pack], f"blob at {offset:,}: {problem}")
            self.database.execute("DELETE FROM copy WHERE blob = ? AND kind = ? AND pack = ? AND offset = ?", copy[:4])
            return None
        return content

    def nodes(self, steps: Steps, tree: bytes) -> t.Iterator[Node]:
        """The entries of a folder."""
        try:
            entries = field(parse_json(self.read(TREE, tree)), "nodes", list, [])
        except Damaged as problem:
            self.lose(steps, f"this folder and everything in it: {problem}")
            return
        for entry in entries:
            try:
                yield parse_node(entry)
            except Damaged as problem:
                self.lose(steps, f"one entry of this folder: {problem}")

    def walk(self, tree: bytes, wanted: t.Collection[Steps] = (), entered: set[bytes] | None = None) -> t.Iterator[tuple[Steps, Node]]:
        """Every entry below a tree, a folder before what is in it; if paths are wanted, only those, what is below and the way there.

        Folders whose content is in ``entered`` are not entered again, if a set is given.
        """
        waiting: list[tuple[Steps, bytes]] = [((), tree)]
        missing = set(wanted)
        while waiting:
            folder, tree = waiting.pop()
            below = []
            for node in self.nodes(folder, tree):
                steps = (*folder, node.name)
                missing.discard(steps)
                if wanted and not any(path[: len(steps)] == steps[: len(path)] for path in wanted):
                    continue
                yield steps, node
                if node.subtree and (entered is None or node.subtree not in entered):
                    below.append((steps, node.subtree))
                    if entered is not None:
                        entered.add(node.subtree)
            waiting += reversed(below)
        for steps in sorted(missing):
            self.lose(steps, "it is not in this snapshot, or in a folder that cannot be read")


# ------------------------------------------------------------------------------------------------------------------------
# The commands


def show_snapshots(repository: Repository, snapshots: list[Snapshot]) -> None:
    """Each with its members: the collection tenantvault.m365_backup stores them as /<title of the plan>/<user>."""
    for snapshot in snapshots:
        print(shown(f"{snapshot.id[:8]}  {show_time(snapshot.made)}  {snapshot.host}  {' '.join(map(str, snapshot.tags))}"))
        if "m365" not in snapshot.tags or is_of_scan(snapshot):
            print(*(f"          {shown(str(path))}" for path in snapshot.paths), sep="\n")
            continue
        for plan in repository.nodes((), snapshot.tree):
            for member in repository.nodes((plan.name,), plan.subtree) if plan.subtree else ():
                if member.subtree and not member.name.startswith(b"."):
                    print(f"          {show_path((plan.name, member.name))}")


def show_entries(repository: Repository, snapshot: Snapshot, wanted: list[Steps]) -> None:
    for steps, node in repository.walk(snapshot.tree, wanted):
        if not wanted or any(steps[: len(path)] == path for path in wanted):
            print(f"{node.size:>14,}  {show_time(node.modified)}  {show_path(steps)}{'/' if node.subtree else ''}")


def verify(repository: Repository, snapshots: list[Snapshot], *, read_data: bool) -> None:
    """Every list, every tree, and that all contents are there; with ``read_data`` every byte, as always of a pack without list."""
    packs = range(len(repository.packs))
    repository.read_lists(packs)
    for pack in packs if read_data else sorted(repository.listless):
        repository.progress(f"reading pack {pack + 1:,} of {len(packs):,}")
        for copy in repository.copies("pack = ?", pack):
            repository.try_copy(copy)
    entered: set[bytes] = set()
    entries = 0
    for snapshot in reversed(snapshots):
        for steps, node in repository.walk(snapshot.tree, entered=entered):
            entries += 1
            repository.progress(f"checked {entries:,} files and folders")
            lost = sum(not repository.copies("blob = ? AND kind = ?", blob, DATA) for blob in node.content)
            if lost:
                repository.lose(steps, f"{lost:,} of its {len(node.content):,} parts are lost (snapshot {snapshot.id[:8]})")
    print(f"Checked {len(snapshots):,} snapshots with {entries:,} different files and folders, and {len(packs):,} packs.")


def extract(repository: Repository, snapshot: Snapshot, wanted: list[Steps], target: Path) -> None:
    """Write what is wanted below an empty folder. Only files and folders are made; nothing is followed, nothing overwritten."""
    target.mkdir(parents=True, exist_ok=True)
    if any(target.iterdir()):
        raise Refused(f"{target} is not empty. Name a folder that is empty, or does not exist yet.")
    part = os.path.join(os.fsencode(target), b".m365_recover.part")
    files = size = 0
    for steps, node in repository.walk(snapshot.tree, wanted):
        place = os.path.join(os.fsencode(target), *steps)
        try:
            if place == part:
                raise Damaged("this name is not free, while files are written")
            if node.kind == "file":
                size += write_file(repository, node, part, place)
                files += 1
            elif node.kind != "dir":
                raise Damaged(f"left out, as it is neither a file nor a folder but a {shown(node.kind)}")
            elif not os.path.isdir(place):
                os.mkdir(place)
        except Damaged as problem:
            repository.lose(steps, problem)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise
            repository.lose(steps, f"it cannot be written: {error.strerror}")
        repository.progress(f"{files:,} files, {size / MIB:,.1f} MiB, {len(repository.lost):,} problems")
    print(f"{files:,} files, {size / MIB:,.1f} MiB from snapshot {snapshot.id[:8]} of {show_time(snapshot.made)} are in {target}.")


def write_file(repository: Repository, node: Node, part: bytes, place: bytes) -> int:
    """Write one file and return its bytes. Only a whole one gets its name; what is left of another ends with ``.damaged``."""
    lost = 0
    try:
        with open(part, "xb") as file:
            for blob in node.content:
                try:
                    file.write(repository.read(DATA, blob))
                except Damaged:
                    lost += 1
            size = file.tell()
        os.utime(part, (node.modified.timestamp(), node.modified.timestamp()))
        place += b".damaged" if lost else b""
        if os.path.lexists(place):
            raise FileExistsError(errno.EEXIST, "there is one of this name already")
        if size or not lost:
            os.rename(part, place)
    finally:
        if os.path.lexists(part):
            os.unlink(part)
    if lost:
        raise Damaged(f"{lost:,} of its {len(node.content):,} parts are lost" + (", the others are in .damaged" if size else ""))
    return size


# ------------------------------------------------------------------------------------------------------------------------
# Talking to people


class Progress:
    """A line to stderr every few seconds, so that short work says nothing and long work is seen to go on."""

    def __init__(self) -> None:
        self.due = time.monotonic() + 3

    def __call__(self, text: str) -> None:
        if time.monotonic() >= self.due:
            self.due = time.monotonic() + 3
            print(f"... {text}", file=sys.stderr, flush=True)


def shown(text: str | bytes) -> str:
    """Text that does nothing to a terminal, whatever a hostile name holds."""
    text = text.decode(errors="backslashreplace") if isinstance(text, bytes) else text
    return "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in text)


def show_path(steps: Steps) -> str:
    return "/" + "/".join(map(shown, steps))


def show_time(moment: datetime.datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def is_of_scan(snapshot: Snapshot) -> bool:
    """Whether it is no backup, and holds what the malware scan of the collection has said."""
    return "m365" in snapshot.tags and "verdicts" in snapshot.tags


def find_snapshot(snapshots: list[Snapshot], name: str) -> Snapshot:
    backups = [snapshot for snapshot in snapshots if not is_of_scan(snapshot)]
    matching = backups[-1:] if name == "latest" else [snapshot for snapshot in snapshots if snapshot.id.startswith(name)]
    if len(matching) != 1:
        raise Refused(f"{len(matching)} snapshots match {name!r}. Name one as the command list shows it, or write: latest")
    return matching[0]


def read_passphrase(file: str | None) -> str:
    file = file or os.environ.get("RESTIC_PASSWORD_FILE")
    try:
        text = Path(file).read_bytes().decode("utf-8-sig").strip() if file else os.environ.get("RESTIC_PASSWORD")
        return text or getpass.getpass("Passphrase or recovery key: ")
    except (OSError, EOFError, ValueError) as error:
        raise Refused(f"No passphrase: {error or 'nobody is there to be asked'}") from None


def spellings(passphrase: str) -> t.Iterator[bytes]:
    """As typed; and what looks like a recovery key of the collection, as that was handed out: 14 groups of 4, in capitals."""
    yield os.fsencode(passphrase)
    letters = re.sub(r"[\s-]", "", passphrase).upper().translate(str.maketrans("OIL", "011"))
    if re.fullmatch("[0-9A-HJKMNP-TV-Z]{56}", letters):
        yield "-".join(re.findall("....", letters)).encode()


def parse_arguments(words: list[str] | None = None) -> argparse.Namespace:
    summary, layout = (__doc__ or "").partition("\n")[0], argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=summary, epilog=USAGE, formatter_class=layout)
    known = os.environ.get("RESTIC_REPOSITORY")
    parser.add_argument("-r", "--repository", type=Path, default=known, required=not known, help="its folder, or a copy of its bucket")
    parser.add_argument("-p", "--password-file", metavar="FILE", help="a file that holds the passphrase or the recovery key")
    parser.add_argument("--ignore-index", action="store_true", help="read the packs' own lists, never an index file")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("list", help="the snapshots, and the members in each")
    ls = commands.add_parser("ls", help="what is in a snapshot, or below a path in it")
    check = commands.add_parser("verify", help="what of all snapshots can be restored, and what cannot")
    restore = commands.add_parser("extract", help="write a snapshot, or parts of it, to an empty folder")
    for command in (ls, restore):
        command.add_argument("snapshot", help="the first characters of its id, or: latest")
    ls.add_argument("path", nargs="*", help="as in /Sales/adele@example.com")
    check.add_argument("--read-data", action="store_true", help="read every byte, not only the structure")
    restore.add_argument("target", type=Path, help="the folder; it is made if it does not exist")
    restore.add_argument("--path", action="append", default=[], help="a file or folder as ls shows it; may be repeated")
    return parser.parse_args(words)


def run(arguments: argparse.Namespace) -> int:
    passphrase = read_passphrase(arguments.password_file)
    repository = Repository(arguments.repository, passphrase, Progress(), use_index=not arguments.ignore_index)
    snapshots = repository.snapshots()
    try:
        if arguments.command == "list":
            show_snapshots(repository, snapshots)
        elif arguments.command == "verify":
            verify(repository, snapshots, read_data=arguments.read_data)
        else:
            snapshot = find_snapshot(snapshots, arguments.snapshot)
            wanted = [tuple(filter(None, os.fsencode(path).split(b"/"))) for path in arguments.path]
            if arguments.command == "ls":
                show_entries(repository, snapshot, wanted)
            else:
                extract(repository, snapshot, wanted, arguments.target)
    finally:
        for thing, problems in sorted(repository.damage.items()):
            more = f" (and {len(problems) - 1:,} more)" if len(problems) > 1 else ""
            print(f"DAMAGED {shown(thing)}: {problems[0]}{more}", file=sys.stderr)
        for line in repository.lost:
            print(f"LOST {line}", file=sys.stderr)
    return 1 if repository.damage or repository.lost else 0


def main() -> int:
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    os.umask(0o077)
    try:
        return run(parse_arguments())
    except (Refused, OSError, sqlite3.Error, KeyboardInterrupt) as problem:
        if isinstance(problem, BrokenPipeError):  # whoever read our output has seen enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 1
        print(f"Stopped. {problem}", file=sys.stderr)
        return 2 if isinstance(problem, Refused) else 1


if __name__ == "__main__":
    sys.exit(main())

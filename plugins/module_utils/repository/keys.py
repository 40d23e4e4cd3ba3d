# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Key files: each holds the one master key, sealed under a passphrase.

A key file is clear JSON with scrypt's parameters. Its user and host are left empty, since storage may learn no names; the
user of a recovery key's file is the fixed word C(recovery), which C(restic key list) shows, too.
Facts: restic's C(doc/design.rst), "Keys, Encryption and MAC".
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import dataclasses
import enum
import hashlib
import os
import typing as t
from datetime import datetime

from .. import _deps
from .._errors import InputError
from . import go_text
from .crypto import KeyMaterial, SealingKey
from .errors import Malformed, ObjectMissing, RepositoryDamaged, RepositoryError, StorageError, WrongPassphrase
from .object_files import object_name, read_bounded
from .storage import FileKind, Storage
from .types import KeyId

_RECOVERY_USER = "recovery"
_SALT_BYTES = 64
_DERIVED_BYTES = 64
_MAX_MEMORY = 1 << 30
_MAX_PARALLEL = 16
_MAX_BLOCK = 64


@dataclasses.dataclass(frozen=True, slots=True)
class KdfParameters:
    """scrypt's cost. The default takes about 0.2 s and 64 MiB, as restic's own does. Tests inject a cheaper one.

    OWASP advises twice as much for passwords that people choose. Passphrases of repositories are long and checked when they
    are made, so one bit of cost adds nothing that an attacker would notice, and 128 MiB would be the largest share of the
    150 MB in which a process shall do its work.
    """

    n: int = 1 << 16
    r: int = 8
    p: int = 1

    @property
    def memory(self) -> int:
        return 128 * self.r * (self.n + self.p)

    def is_acceptable(self) -> bool:
        """Whether a reader may spend this much: at most 1 GiB, filled once or a smaller part of it several times (3 s of CPU)."""
        is_power_of_two = self.n > 1 and self.n & (self.n - 1) == 0
        return is_power_of_two and 1 <= self.r <= _MAX_BLOCK and 1 <= self.p <= _MAX_PARALLEL and self.memory * self.p <= _MAX_MEMORY


DEFAULT_KDF = KdfParameters()


class KeyRole(enum.Enum):
    """What a key file is for. It is a label for people: whoever can write to the storage can change it."""

    PASSPHRASE = "passphrase"
    RECOVERY = "recovery"


@dataclasses.dataclass(frozen=True, slots=True)
class KeyInfo:
    """A key file without its secrets. ``is_current`` marks the one that opened the repository."""

    id: KeyId
    created: datetime
    role: KeyRole
    is_current: bool


class Keys:
    """The key files of one open repository. Nothing here takes a lock: see C(key_changes.py)."""

    def __init__(self, storage: Storage, master: KeyMaterial, current: KeyId = KeyId("")) -> None:
        self.current = current
        self._storage = storage
        self._master = master

    def infos(self, *, on_damage: t.Callable[[RepositoryDamaged], None] | None = None) -> list[KeyInfo]:
        """Oldest first. A damaged one raises RepositoryDamaged, or is handed to ``on_damage`` and left out.

        One that somebody removes while we look is none.
        """
        infos = []
        for stored in list(self._storage.list(FileKind.KEY)):
            try:
                key_file = _read_key_file(self._storage, stored.name)
            except RepositoryDamaged as error:
                if isinstance(error.__cause__, ObjectMissing):
                    continue
                if on_damage is None:
                    raise
                on_damage(error)
                continue
            infos.append(KeyInfo(KeyId(stored.name), key_file.created, key_file.role, stored.name == self.current))
        return sorted(infos, key=lambda info: (info.created, info.id))

    def opens(self, key: KeyId, secret: str) -> bool:
        """Whether the key file, as it is stored, gives the repository's master key for this secret. Raises RepositoryDamaged."""
        key_file = _read_key_file(self._storage, key)
        try:
            plain = _derive(secret, key_file.salt, key_file.kdf).open(key_file.data)
        except Malformed:
            return False
        return _material_from_json(plain, key) == self._master

    def add(self, secret: str, *, role: KeyRole = KeyRole.PASSPHRASE, kdf: KdfParameters = DEFAULT_KDF, created: datetime) -> KeyId:
        """Let another secret open the repository. The data stays as it is.

        The key file is opened as the storage gives it back; one that does not open is taken away again. Raises RepositoryError
        then, StorageError, InputError for an empty secret.
        """
        key = _write_key_file(self._storage, self._master, secret, kdf, created, role)
        try:
            opens = self.opens(key, secret)
        except RepositoryDamaged:
            opens = False
        if opens:
            return key
        self.remove(key)
        raise RepositoryError(
            f"The new key file {key} does not open when it is read back, and was removed. All other keys are as they were.",
            hint="Check the disk or the network of the storage and the memory of this machine, then start the task again.",
        )

    def remove(self, key: KeyId) -> None:
        """Shut out whoever has only this key. That another one opens is for the caller to prove."""
        with contextlib.suppress(ObjectMissing):
            self._storage.delete(FileKind.KEY, key)


@dataclasses.dataclass(frozen=True, slots=True)
class _KeyFile:
    created: datetime
    role: KeyRole
    kdf: KdfParameters
    salt: bytes
    data: bytes


def refuse_empty_passphrase(passphrase: str) -> None:
    """Raise InputError for an empty passphrase."""
    if not passphrase:
        raise InputError("The passphrase of the repository is empty.", hint="Give a long passphrase.")


def find_master_keys(storage: Storage, passphrase: str) -> t.Iterator[tuple[KeyId, KeyMaterial]]:
    """Try every key file, recovery keys last, since each try takes a while. One that cannot be read is named when none opens.

    There is more than one master key only where a creation was interrupted; the config tells which one counts. Raises
    WrongPassphrase, RepositoryDamaged, StorageError, InputError for an empty passphrase.
    """
    unusable: list[RepositoryError] = []
    found: list[tuple[str, _KeyFile]] = []
    for stored in list(storage.list(FileKind.KEY)):
        try:
            found.append((stored.name, _read_key_file(storage, stored.name)))
        except (RepositoryDamaged, StorageError) as error:
            if not isinstance(error.__cause__, ObjectMissing):
                unusable.append(error)
    opened_any = False
    for name, key_file in sorted(found, key=lambda each: (each[1].role is KeyRole.RECOVERY, each[0])):
        try:
            plain = _derive(passphrase, key_file.salt, key_file.kdf).open(key_file.data)
        except Malformed:
            continue
        try:
            material = _material_from_json(plain, name)
        except RepositoryDamaged as error:
            unusable.append(error)
            continue
        opened_any = True
        yield KeyId(name), material
    if opened_any:
        return
    if unusable:
        raise unusable[0]
    if not found:
        raise RepositoryDamaged("the folder of key files", "is empty", hint="Nothing can be read without one: restore it from a copy.")
    raise WrongPassphrase(
        f"The passphrase opens no key of the repository at {storage.location}.",
        hint="Use the passphrase that the repository was created with, or its recovery key.",
    )


def _derive(passphrase: str, salt: bytes, kdf: KdfParameters) -> SealingKey:
    refuse_empty_passphrase(passphrase)
    scrypt = _deps.scrypt.Scrypt(salt=salt, length=_DERIVED_BYTES, n=kdf.n, r=kdf.r, p=kdf.p)
    return SealingKey(KeyMaterial.from_bytes(scrypt.derive(passphrase.encode("utf-8", "surrogateescape"))))


def _write_key_file(storage: Storage, master: KeyMaterial, passphrase: str, kdf: KdfParameters, created: datetime, role: KeyRole) -> KeyId:
    """Seal the master key under a passphrase, and store it."""
    salt = os.urandom(_SALT_BYTES)
    sealed = _derive(passphrase, salt, kdf).seal(go_text.dump_json(_material_to_json(master)))
    content = {
        "created": go_text.format_time(created),
        "username": _RECOVERY_USER if role is KeyRole.RECOVERY else "",
        "hostname": "",
        "kdf": "scrypt",
        "N": kdf.n,
        "r": kdf.r,
        "p": kdf.p,
        "salt": base64.b64encode(salt).decode(),
        "data": base64.b64encode(sealed).decode(),
    }
    data = go_text.dump_json(content)
    name = hashlib.sha256(data).hexdigest()
    storage.put(FileKind.KEY, name, data)
    return KeyId(name)


def _read_key_file(storage: Storage, name: str) -> _KeyFile:
    data = read_bounded(storage, FileKind.KEY, name)
    try:
        if hashlib.sha256(data).hexdigest() != name:
            raise Malformed("does not match its name, the hash of its content")
        content = go_text.load_json_object(data)
        if content.get("kdf") != "scrypt":
            raise Malformed("uses an unknown way to derive keys")
        cost = [content.get(field) for field in ("N", "r", "p")]
        if not all(go_text.is_integer(number) for number in cost):
            raise Malformed("holds no valid parameters for scrypt")
        kdf = KdfParameters(*t.cast("list[int]", cost))
        if not kdf.is_acceptable():
            raise Malformed(f"asks for scrypt with N={kdf.n}, r={kdf.r}, p={kdf.p}, which this program refuses to compute")
        created = go_text.parse_time(content.get("created"))
        role = KeyRole.RECOVERY if content.get("username") == _RECOVERY_USER else KeyRole.PASSPHRASE
        return _KeyFile(created, role, kdf, _from_base64(content.get("salt")), _from_base64(content.get("data")))
    except Malformed as error:
        raise RepositoryDamaged(object_name(FileKind.KEY, name), str(error)) from error


def _material_to_json(material: KeyMaterial) -> dict[str, object]:
    def text(part: bytes) -> str:
        return base64.b64encode(part).decode()

    return {"mac": {"k": text(material.mac_k), "r": text(material.mac_r)}, "encrypt": text(material.encrypt)}


def _material_from_json(plain: bytes, name: str) -> KeyMaterial:
    try:
        content = go_text.load_json_object(plain)
        mac = content.get("mac")
        if not isinstance(mac, dict):
            raise Malformed("holds no master key")
        material = KeyMaterial(_from_base64(content.get("encrypt")), _from_base64(mac.get("k")), _from_base64(mac.get("r")))
        if not material.is_plausible():
            raise Malformed("holds a master key of wrong size or of zeros")
        return material
    except Malformed as error:
        raise RepositoryDamaged(object_name(FileKind.KEY, name), str(error)) from error


def _from_base64(value: object) -> bytes:
    if not isinstance(value, str):
        raise Malformed("lacks a field")
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Malformed("holds a field that is no Base64") from error

# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Key files: each holds the one master key, sealed under a passphrase.

A key file is clear JSON with scrypt's parameters. Its user and host are left empty, since storage may learn no names.
Facts: restic's C(doc/design.rst), "Keys, Encryption and MAC".
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
import hashlib
import os
import typing as t
from datetime import datetime

from .._errors import InputError
from . import go_text
from .crypto import KeyMaterial, SealingKey
from .errors import Malformed, RepositoryDamaged, WrongPassphrase
from .object_files import object_name, read_bounded
from .storage import FileKind, Storage
from .types import KeyId

_SALT_BYTES = 64
_DERIVED_BYTES = 64
_MAX_MEMORY = 1 << 30
_MAX_PARALLEL = 16
_MAX_BLOCK = 64


@dataclasses.dataclass(frozen=True, slots=True)
class KdfParameters:
    """scrypt's cost. The default takes about 0.35 s and 128 MiB, OWASP's advice. Tests inject a cheaper one."""

    n: int = 1 << 17
    r: int = 8
    p: int = 1

    @property
    def memory(self) -> int:
        return 128 * self.r * (self.n + self.p)

    def is_acceptable(self) -> bool:
        """Whether a reader may spend this much: at most 1 GiB, a few seconds."""
        is_power_of_two = self.n > 1 and self.n & (self.n - 1) == 0
        return is_power_of_two and 1 <= self.r <= _MAX_BLOCK and 1 <= self.p <= _MAX_PARALLEL and self.memory <= _MAX_MEMORY


DEFAULT_KDF = KdfParameters()


@dataclasses.dataclass(frozen=True, slots=True)
class KeyInfo:
    """A key file without its secrets. ``is_current`` marks the one that the given passphrase opened."""

    id: KeyId
    created: datetime
    is_current: bool


@dataclasses.dataclass(frozen=True, slots=True)
class _KeyFile:
    created: datetime
    kdf: KdfParameters
    salt: bytes
    data: bytes


def refuse_empty_passphrase(passphrase: str) -> None:
    """Raise InputError for an empty passphrase."""
    if not passphrase:
        raise InputError("The passphrase of the repository is empty.", hint="Give a long passphrase.")


def write_key_file(storage: Storage, master: KeyMaterial, passphrase: str, kdf: KdfParameters, created: datetime) -> KeyId:
    """Seal the master key under a passphrase, and store it. Raises InputError for an empty passphrase."""
    salt = os.urandom(_SALT_BYTES)
    sealed = _derive(passphrase, salt, kdf).seal(go_text.dump_json(_material_to_json(master)))
    content = {
        "created": go_text.format_time(created),
        "username": "",
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


def find_master_keys(storage: Storage, passphrase: str) -> t.Iterator[tuple[KeyId, KeyMaterial]]:
    """Try every key file. One that is damaged shuts nobody out, but it is named when none opens.

    There is more than one master key only where a creation was interrupted; the config tells which one counts. Raises
    WrongPassphrase, RepositoryDamaged, InputError for an empty passphrase.
    """
    damaged: list[RepositoryDamaged] = []
    found_any = opened_any = False
    for stored in sorted(storage.list(FileKind.KEY), key=lambda file: file.name):
        found_any = True
        try:
            key_file = _read_key_file(storage, stored.name)
            try:
                plain = _derive(passphrase, key_file.salt, key_file.kdf).open(key_file.data)
            except Malformed:
                continue
            material = _material_from_json(plain, stored.name)
        except RepositoryDamaged as error:
            damaged.append(error)
            continue
        opened_any = True
        yield KeyId(stored.name), material
    if opened_any:
        return
    if damaged:
        raise damaged[0]
    if not found_any:
        raise RepositoryDamaged("the folder of key files", "is empty", hint="Nothing can be read without one: restore it from a copy.")
    raise WrongPassphrase(
        f"The passphrase opens no key of the repository at {storage.location}.",
        hint="Use the passphrase that the repository was created with, or its recovery key.",
    )


def list_key_files(storage: Storage, current: KeyId) -> list[KeyInfo]:
    """Oldest first. Raises RepositoryDamaged."""
    infos = []
    for stored in storage.list(FileKind.KEY):
        key_file = _read_key_file(storage, stored.name)
        infos.append(KeyInfo(KeyId(stored.name), key_file.created, stored.name == current))
    return sorted(infos, key=lambda info: (info.created, info.id))


def _derive(passphrase: str, salt: bytes, kdf: KdfParameters) -> SealingKey:
    refuse_empty_passphrase(passphrase)
    derived = hashlib.scrypt(
        passphrase.encode("utf-8", "surrogateescape"),
        salt=salt,
        n=kdf.n,
        r=kdf.r,
        p=kdf.p,
        maxmem=kdf.memory + (1 << 20),
        dklen=_DERIVED_BYTES,
    )
    return SealingKey(KeyMaterial.from_bytes(derived))


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
        return _KeyFile(created, kdf, _from_base64(content.get("salt")), _from_base64(content.get("data")))
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

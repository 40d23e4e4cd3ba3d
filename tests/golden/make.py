# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Made the golden repositories in this folder, which every later version has to read.

    make tree && PYTHONPATH=.build:tests .venvs/dev/bin/python -m golden.make

They are frozen: a repository that is there is never made again, only one that is missing. A new release of the format, or a new
kind of damage, gets a new name.
"""

from __future__ import annotations

import dataclasses
import functools
import io
import json
import os
import random
import shutil
import subprocess
import sys
import tarfile
import tempfile
import typing as t
from pathlib import Path

from .damages import DAMAGES, Pieces
from .workbench import Workbench

HERE = Path(__file__).resolve().parent
MANIFEST = HERE / "expected.json"
PASSPHRASE = "golden passphrase of the tests, which is long enough to be one"
FIRST_PASSPHRASE = "the first passphrase of the golden repository, rotated away since"
UNENCRYPTED = "this-repository-is-not-encrypted-anyone-may-read-it"
ADELE, BO = "adele@contoso.com", "bo@contoso.com"
Expected = dict[str, t.Any]


def main() -> int:
    expected: Expected = json.loads(MANIFEST.read_text()) if MANIFEST.exists() else {}
    makers: dict[str, t.Callable[[Path], Expected]] = {
        "ours-good": make_ours,
        "ours-not-encrypted": make_not_encrypted,
        "restic-good": make_by_restic,
        "restic-format-1": make_by_restic_in_format_1,
    }
    for damage in DAMAGES:
        makers[f"ours-{damage.__name__.replace('_', '-')}"] = functools.partial(make_damaged, damage)
    for name, maker in makers.items():
        if (HERE / f"{name}.tar.gz").exists():
            continue
        with tempfile.TemporaryDirectory() as folder:
            repository = Path(folder, name)
            expected[name] = maker(repository)
            pack_up(repository, HERE / f"{name}.tar.gz")
        MANIFEST.write_text(json.dumps(expected, indent=1, sort_keys=True, ensure_ascii=False) + "\n")
        print(f"made {name}, {(HERE / f'{name}.tar.gz').stat().st_size:,} bytes")
    return 0


def make_ours(repository: Path) -> Expected:
    """Two members, two runs, a message deleted between them; a recovery key, and the first passphrase rotated away."""
    from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.recovery_key import generate_recovery_key

    recovery = generate_recovery_key(random.Random("golden recovery key").randbytes)
    back_up(repository, FIRST_PASSPHRASE, recovery)
    rotate(repository)
    good: Expected = {"passphrases": [PASSPHRASE, recovery], "old_passphrases": [FIRST_PASSPHRASE], "is_clean": True, "restic": True}
    return good | {"snapshots": Workbench(repository, PASSPHRASE, "").files_of()}


def make_not_encrypted(repository: Path) -> Expected:
    back_up(repository, UNENCRYPTED, None)
    snapshots = Workbench(repository, UNENCRYPTED, "").files_of()
    return {"passphrases": [UNENCRYPTED], "is_clean": True, "restic": True, "snapshots": snapshots}


def back_up(repository: Path, passphrase: str, recovery: str | None) -> None:
    from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository import repository as room
    from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.keys import KdfParameters
    from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.storage_local import LocalStorage
    from ansible_collections.tenantvault.m365_backup.tests.integration.backups import Backup, mail
    from tenant.harness import running_tenant

    class Run(Backup):
        def repository(self) -> room.Repository:
            return room.open_repository(LocalStorage(repository), passphrase)

    room.create_repository(LocalStorage(repository), passphrase, recovery_passphrase=recovery, kdf=KdfParameters(n=2**10))
    with running_tenant() as tenant:
        for user in (ADELE, BO):
            tenant.control.add_user(user)
            for folder in ("archive", "conversationhistory", "drafts", "junkemail", "sentitems"):
                tenant.control.delete_folder(user, folder)  # a small repository is what we want
            for day in range(4):
                tenant.control.deliver(user, "inbox", mail(f"message {day} to {user}"), received=f"2026-11-0{day + 1}T08:00:00Z")
        run = Run(tenant=tenant, folder=repository.parent, users=(ADELE, BO), title="Sales")
        run.run()
        tenant.control.delete(ADELE, [tenant.control.messages(ADELE, "inbox")[0]["id"]])
        tenant.control.deliver(ADELE, "inbox", mail("news"), received="2026-11-05T08:00:00Z", flagged=True)
        run.run()


def rotate(repository: Path) -> None:
    from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.key_changes import KeyWishes, RoleWish, change_keys
    from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.keys import KdfParameters
    from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.repository import open_repository
    from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.storage_local import LocalStorage

    wishes = KeyWishes(passphrase=RoleWish(secret=PASSPHRASE, is_only=True))
    change_keys(open_repository(LocalStorage(repository), FIRST_PASSPHRASE), wishes, kdf=KdfParameters(n=2**10))


def make_by_restic(repository: Path) -> Expected:
    """All kinds of entries and nasty names, a large file that is cut by content, and a second snapshot."""
    lines = b"".join(b"%06d, a line that is compressed to almost nothing, as it should.\r\n" % number for number in range(2_000))
    large = lines + bytes(4 << 20) + lines  # restic cuts a run of zeros every 512 KiB
    files = {
        b"empty": b"",
        b'qu"ote \\ back': b"1",
        b"bell\a\n\xff\xfe": b"2",
        "ünï 📧.eml".encode(): b"3",
        b"sub/deep/er/x": b"4",
        b"large": large,
    }
    source = repository.parent / "source"
    (source / "empty folder").mkdir(parents=True)
    for name, content in files.items():
        path = Path(os.fsdecode(os.path.join(os.fsencode(source), name)))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    (source / "link").symlink_to("empty")
    restic(repository, "init")
    restic(repository, "backup", ".", "--tag", "golden", "--host", "a-host", folder=source)
    (source / "sub" / "deep" / "new").write_bytes(b"5")
    restic(repository, "backup", ".", "--tag", "golden", "--host", "a-host", folder=source)
    return {
        "passphrases": [PASSPHRASE],
        "is_clean": True,
        "restic": True,
        "left_out": ["/link"],
        "snapshots": Workbench(repository, PASSPHRASE, "").files_of(),
    }


def make_by_restic_in_format_1(repository: Path) -> Expected:
    source = repository.parent / "source"
    source.mkdir()
    (source / "a.eml").write_bytes(b"Subject: kept in format 1\r\n\r\nHello\r\n")
    restic(repository, "init", "--repository-version", "1")
    restic(repository, "backup", ".", "--host", "a-host", folder=source)
    snapshots = Workbench(repository, PASSPHRASE, "").files_of()
    return {"passphrases": [PASSPHRASE], "is_clean": True, "restic": True, "refused_by_us": "version 1", "snapshots": snapshots}


def restic(repository: Path, *arguments: str, folder: Path | None = None) -> None:
    settings = {"RESTIC_REPOSITORY": str(repository), "RESTIC_PASSWORD": PASSPHRASE}
    subprocess.run(["restic", "--no-cache", "--quiet", *arguments], check=True, cwd=folder, env={**os.environ, **settings})


def make_damaged(damage: t.Callable[[Workbench, Pieces], t.Any], repository: Path) -> Expected:
    with tarfile.open(HERE / "ours-good.tar.gz") as archive:
        archive.extractall(repository.parent, filter="data")
    shutil.move(repository.parent / "ours-good", repository)
    bench = Workbench(repository, PASSPHRASE, damage.__name__)
    return {"like": "ours-good"} | {
        field: value
        for field, value in dataclasses.asdict(damage(bench, Pieces(bench))).items()
        if value not in ((), {}, False) or field == "restic"
    }


def pack_up(folder: Path, archive: Path) -> None:
    """The same files give the same archive."""
    with tarfile.open(archive, "w:gz", compresslevel=9) as tar:
        for path in sorted(folder.rglob("*")):
            entry = tarfile.TarInfo(str(path.relative_to(folder.parent)))
            entry.type, entry.mode = (tarfile.DIRTYPE, 0o755) if path.is_dir() else (tarfile.REGTYPE, 0o644)
            content = path.read_bytes() if path.is_file() else b""
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))


if __name__ == "__main__":
    sys.exit(main())

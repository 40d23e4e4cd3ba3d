# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which signatures a clamd judges by.

It tells the number of its official daily signatures, and nothing of an administrator's own ones. Those are read where
they lie, when the daemon runs on this machine.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import hashlib
import os
import re
import time
import typing as t
from datetime import datetime, timezone
from pathlib import Path

from .clamd_protocol import Version
from .scanner import CLAMAV
from .verdict import Engine
from .verdicts import time_text

SIGNATURE_FOLDER = Path("/var/lib/clamav")
"""Of every distribution that we know."""
_OFFICIAL = ("main.", "daily.", "bytecode.")
# As libclamav knows them (readdb.h), but for what it only reads inside of the official ones.
_SIGNATURE = re.compile(
    r".+\.(cat|cbc|cdb|cfg|crb|cud|cvd|cld|fp|ftm|gdb|hdb|hdu|hsb|hsu|idb|ign2?|imp|ldb|ldu|mdb|mdu|msb|msu|ndb|ndu|pdb|pwdb|rmd|sfp|wdb|yara?)"
)
_TAKEN_IN = 3900.0
"""Seconds. Without a word from freshclam a daemon looks for changed files every SelfCheck seconds, an hour at most as delivered."""


class ClamdDatabase:
    """C(folder) is None for a daemon elsewhere. C(wall) is seconds since 1970, C(started) when the local one began."""

    def __init__(
        self,
        folder: Path | None,
        *,
        wall: t.Callable[[], float] = time.time,
        started: t.Callable[[], float | None] | None = None,
    ) -> None:
        self._folder = folder
        self._wall = wall
        self._started = started or _oldest_daemon
        self._known: tuple[tuple[tuple[str, int, int], ...], str] = ((), "")

    def engine(self, version: Version, own: str) -> Engine:
        """C(own) was read before the daemon was asked for its version: what is newer is never claimed."""
        database = "/".join(filter(None, (version.engine, version.database)))
        return Engine(
            name=CLAMAV,
            version=version.engine,
            database="+".join(filter(None, (database, own))),
            released=time_text(version.released) if version.released else "",
        )

    def own_signatures(self) -> str:
        """A name for the signature files that are not the official ones; empty when there are none, or nobody can see them.

        Files that changed lately have another name as long as the daemon may still judge by the old ones, so that contents of
        that time are scanned again.
        """
        try:
            files = tuple(self._files())
            changed = max((status.st_ctime for _path, status in files), default=0.0)
            name = self._named(files)
        except OSError:
            return ""
        if not name or self._wall() - changed > _TAKEN_IN or (self._started() or 0.0) > changed:
            return name
        return f"{name}~{time_text(datetime.fromtimestamp(changed, timezone.utc))}"

    def _files(self) -> t.Iterator[tuple[Path, os.stat_result]]:
        if self._folder is None:
            return
        for path in sorted(self._folder.iterdir()):
            if _SIGNATURE.fullmatch(path.name) and not path.name.startswith(_OFFICIAL) and path.is_file():
                yield path, path.stat()

    def _named(self, files: tuple[tuple[Path, os.stat_result], ...]) -> str:
        if not files:
            return ""
        marks = tuple((path.name, status.st_size, status.st_mtime_ns) for path, status in files)
        known, name = self._known
        if known != marks:
            digest = hashlib.sha256()
            for path, status in files:
                digest.update(f"{path.name}\0{status.st_size}\0".encode())
                with path.open("rb") as file:
                    while piece := file.read(1 << 20):
                        digest.update(piece)
            name = f"own-{digest.hexdigest()[:12]}"
            self._known = (marks, name)
        return name


def _oldest_daemon() -> float | None:
    """When the first of the clamd processes of this machine started (seconds since 1970); None where that cannot be seen."""
    try:
        since_boot = time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)
        ticks = os.sysconf("SC_CLK_TCK")
        found = [since_boot + start / ticks for start in _starts()]
    except (OSError, AttributeError, ValueError):
        return None
    return min(found, default=None)


def _starts() -> t.Iterator[int]:
    """Field 22 of C(/proc/pid/stat), in ticks since boot; the name in field 2 may hold anything but ends with the last bracket."""
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            try:
                name, _bracket, rest = (folder / "stat").read_text("utf-8", "replace").rpartition(")")
            except OSError:
                continue  # It has ended, or is not ours to see.
            if name.endswith("(clamd"):
                yield int(rest.split()[19])

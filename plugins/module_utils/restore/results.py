# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a restore says about itself.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field
from enum import Enum

from .._errors import BackupError
from ..backup.results import Finding, finding_of, listed
from ..backup.source_words import source_words
from ..repository.advance import UNHEARD, Advance
from .estimate import Estimate


class Restored(Enum):
    """What became of an item. C(UNCHANGED): this very restore had put it there before, or the file is there with the same
    bytes. C(SKIPPED): the mailbox has the item, and it is left as it is; results say "kept", because a
    task with a result C(skipped) is one that did not run."""

    WRITTEN = "restored"
    COPIED = "copied"
    REPLACED = "replaced"
    SKIPPED = "kept"
    UNCHANGED = "unchanged"


_WRITES = (Restored.WRITTEN, Restored.COPIED, Restored.REPLACED)


#: What results count of the malware scan, each an attribute of L(SourceRestore).
SCAN_COUNTS = ("refused", "infected", "unscannable", "unscanned")
_FOLDERS_LISTED = 500
_RENAMED_LISTED = 100


@dataclass(slots=True)
class SourceRestore:
    """One source. C(target) is where its items are now. C(is_stopped): the restore of the source ended before its last item.
    C(bound): items that were left although they should be replaced, because taking them away would mail people.
    C(new_folders): folders of a drive that were made, empty ones too. C(mended): what was there and got its name, its times or
    its permissions. C(renamed): the first of those that could not have their own name or place. C(shared): people and groups
    that were given access again, once for each file or folder. C(refused): what is infected and was not restored; C(infected): what
    is and was, because it was asked for. C(unscannable) and C(unscanned) were chosen, too, and nobody knows what is in them."""

    source: str
    target: str
    outcomes: dict[Restored, int] = field(default_factory=lambda: dict.fromkeys(Restored, 0))
    restored_bytes: int = 0
    folders: dict[str, int] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    estimate: Estimate = field(default_factory=Estimate)
    is_stopped: bool = False
    bound: int = 0
    new_folders: int = 0
    mended: int = 0
    renamed: list[dict[str, str]] = field(default_factory=list)
    renamed_count: int = 0
    shared: int = 0
    refused: int = 0
    infected: int = 0
    unscannable: int = 0
    unscanned: int = 0
    advance: Advance = UNHEARD

    @property
    def written(self) -> int:
        """Items that were created, whatever was there before."""
        return sum(self.outcomes[what] for what in _WRITES)

    @property
    def failures(self) -> int:
        """Findings that are no refusals."""
        return len(self.findings) - self.refused

    def add(self, folder: tuple[str, ...], size: int, what: Restored) -> None:
        self.outcomes[what] += 1
        self.advance.add(1, size)
        if what not in _WRITES:
            return
        self.restored_bytes += size
        name = "/".join(folder)
        self.folders[name] = self.folders.get(name, 0) + 1

    def rename(self, original: str, restored: str, reason: str) -> None:
        """An item or folder has another path than it had in the backup. C(reason) says why in a sentence."""
        self.renamed_count += 1
        if len(self.renamed) < _RENAMED_LISTED:
            self.renamed.append({"original": original, "restored": restored, "reason": reason})

    def stop(self, error: BackupError) -> None:
        """An error that concerns the whole source ended its restore."""
        self.is_stopped = True
        self.findings.append(finding_of(error, source_words(self.source)))

    def as_dict(self) -> dict[str, t.Any]:
        return {
            "target": self.target,
            **{what.value: count for what, count in self.outcomes.items()},
            "restored_bytes": self.restored_bytes,
            "new_folders": self.new_folders,
            "folders": _most_filled(self.folders),
            "mended": self.mended,
            "shared": self.shared,
            "scan": {name: getattr(self, name) for name in SCAN_COUNTS},
            "renamed_count": self.renamed_count,
            "renamed": list(self.renamed),
            "finding_count": len(self.findings),
            "findings": listed(self.findings),
        }


@dataclass(slots=True)
class RestoreResult:
    """C(target) is where the items are now: a folder of this host, or a place in a mailbox. C(infected_archive) is the zip file
    that has those that are infected, empty where there is none."""

    snapshot_id: str
    snapshot_time: str
    member: str
    target: str
    infected_archive: str = ""
    sources: dict[str, SourceRestore] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    advance: Advance = UNHEARD

    def of(self, source: str) -> SourceRestore:
        """The part of a source; an empty one the first time."""
        return self.sources.setdefault(source, SourceRestore(source, self.target, advance=self.advance))

    def count(self, what: Restored) -> int:
        return sum(source.outcomes[what] for source in self.sources.values())

    @property
    def scan(self) -> dict[str, int]:
        """What the malware scan has said of the chosen items, by L(SCAN_COUNTS)."""
        return {name: sum(getattr(source, name) for source in self.sources.values()) for name in SCAN_COUNTS}

    @property
    def restored(self) -> int:
        return self.count(Restored.WRITTEN)

    @property
    def unchanged(self) -> int:
        return self.count(Restored.UNCHANGED)

    @property
    def written(self) -> int:
        """Items that were created, whatever was there before."""
        return sum(source.written for source in self.sources.values())

    @property
    def new_folders(self) -> int:
        """Folders of drives that were made."""
        return sum(source.new_folders for source in self.sources.values())

    @property
    def is_changed(self) -> bool:
        """Whether anything was put anywhere."""
        return self.written > 0 or self.new_folders > 0 or any(source.mended or source.shared for source in self.sources.values())

    @property
    def restored_bytes(self) -> int:
        return sum(source.restored_bytes for source in self.sources.values())

    @property
    def folders(self) -> dict[str, int]:
        """How many items were written of each folder. Folders of one name in two sources count as one."""
        folders: dict[str, int] = {}
        for source in self.sources.values():
            for name, count in source.folders.items():
                folders[name] = folders.get(name, 0) + count
        return folders

    @property
    def findings(self) -> list[Finding]:
        """Those of all sources. A new one belongs into the list of its source."""
        return [finding for source in self.sources.values() for finding in source.findings]

    @property
    def estimate(self) -> Estimate:
        return sum((source.estimate for source in self.sources.values()), Estimate())

    def as_dict(self) -> dict[str, t.Any]:
        findings = self.findings
        return {
            "snapshot_id": self.snapshot_id,
            "snapshot_time": self.snapshot_time,
            "member": self.member,
            "target": self.target,
            **{what.value: self.count(what) for what in Restored},
            "restored_bytes": self.restored_bytes,
            "new_folders": self.new_folders,
            "folders": _most_filled(self.folders),
            "sources": {name: source.as_dict() for name, source in self.sources.items()},
            "scan": self.scan,
            "infected_archive": self.infected_archive,
            "finding_count": len(findings),
            "findings": listed(findings),
        }


def _most_filled(folders: t.Mapping[str, int]) -> dict[str, int]:
    """By name the folders with the most items, as many as a result can show; mostly all."""
    listed_folders = sorted(folders.items(), key=lambda folder: (-folder[1], folder[0]))[:_FOLDERS_LISTED]
    return dict(sorted(listed_folders))

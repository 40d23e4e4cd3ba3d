# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The declared plan as the rest of the collection sees it.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import dataclasses
import datetime
import enum
import hashlib
import re
import unicodedata

from ..repository.storage_options import S3Options
from .retention import Retention
from .schedule import Schedule, find_time_zone

NAME_PATTERN = r"^[a-z0-9]([a-z0-9_-]{0,62}[a-z0-9])?\Z"
"""Names are used in file names and in the tags of snapshots."""

_LONGEST_DERIVED_NAME = 48


class BackupType(str, enum.Enum):
    """What a plan backs up of its members: exactly one of these."""

    MAILBOX = "mailbox"
    ONEDRIVE = "onedrive"


MAILBOX_SOURCES = ("mail", "calendar", "contacts", "tasks", "settings")
"""What a plan of mailboxes may leave out; archive mailboxes have an option of their own."""

MOST_VERSIONS = 500
"""Earlier versions that a plan of drives may ask for of each file. It is what a library keeps unless somebody changes it."""


class MailboxKind(str, enum.Enum):
    """What a mailbox is for, by C(userPurpose) of Graph; C(linked) ones are users, too."""

    USER = "user"
    SHARED = "shared"
    ROOM = "room"
    EQUIPMENT = "equipment"
    OTHER = "other"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Selectors:
    """Ways to name people: by name, address or object id, or by what the directory says of them. Sorted, without doubles.

    ``user_filter`` is an OData filter over users. ``on_premises_ous`` are distinguished names of organizational units.
    """

    users: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    administrative_units: tuple[str, ...] = ()
    user_filter: str | None = None
    on_premises_ous: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether they name nobody."""
        return self == Selectors()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Whom the plan covers, as declared: everybody who is ``chosen`` (or with ``all_users`` the whole directory) and not ``excluded``.

    The others narrow it: ``licensed_only`` leaves out users without a licence for what is backed up (shared, room and equipment
    mailboxes need none), ``mailbox_kinds`` names the kinds of mailboxes that stay, and guests stay with ``include_guests`` only.
    """

    chosen: Selectors = Selectors()
    excluded: Selectors = Selectors()
    all_users: bool = False
    licensed_only: bool = False
    include_guests: bool = False
    mailbox_kinds: tuple[MailboxKind, ...] = tuple(MailboxKind)


class LeaverPolicy(str, enum.Enum):
    """What becomes of the backup of a member who is no longer selected."""

    KEEP_UNTIL_REMOVED_BY_HAND = "keep_until_removed_by_hand"
    KEEP_FOREVER = "keep_forever"
    EXPIRE_AFTER_DAYS = "expire_after_days"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Leavers:
    """``days`` after they left the backups of leavers go, with C(expire_after_days); else it is None."""

    policy: LeaverPolicy = LeaverPolicy.KEEP_UNTIL_REMOVED_BY_HAND
    days: int | None = None


DEFAULT_MEMBER_LOSS_PERCENT = 20


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Encryption:
    """Whether the repository is locked with a passphrase of the administrator, or with the published one."""

    enabled: bool = True


class ScanEngine(str, enum.Enum):
    """What scans: C(auto) is clamd when it answers, else YARA when there are rules."""

    AUTO = "auto"
    CLAMAV = "clamav"
    YARA = "yara"


class OnFlagged(str, enum.Enum):
    """What a run does about contents that it has stored all the same."""

    KEEP_AND_REPORT = "keep_and_report"
    FAIL_RUN = "fail_run"


class OnScannerDown(str, enum.Enum):
    """What a run does with a content that nobody could scan."""

    FAIL = "fail"
    BACKUP_UNSCANNED = "backup_unscanned"


DEFAULT_CLAMD_SOCKET = "/run/clamav/clamd.ctl"
DEFAULT_SIZE_LIMIT_MB = 200


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class MalwareScan:
    """Whether contents are scanned while they are backed up, by what, and what follows.

    C(socket) of clamd is a path, or C(tcp://host:port). C(rules) are files and folders of YARA rules. Contents of more than
    C(size_limit_mb) MiB are not scanned.
    """

    enabled: bool = False
    engine: ScanEngine = ScanEngine.AUTO
    socket: str = DEFAULT_CLAMD_SOCKET
    rules: tuple[str, ...] = ()
    on_infected: OnFlagged = OnFlagged.KEEP_AND_REPORT
    on_unscannable: OnFlagged = OnFlagged.KEEP_AND_REPORT
    on_scanner_down: OnScannerDown = OnScannerDown.FAIL
    size_limit_mb: int = DEFAULT_SIZE_LIMIT_MB

    @property
    def keeps_unscanned(self) -> bool:
        """Whether what nobody could scan is stored all the same."""
        return self.on_scanner_down is OnScannerDown.BACKUP_UNSCANNED


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A group backup plan. It holds no secrets.

    ``name`` is stable and identifies the plan in file names and snapshots; ``title`` is what people read and may change.
    ``schedule`` is None when nothing starts the plan by itself. ``max_member_loss_percent`` is how much of the members may be gone
    between two runs before a run wants to be asked twice. ``repository`` is the location of the restic repository,
    and ``s3`` how it is reached when it lies in an object store. ``sources`` and the two options after it concern mailboxes,
    ``versions`` (how many earlier versions of each file) and ``permissions`` drives.
    """

    name: str
    title: str
    selection: Selection
    backup_type: BackupType
    schedule: Schedule | None = None
    retention: Retention = Retention(forever=True)
    leavers: Leavers = Leavers()
    max_member_loss_percent: int = DEFAULT_MEMBER_LOSS_PERCENT
    sources: tuple[str, ...] = MAILBOX_SOURCES
    recoverable_items: bool = False
    archive_mailboxes: bool = False
    versions: int = 0
    permissions: bool = False
    encryption: Encryption = Encryption()
    malware_scan: MalwareScan = MalwareScan()
    repository: str
    s3: S3Options = S3Options()

    @property
    def time_zone(self) -> datetime.tzinfo:
        """The time zone in which the plan counts its days: the schedule's, else UTC."""
        zone = find_time_zone(self.schedule.time_zone) if self.schedule else None
        return zone or datetime.timezone.utc


def name_from_title(title: str) -> str:
    """The name of a plan that is declared by its title alone, such as C(sales-marketing) for C(Sales & Marketing).

    Titles with letters that have no counterpart in ASCII get a piece of their hash, so that two of them do not meet.
    """
    plain = unicodedata.normalize("NFKD", title.casefold())
    ascii_only = "".join(character for character in plain if character.isascii())
    slug = re.sub(r"[^a-z0-9]+", "-", ascii_only).strip("-")
    is_lossy = any(character.isalnum() and not character.isascii() for character in plain)
    if slug and not is_lossy and len(slug) <= _LONGEST_DERIVED_NAME:
        return slug
    digest = hashlib.sha256(title.casefold().encode()).hexdigest()[:8]
    return f"{slug[:_LONGEST_DERIVED_NAME].strip('-') or 'plan'}-{digest}"

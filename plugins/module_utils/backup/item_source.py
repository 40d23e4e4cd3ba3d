# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a source of JSON items has to be able to do, so that one engine reads them all.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import abc
import typing as t
from dataclasses import dataclass

from .._errors import BackupError
from .catalogue import Record
from .folder_places import FolderRound
from .item_failures import MAYBE_ALL, ONE_OBJECT, SICK_AFTER
from .item_state import ItemState

if t.TYPE_CHECKING:
    from ..graph.delta import Page
    from ..graph.ids import Cursor
    from .item_parts import Parts

Document = dict[str, t.Any]


@dataclass(frozen=True, slots=True)
class Problem:
    """What of an item could not be read, though the item could."""

    name: str
    error: BackupError


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """An item as Graph has it now, and in which folder."""

    id: str
    folder_id: str
    document: Document
    problems: tuple[Problem, ...] = ()


class ItemSource(abc.ABC):
    """One member's calendars, contacts, tasks or settings. Methods but C(folders) are called from several threads.

    C(item_errors) concern a single item; so many of C(sick_kinds) in a row as C(sick_after) says concern them all.
    C(is_keyed): entries of C(changes) carry what C(key) needs, or nothing does. C(has_watched): C(watch) may say so of some.
    C(is_scanned): texts and files of items can hold malware.
    """

    word: t.ClassVar[str]
    is_keyed: t.ClassVar[bool] = True
    has_watched: t.ClassVar[bool] = False
    is_scanned: t.ClassVar[bool] = True
    item_errors: t.ClassVar[tuple[type[BackupError], ...]] = ONE_OBJECT
    sick_kinds: t.ClassVar[tuple[type[BackupError], ...]] = MAYBE_ALL
    sick_after: t.ClassVar[int] = SICK_AFTER

    @abc.abstractmethod
    def folders(self, state: ItemState) -> FolderRound:
        """Every folder that is backed up, with its place."""

    @abc.abstractmethod
    def changes(self, folder_id: str, cursor: Cursor | None) -> t.Iterator[Page]:
        """What changed in a folder since a cursor; everything without one.

        Raises CursorLost; DeltaUnavailable: use C(listing); NotFound: the folder is gone.
        """

    @abc.abstractmethod
    def listing(self, folder_id: str) -> t.Iterator[Page]:
        """Everything in a folder, by plain listing."""

    @abc.abstractmethod
    def look(self, item_id: str, folder_ids: t.Sequence[str]) -> Found:
        """An item as it is now. It is in one of these folders, most likely in the first; without any, anywhere.

        Raises NotFound when it is gone, and one of C(item_errors).
        """

    @abc.abstractmethod
    def record(self, found: Found) -> Record:
        """What the catalogue keeps of an item, without C(id), C(folder), C(file), C(size)."""

    @abc.abstractmethod
    def file(self, record: Record) -> str:
        """Where the item's JSON lies inside its folder. The first directory has a name of four digits, if there is one."""

    def key(self, fields: t.Mapping[str, t.Any]) -> str:
        """What moves whenever an item changes; empty where the fields do not tell."""
        del fields
        return ""

    def attach(self, found: Found, parts: Parts) -> None:
        """Read what belongs beside the item, and name in the document where it lies."""
        del found, parts

    def watch(self, record: Record) -> str | None:
        """Whether the item may change without being named, until when (ISO, UTC; empty: for ever). None when it may not."""
        del record
        return None

    def left_out(self) -> tuple[str, ...]:
        """What is known at the end not to be backed up, besides folders."""
        return ()

# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The bytes of restored items: as they were backed up, or in the format that other programs read.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
import typing as t

from ..backup.layout import CALENDAR, CONTACTS, SETTINGS, TASKS
from ..repository.bulk_read import read_many
from ..repository.errors import RepositoryDamaged
from .choice import ChosenItem, Part
from .export_ics import calendar_of_event
from .export_tasks import calendar_of_task
from .export_vcf import card_of_contact

if t.TYPE_CHECKING:
    from ..repository.repository import Repository

ITEMS_AT_ONCE = 2_000

OnDamage = t.Callable[[ChosenItem, RepositoryDamaged], None]
PartReader = t.Callable[[Part], t.Iterable[bytes]]
_Document = dict[str, t.Any]


def is_converted(source: str) -> bool:
    """Whether what is restored differs from what is stored."""
    return source in _CONVERTERS


def contents(
    repository: Repository, items: t.Iterable[ChosenItem], on_damage: OnDamage
) -> t.Iterator[tuple[ChosenItem, t.Iterator[bytes]]]:
    """Every item with its bytes, in the order in which reading them costs least. An item of no readable byte is told to ``on_damage``.

    The bytes have to be taken before the next item is asked for. Large ones are read meanwhile and raise RepositoryDamaged
    where they cannot be; what was taken of them then is to be thrown away. Raises StorageError.
    """
    items = iter(items)
    while batch := list(itertools.islice(items, ITEMS_AT_ONCE)):
        large = [item for item in batch if len(item.node.content) != 1]
        small = ((item, item.node) for item in batch if len(item.node.content) == 1)
        for item, _offset, content in read_many(repository, small, on_damage):
            yield item, converted(repository, item, content, on_damage)
        for item in large:
            yield item, content_of(repository, item, on_damage)


def content_of(repository: Repository, item: ChosenItem, on_damage: OnDamage) -> t.Iterator[bytes]:
    """The bytes of one item."""
    if not is_converted(item.source):
        return repository.read_file(item.node)
    return converted(repository, item, b"".join(repository.read_file(item.node)), on_damage)


def converted(repository: Repository, item: ChosenItem, content: bytes, on_damage: OnDamage) -> t.Iterator[bytes]:
    """The item from its stored content. A part that cannot be read is told of, and left out."""
    convert = _CONVERTERS.get(item.source)
    if convert is None:
        return iter((content,))
    readable = tuple(part for part in item.parts if _is_readable(repository, item, part, on_damage))
    item = dataclasses.replace(item, parts=readable)
    return convert(item, json.loads(content), lambda part: repository.read_file(part.node))


def _is_readable(repository: Repository, item: ChosenItem, part: Part, on_damage: OnDamage) -> bool:
    try:
        for _chunk in repository.read_file(part.node):
            pass
    except RepositoryDamaged as damage:
        on_damage(item, damage)
        return False
    return True


def _setting(_item: ChosenItem, document: _Document, _read: PartReader) -> t.Iterator[bytes]:
    yield json.dumps(document, ensure_ascii=False, indent=2, sort_keys=True).encode("utf-8", "surrogatepass") + b"\n"


_CONVERTERS: dict[str, t.Callable[[ChosenItem, _Document, PartReader], t.Iterator[bytes]]] = {
    CALENDAR: calendar_of_event,
    CONTACTS: card_of_contact,
    TASKS: calendar_of_task,
    SETTINGS: _setting,
}

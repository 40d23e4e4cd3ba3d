# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The mail that is measured: made by the tenant's generator, written as files, and delivered into the tenant from them.

The tenant could make each message at each read, but that costs it more than serving it, and it would be the limit.
"""

from __future__ import annotations

import dataclasses
import datetime
import math
import random
import typing as t

from tenant import generator

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from tenant.control import ControlClient

UNTIL = datetime.datetime(2026, 11, 1, tzinfo=datetime.timezone.utc)
MEDIAN_MAILBOX = 12_000
"""Messages in three years (size-mix facts): a smaller mailbox here holds a shorter time, so that its days are as full."""
_YEARS = 3.0
_MAIN = (("inbox", 0.45), ("sentitems", 0.25), ("deleteditems", 0.10))


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Messages ``first`` to ``first + count`` of one mailbox."""

    mailbox: str
    count: int
    first: int = 0
    size_limit: int | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Letter:
    """One message: where it lies in the mailbox, and its bytes."""

    number: int
    folder: str
    received: datetime.datetime
    mime: bytes


def letters(batch: Batch, folders: Sequence[str]) -> Iterator[Letter]:
    """Inbox 45 %, Sent 25 %, Deleted 10 %, the other folders by Zipf."""
    years = _YEARS * min(1.0, max(batch.count, 100) / MEDIAN_MAILBOX)
    zipf = [1 / rank for rank in range(1, len(folders) + 1)]
    places = [name for name, _unused in _MAIN] + list(folders)
    weights = [weight for _unused, weight in _MAIN] + [0.20 * share / sum(zipf) for share in zipf]
    for number in range(batch.first, batch.first + batch.count):
        recipe = generator.Recipe(1, batch.mailbox, number, UNTIL, years, batch.size_limit)
        folder = random.Random(f"{batch.mailbox}/{number}/place").choices(places, weights)[0]
        yield Letter(number, folder, generator.summary(recipe).sent, generator.mime(recipe))


def folder_names(count: int) -> tuple[str, ...]:
    """Names of the folders that a mailbox of this size has besides the well-known ones: 8 + 3 ln(messages) in all."""
    return tuple(f"Folder {number:02}" for number in range(1, 1 + max(1, int(3 * math.log(max(2, count))))))


def fill_mailbox(control: ControlClient, batch: Batch, files: Path | None) -> int:
    """Deliver a batch into a new mailbox, and write it below C(files) if given. Gives the bytes."""
    names = folder_names(batch.count)
    for name in names:
        control.create_folder(batch.mailbox, name)
    size = 0
    for letter in letters(batch, names):
        size += len(letter.mime)
        deliver(control, batch.mailbox, letter)
        if files is not None:
            path = files / batch.mailbox / letter.folder / f"{letter.number}.eml"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(letter.mime)
    control.messages(batch.mailbox)  # the tenant parses every message once, now and not while it is measured
    return size


def deliver(control: ControlClient, mailbox: str, letter: Letter) -> str:
    folder = letter.folder if letter.folder in dict(_MAIN) else [letter.folder]
    return control.deliver(mailbox, folder, letter.mime, received=letter.received, is_read=letter.number % 5 != 0)

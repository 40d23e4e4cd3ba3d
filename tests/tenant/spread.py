# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which folder a generated message lies in, and the folders that a mailbox of this size has."""

from __future__ import annotations

import bisect
import hashlib
import itertools
import math
import random
import typing as t

if t.TYPE_CHECKING:
    from collections.abc import Callable

    from .mail_items import Folder
    from .mailbox import Mailbox

_NAMES = (
    "Projects",
    "Customers",
    "Invoices",
    "2023",
    "2024",
    "2025",
    "Newsletters",
    "Team",
    "Travel",
    "HR",
    "IT",
    "Suppliers",
    "Archive 1",
    "Reports",
    "Private",
    "Offers",
)
_DEPTH = 5
_MAIN = (("inbox", "Inbox"), ("sentitems", "Sent Items"), ("deleteditems", "Deleted Items"))


def spread_folders(mailbox: Mailbox, count: int, seed: int) -> Callable[[int], Folder]:
    """Makes C(8 + 3 ln(count)) folders (well-known ones included) and gives the folder of each message number:
    Inbox 45 %, Sent 25 %, Deleted 10 %, the others by Zipf."""
    rng = random.Random(f"{seed}/folders/{mailbox.owner_id}")
    main = [_main_folder(mailbox, alias, name) for alias, name in _MAIN]
    own = [folder for folder in mailbox.visible_tree() if folder.alias is None and folder.filter_query is None and folder not in main]
    for number in range(len(own), max(1, int(3 * math.log(max(2, count))))):
        parents = [mailbox.root, main[0], *(folder for folder in own if len(folder.path()) < _DEPTH)]
        parent = rng.choice(parents)
        taken = {child.name for child in parent.children}
        name = rng.choice(_NAMES)
        own.append(mailbox.add_folder(name if name not in taken else f"{name} {number}", parent))
    weights = [0.45, 0.25, 0.10] + [0.20 / rank / sum(1 / other for other in range(1, len(own) + 1)) for rank in range(1, len(own) + 1)]
    targets = main + own
    bounds = list(itertools.accumulate(weights))
    return lambda number: targets[min(bisect.bisect(bounds, bounds[-1] * _share(seed, number)), len(targets) - 1)]


def _main_folder(mailbox: Mailbox, alias: str, name: str) -> Folder:
    """A well-known folder; in an archive, which does not know it, the folder with that name."""
    named = next((child for child in mailbox.root.children if child.name == name), None)
    return mailbox.aliases.get(alias) or named or mailbox.add_folder(name, mailbox.root)


def _share(seed: int, number: int) -> float:
    """A number in [0, 1) that is always the same for a message."""
    return int.from_bytes(hashlib.blake2b(f"{seed}/{number}/place".encode(), digest_size=6).digest(), "big") / 2**48

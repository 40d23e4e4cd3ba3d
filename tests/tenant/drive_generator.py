# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files made on demand from (seed, number): names, folders and sizes as people have them, bytes that cost nothing to keep.

The sizes are our choice of a mixture, fitted to published figures; nobody has published percentiles of OneDrive itself.
"""

from __future__ import annotations

import math
import random
import typing as t

from .drive_content import GeneratedContent

if t.TYPE_CHECKING:
    from .drive_store import Item
    from .drive_tree import Drive

# Share, median in KB, sigma of the logarithm, suffix.
_KINDS = (
    (0.30, 90, 1.35, "docx"),
    (0.18, 60, 1.9, "xlsx"),
    (0.08, 800, 1.4, "pptx"),
    (0.20, 180, 1.6, "pdf"),
    (0.14, 900, 1.2, "jpg"),
    (0.08, 6, 1.8, "csv"),
    (0.015, 4000, 1.8, "zip"),
    (0.005, 60000, 1.3, "mp4"),
)
_LARGEST = 4 * 1024**3
_SUBFOLDERS = 10
_SEED_STEP = 1_000_003
_FIRST_DAY = 1_600_000_000
_YEARS = 3 * 365 * 86400


def fill(drive: Drive, top: Item, count: int, *, seed: int, size: int | None, folders: int, largest: int | None) -> int:
    """Adds C(count) files below C(top), spread over C(folders) folders; C(size) None draws from the mixture. Gives their bytes."""
    draw = random.Random(seed)
    places = [top]
    for number in range(folders):
        # As people have them: some dozen at the top, most of them three or four deep, no path near the service's 400 characters.
        parent = places[draw.randrange(1 + number // _SUBFOLDERS)]
        places.append(drive.add(parent, f"Folder {number + 1:05d}", folder=True, modified=_FIRST_DAY + number, touch=False))
    total = 0
    for number in range(count):
        share, length, suffix = draw.random(), size, "bin"
        if length is None:
            length, suffix = _draw(draw, share)
        content = GeneratedContent(seed * _SEED_STEP + number, min(length, largest or _LARGEST))
        content.quick_xor()  # while nobody measures
        place = places[number % (len(places) - 1) + 1] if folders else top
        drive.add(place, f"File {number + 1:06d}.{suffix}", content=content, modified=_FIRST_DAY + draw.randrange(_YEARS), touch=False)
        total += content.size
    return total


def _draw(draw: random.Random, share: float) -> tuple[int, str]:
    for weight, median, sigma, suffix in _KINDS:
        share -= weight
        if share < 0:
            return max(1, int(median * 1024 * math.exp(draw.gauss(0, sigma)))), suffix
    return 1, "txt"

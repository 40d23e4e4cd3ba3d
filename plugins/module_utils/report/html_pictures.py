# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Small pictures between words: a square for each member, a strip of days, a share of a whole.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import math
import typing as t
from dataclasses import dataclass

from .html_markup import Markup, joined, tag
from .html_words import share

_MOST_SQUARES = 2_000
_CELL, _GAP = 7, 2
_STRIP_HIGH = 16
_SIZES = ((60, 20), (150, 16), (400, 12))
"""Up to so many squares they have that side; beyond, the smallest."""


@dataclass(frozen=True, slots=True)
class Part:
    """So many of a whole. C(look) is a class of the style sheet."""

    count: int
    look: str
    words: str


def squares(parts: t.Sequence[Part], words: str, width: int = 1_080) -> Markup:
    """One square for each, in the order of the parts; of very many there is a share instead."""
    total = sum(part.count for part in parts)
    if not total or total > _MOST_SQUARES:
        return shares(parts, words)
    side = next((side for limit, side in _SIZES if total <= limit), 8)
    step = side + max(2, side // 5)
    across = width // step
    drawn, number = [], 0
    for part in parts:
        places = range(number, number + part.count)
        path = "".join(f"M{place % across * step} {place // across * step}h{side}v{side}h-{side}z" for place in places)
        drawn.append(tag("path", d=path, class_=part.look) if path else joined())
        number += part.count
    wide = min(total, across) * step
    high = math.ceil(total / across) * step
    return tag("svg", *drawn, viewBox=f"0 0 {wide} {high}", width=wide, height=high, role="img", aria_label=words, class_="squares")


def shares(parts: t.Sequence[Part], words: str) -> Markup:
    """One bar, cut as the parts are; what is there at all is seen."""
    total = sum(part.count for part in parts)
    drawn, left = [], 0.0
    for part in parts:
        wide = max(share(part.count, total) * 1000, 4.0) if part.count else 0.0
        if wide:
            drawn.append(tag("rect", tag("title", part.words), x=left, y=0, width=min(wide, 1000 - left), height=10, class_=part.look))
        left += wide
    return tag("svg", *drawn, viewBox="0 0 1000 10", preserveAspectRatio="none", role="img", aria_label=words, class_="shares")


def strip(cells: t.Sequence[tuple[str, str]], words: str) -> Markup:
    """A cell for each day with its look and what one reads when pointing at it. What is worse is also higher, for who sees no colours."""
    drawn = [
        tag(
            "rect",
            tag("title", title) if title else None,
            x=number * (_CELL + _GAP),
            y=_STRIP_HIGH - _height(look),
            width=_CELL,
            height=_height(look),
            class_=look,
        )
        for number, (look, title) in enumerate(cells)
    ]
    wide = len(cells) * (_CELL + _GAP) - _GAP
    return tag(
        "svg", *drawn, viewBox=f"0 0 {wide} {_STRIP_HIGH}", width=wide, height=_STRIP_HIGH, role="img", aria_label=words, class_="strip"
    )


def _height(look: str) -> int:
    return {"f-bad": _STRIP_HIGH, "f-warn": 12, "f-good": 9}.get(look, 3)

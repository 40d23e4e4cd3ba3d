# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How much of a text is fresh, and how much can be predicted from the rest of it.

The text is cut, as cheaply as possible, into fresh characters, which cost 1 each, and stretches of at least 4 characters
that cost 3 each, however long they are. A stretch is foreseeable: a repetition of something earlier, also backwards; a
sequence, also an interleaved one such as C(a1b2c3); a run over a keyboard; or a word that everybody tries. This is the idea
of a compressor (LZ77 with a preset dictionary), so whatever is typed twice or counted up pays once.

What it means in bits: in words chosen by dice, which are the least dense of what we recommend, a character has 1.6 bits, in
random Base64 it has 6. What it cannot know: that a sentence is a quotation.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import dataclasses
import enum

_SHORTEST = 4
_STRETCH_COST = 3
_LONGEST_TEXT = 256

_KEYBOARDS = (
    *("1234567890-=", "qwertyuiop[]", "asdfghjkl;'", "zxcvbnm,./", "!@#$%^&*()_+"),
    *("qwertzuiopü+", "asdfghjklöä#", "yxcvbnm,.-", '!"§$%&/()=?'),
    *("azertyuiop^$", "qsdfghjklmù", "wxcvbn,;:!", "&é\"'(-è_çà)="),
    *("1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik,9ol.0p", "1qay2wsx3edc4rfv5tgb6zhn7ujm8ik,9ol.0p", "789456123", "147258369"),
)
_KNOWN = (
    *("password", "passphrase", "passwort", "kennwort", "geheim", "secret", "letmein", "welcome", "iloveyou", "admin"),
    *("correct horse battery staple", "correcthorsebatterystaple", "lorem ipsum dolor sit amet consectetur adipiscing elit"),
    *("the quick brown fox jumps over the lazy dog", "microsoft", "office365", "m365", "backup", "restic", "ansible", "tenantvault"),
)


class Kind(enum.Enum):
    """Why a stretch is foreseeable, in words that continue C(it consists of)."""

    REPETITION = "repetitions"
    SEQUENCE = "sequences"
    KEYBOARD = "runs over a keyboard"
    KNOWN = "words that everybody tries"


@dataclasses.dataclass(frozen=True, slots=True)
class Predictability:
    """``fresh``: the cost of the cheapest cut; never more than the length. ``kinds``: of the stretches in it, the most frequent first."""

    fresh: int
    kinds: tuple[Kind, ...]


def measure(text: str, enough: int = _LONGEST_TEXT) -> Predictability:
    """Measure a text, in which small and capital letters are the same. Only the first 256 characters count.

    A longer text is never worth less, so measuring ends where the text is worth C(enough).
    """
    text = text[:_LONGEST_TEXT].casefold()
    costs = list(range(len(text) + 1))
    origins: list[tuple[int, Kind | None]] = [(end - 1, None) for end in range(len(text) + 1)]
    start = 0
    while start < len(text) and costs[start] < enough:
        _offer(costs, origins, start, start + 1, 1, None)
        length, kind = _longest_stretch(text, start)
        for end in range(start + _SHORTEST, start + length + 1):
            _offer(costs, origins, start, end, _STRETCH_COST, kind)
        start += 1
    return Predictability(fresh=costs[start], kinds=_kinds(origins, start))


def _offer(costs: list[int], origins: list[tuple[int, Kind | None]], start: int, end: int, cost: int, kind: Kind | None) -> None:
    """Reach C(end) from C(start), if that is cheaper than what is known."""
    if costs[start] + cost < costs[end]:
        costs[end], origins[end] = costs[start] + cost, (start, kind)


def _kinds(origins: list[tuple[int, Kind | None]], end: int) -> tuple[Kind, ...]:
    covered = dict.fromkeys(Kind, 0)
    while end:
        start, kind = origins[end]
        if kind is not None:
            covered[kind] += end - start
        end = start
    return tuple(sorted((kind for kind in Kind if covered[kind]), key=lambda kind: -covered[kind]))


def _longest_stretch(text: str, start: int) -> tuple[int, Kind | None]:
    """How many characters from C(start) on can be foreseen, and why; of equally long reasons, the first."""
    lengths = {
        Kind.KEYBOARD: max(_found(text, start, row, len(row)) for row in _KEYBOARDS),
        Kind.KNOWN: max(_found(text, start, word, len(word)) for word in _KNOWN),
        Kind.REPETITION: _found(text, start, text, start),
        Kind.SEQUENCE: max((_counted(text, start, earlier) for earlier in range(start)), default=0),
    }
    kind = max(lengths, key=lambda each: lengths[each])
    return lengths[kind], kind


def _found(text: str, start: int, source: str, places: int) -> int:
    """The longest stretch that begins at one of the first C(places) of C(source), read forwards or backwards."""
    piece = text[start : start + _SHORTEST]
    if piece not in source[: places + _SHORTEST - 1] and piece[::-1] not in source[:places]:
        return 0
    return max((_copied(text, start, source, place, step) for place in range(places) for step in (1, -1)), default=0)


def _copied(text: str, start: int, source: str, place: int, step: int) -> int:
    """How far the text from C(start) on equals C(source) from C(place) on, read forwards (step 1) or backwards (-1)."""
    length = 0
    while start + length < len(text) and 0 <= place < len(source) and text[start + length] == source[place]:
        length += 1
        place += step
    return length


def _counted(text: str, start: int, earlier: int) -> int:
    """How far each character is the one at the same distance before it, or that one's neighbour, always on the same side."""
    step = 0
    for length in range(len(text) - start):
        difference = ord(text[start + length]) - ord(text[earlier + length])
        if difference and difference != step:
            if step or abs(difference) > 1:
                return length
            step = difference
    return len(text) - start

# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The secret polynomial by which restic cuts large files. L(pieces) has a secret of its own; restic on the same repository uses this."""

from __future__ import annotations

import typing as t

DEGREE = 53


def random_irreducible(random_bytes: t.Callable[[int], bytes]) -> int:
    """An irreducible polynomial over GF(2) of degree 53, its bits as an integer."""
    while True:
        candidate = int.from_bytes(random_bytes(8), "big") & ((1 << DEGREE) - 1) | 1 << DEGREE | 1
        if is_irreducible(candidate):
            return candidate


def is_irreducible(polynomial: int) -> bool:
    """Rabin's test. As 53 is prime, it needs no more than: no root, and x^(2^53) = x."""
    has_root = polynomial & 1 == 0 or polynomial.bit_count() % 2 == 0
    if has_root or polynomial.bit_length() != DEGREE + 1:
        return False
    power = 0b10
    for _step in range(DEGREE):
        power = _remainder(_square(power), polynomial)
    return power == 0b10


def _square(value: int) -> int:
    """Squaring over GF(2) puts a zero between all bits."""
    return int(format(value, "b"), 4)


def _remainder(value: int, modulus: int) -> int:
    while (shift := value.bit_length() - modulus.bit_length()) >= 0:
        value ^= modulus << shift
    return value

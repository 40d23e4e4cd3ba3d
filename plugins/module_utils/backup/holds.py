# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Holds as tags of a snapshot: C(hold:<label>) for each, and a plain C(hold) beside them.

The plain one is for C(restic forget --keep-tag hold), which compares whole tags.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t

from .._errors import InputError

HOLD_TAG = "hold"
_PREFIX = HOLD_TAG + ":"
_LONGEST_LABEL = 100


def holds_of(tags: t.Iterable[str]) -> tuple[str, ...]:
    """The labels of the holds, sorted; one empty label for a snapshot that somebody tagged C(hold) without a reason."""
    tags = set(tags)
    labels = sorted(tag[len(_PREFIX) :] for tag in tags if tag.startswith(_PREFIX))
    return tuple(labels) or (("",) if HOLD_TAG in tags else ())


def with_hold(tags: t.Sequence[str], label: str) -> tuple[str, ...]:
    """The tags with one hold more."""
    return tuple(dict.fromkeys((*tags, HOLD_TAG, _PREFIX + label)))


def without_hold(tags: t.Sequence[str], label: str) -> tuple[str, ...]:
    """The tags without one hold; the plain tag goes with the last label."""
    left = [tag for tag in tags if tag != _PREFIX + label]
    if len(left) < len(tags) and not any(tag.startswith(_PREFIX) for tag in left):
        left = [tag for tag in left if tag != HOLD_TAG]
    return tuple(left)


def check_label(label: str) -> str:
    """The label without blanks around it. Raises L(InputError) for one that restic could not name on its command line."""
    label = label.strip()
    if not label or len(label) > _LONGEST_LABEL or "," in label or not label.isprintable():
        raise InputError(
            f"{label!r} is no label of a hold.",
            hint=f"Give 1 to {_LONGEST_LABEL} printable characters without a comma, such as a case number.",
        )
    return label

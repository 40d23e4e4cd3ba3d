# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whom a plan covers, and what becomes of those who leave, as plain dictionaries in the shape of the module's options.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import dataclasses
import typing as t

from .model import BackupType, LeaverPolicy, Leavers, MailboxKind, Selection, Selectors

if t.TYPE_CHECKING:
    from .schema_parts import Declaration

Document = dict[str, t.Any]


def parse_selection(declared: Declaration) -> Selection:
    """The selection that the options of a valid declaration mean."""
    kinds = declared.get("mailbox_kinds", [kind.value for kind in MailboxKind])
    return Selection(
        chosen=_selectors(declared),
        excluded=_selectors(declared.get("exclude", {})),
        all_users=declared.get("all_users", False),
        licensed_only=declared.get("licensed_only", False),
        include_guests=declared.get("include_guests", False),
        mailbox_kinds=tuple(kind for kind in MailboxKind if kind.value in kinds),
    )


def selection_to_dict(selection: Selection, backup_type: BackupType) -> Document:
    """The options that declare a selection. Below C(exclude) are only the ways to name people that are used."""
    excluded = {option: value for option, value in _selectors_to_dict(selection.excluded).items() if value}
    return {
        **_selectors_to_dict(selection.chosen),
        "all_users": selection.all_users,
        "exclude": excluded or None,
        "licensed_only": selection.licensed_only,
        "include_guests": selection.include_guests,
        "mailbox_kinds": [kind.value for kind in selection.mailbox_kinds] if backup_type is BackupType.MAILBOX else None,
    }


def parse_leavers(declared: Declaration) -> Leavers:
    """The policy that a valid declaration means."""
    return Leavers(policy=LeaverPolicy(declared["policy"]), days=declared.get("days"))


def leavers_to_dict(leavers: Leavers) -> Document:
    """The declaration of a policy."""
    days = {"days": leavers.days} if leavers.days is not None else {}
    return {"policy": leavers.policy.value, **days}


def _selectors(declared: Declaration) -> Selectors:
    text = declared.get("user_filter")
    return Selectors(
        users=_tidy(declared.get("users", ())),
        groups=_tidy(declared.get("groups", ())),
        administrative_units=_tidy(declared.get("administrative_units", ())),
        user_filter=text and text.strip(),
        on_premises_ous=_tidy(declared.get("on_premises_ous", ())),
    )


def _selectors_to_dict(selectors: Selectors) -> Document:
    return {option: list(value) if isinstance(value, tuple) else value for option, value in dataclasses.asdict(selectors).items()}


def _tidy(names: t.Iterable[str]) -> tuple[str, ...]:
    """Sorted, and each name once: the directory does not tell capital from small letters."""
    by_key = {name.strip().casefold(): name.strip() for name in sorted(names, reverse=True)}
    return tuple(by_key[key] for key in sorted(by_key))

# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of a task that select people, as a declaration.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t
from pathlib import Path

from .users_csv import read_users_csv

SELECTION_OPTIONS = (
    "users",
    "groups",
    "administrative_units",
    "user_filter",
    "on_premises_ous",
    "all_users",
    "exclude",
    "licensed_only",
    "include_guests",
    "mailbox_kinds",
)


def declared_selection(params: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """What a declaration says of the members; the users of C(users_csv) are among the C(users).

    Raises L(InputError) when the file cannot be used.
    """
    declared = {option: params[option] for option in SELECTION_OPTIONS}
    if params["users_csv"]:
        listed = read_users_csv(Path(params["users_csv"]).expanduser(), params["users_csv_column"])
        declared["users"] = [*(declared["users"] or ()), *listed]
    return declared

# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The folders of a drive out of their records, in whatever order and however wrong these are."""

from __future__ import annotations

import typing as t

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.catalogue import Record
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.drive_state import folders_of


def record(folder_id: str, parent: str | None) -> Record:
    return {"id": folder_id, "number": ord(folder_id), "parent": parent, "file": f"stored {folder_id}", "name": f"true {folder_id}"}


def test_a_child_may_come_before_its_parent() -> None:
    folders = folders_of([record("b", "a"), record("a", "r"), record("r", None)])
    assert folders["b"].path == ("stored a", "stored b")
    assert folders["r"].path == ()


def test_a_folder_below_itself_has_no_path_and_is_left_out() -> None:
    assert folders_of([record("a", "a"), record("b", "c"), record("c", "b"), record("r", None)]).keys() == {"r"}


PARENTS = st.dictionaries(st.sampled_from("abcdef"), st.sampled_from("abcdefrx"))


@given(PARENTS, st.randoms(use_true_random=False))
def test_exactly_those_that_lead_to_the_top_have_a_path(parents: dict[str, str], shuffled: t.Any) -> None:
    records = [record("r", None), *(record(folder_id, parent) for folder_id, parent in parents.items())]
    shuffled.shuffle(records)
    folders = folders_of(records)
    for folder_id in parents:
        above = [folder_id]
        while above[-1] in parents and len(above) <= len(parents):
            above.append(parents[above[-1]])
        wanted = tuple(f"stored {each}" for each in reversed(above[:-1])) if above[-1] == "r" else None
        assert (folders[folder_id].path if folder_id in folders else None) == wanted

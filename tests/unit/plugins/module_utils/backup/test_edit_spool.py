# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The heap of pending edits: sorted as edit_tree wants it, the last word of a path counts."""

from __future__ import annotations

import contextlib
from datetime import datetime, timezone

from hypothesis import example, given
from hypothesis import strategies as st

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.edit_spool import EditSpool
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.types import BlobId, Node, NodeKind, Path, TreeId

NAMES = st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="/\x00"), min_size=1, max_size=6) | st.sampled_from(
    ["a", "a!", "a.b", "a b", "A", "\x01", "é", "e\u0301", "\uffff", "\U0001f600"]
)
PATHS = st.lists(NAMES, min_size=1, max_size=4).map(tuple)
MOMENTS = st.datetimes(timezones=st.just(timezone.utc))
IDS = st.text(alphabet="0123456789abcdef", min_size=64, max_size=64)


@st.composite
def nodes(draw: st.DrawFn, name: str) -> Node:
    moment: datetime = draw(MOMENTS)
    if draw(st.booleans()):
        return Node(name, NodeKind.DIRECTORY, moment, subtree=TreeId(draw(IDS)))
    return Node(name, NodeKind.FILE, moment, draw(st.integers(0, 2**40)), tuple(BlobId(blob) for blob in draw(st.lists(IDS, max_size=3))))


@st.composite
def edits(draw: st.DrawFn) -> list[tuple[Path, Node | None]]:
    paths = draw(st.lists(PATHS, max_size=12))
    return [(path, draw(st.none() | nodes(path[-1]))) for path in paths]


@given(puts=edits())
@example(puts=[(("a", "b"), None), (("a!",), None), (("a",), None), (("a", "b"), None)])
def test_edits_come_back_whole_and_sorted_and_the_last_one_of_a_path_counts(puts: list[tuple[Path, Node | None]]) -> None:
    with contextlib.closing(EditSpool()) as spool:
        for path, node in puts:
            spool.put(path, node)
        assert list(spool.sorted()) == sorted(dict(puts).items(), key=lambda edit: edit[0])
        assert len(spool) == len(dict(puts))


def test_a_cleared_spool_is_empty_and_takes_edits_again() -> None:
    with contextlib.closing(EditSpool()) as spool:
        spool.put(("old",), None)
        spool.clear()
        spool.put(("new",), None)
        assert list(spool.sorted()) == [(("new",), None)]

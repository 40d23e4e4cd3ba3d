# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which host backs up whom."""

from __future__ import annotations

import collections
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.tenantvault.m365_backup.plugins.module_utils._errors import InputError
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.shards import Share, drawn, share_of

NAMES = st.lists(st.text("abcdef", min_size=1), min_size=2, max_size=6, unique=True)
IDS = st.lists(st.uuids().map(str), max_size=50, unique=True)


@given(NAMES, IDS, st.randoms())
def test_every_member_is_backed_up_by_exactly_one_host_whatever_the_order_of_the_names(
    names: list[str], ids: list[str], random: object
) -> None:
    shares = [Share(name, tuple(reversed(names))) for name in names]
    for one in ids:
        assert [share.name for share in shares if share.has(one)] == [drawn(one, names)] == [drawn(one.upper(), names)]


@given(NAMES, IDS)
def test_a_host_that_goes_leaves_only_its_own_members_to_others(names: list[str], ids: list[str]) -> None:
    gone, *left = names
    assert all(drawn(one, left) == drawn(one, names) for one in ids if drawn(one, names) != gone)


def test_shares_are_about_equal() -> None:
    names = ["backup1", "backup2", "backup3", "backup4"]
    counts = collections.Counter(drawn(str(uuid.UUID(int=number)), names) for number in range(4000))
    assert all(900 < count < 1100 for count in counts.values())


@pytest.mark.parametrize(
    ("name", "names"), [("a", None), (None, ["a"]), ("a", []), ("c", ["a", "b"]), ("a", ["a", "a"]), ("", ["", "b"]), ("a,b", ["a,b"])]
)
def test_what_cannot_be_meant_is_refused(name: str | None, names: list[str] | None) -> None:
    with pytest.raises(InputError):
        share_of(name, names)


def test_without_names_one_host_backs_up_everybody() -> None:
    assert share_of(None, None) is None
    assert share_of("b", ["b", "a"]) == Share("b", ("a", "b"))

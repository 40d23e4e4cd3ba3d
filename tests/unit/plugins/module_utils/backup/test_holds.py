# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.tenantvault.m365_backup.plugins.module_utils._errors import InputError
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.holds import (
    check_label,
    holds_of,
    with_hold,
    without_hold,
)

labels = (
    st.text(st.characters(codec="utf-8", exclude_characters=","), min_size=1, max_size=20)
    .filter(lambda text: text.strip().isprintable() and text.strip())
    .map(str.strip)
)
foreign = st.lists(st.sampled_from(["m365", "plan:sales", "mine"]), unique=True).map(tuple)


@given(foreign, st.lists(labels, unique=True), labels)
def test_a_hold_that_is_set_and_released_leaves_the_tags_as_they_were(tags: tuple[str, ...], others: list[str], label: str) -> None:
    for other in others:
        tags = with_hold(tags, other)
    held = with_hold(tags, label)
    assert holds_of(held) == tuple(sorted({*others, label}))
    assert with_hold(held, label) == held
    assert "hold" in held
    if label not in others:
        assert set(without_hold(held, label)) == set(tags)
    assert label not in holds_of(without_hold(held, label))


def test_a_plain_tag_that_somebody_gave_with_restic_is_a_hold_without_a_label() -> None:
    assert holds_of(["hold", "m365"]) == ("",)
    assert holds_of(["hold", "hold:case 7"]) == ("case 7",)
    assert holds_of(["holder", "m365"]) == ()
    assert without_hold(("hold", "m365"), "case 7") == ("hold", "m365")


@pytest.mark.parametrize("label", ["", "  ", "a,b", "two\nlines", "x" * 101])
def test_labels_that_restic_could_not_take_on_its_command_line_are_refused(label: str) -> None:
    with pytest.raises(InputError, match="is no label"):
        check_label(label)


def test_blanks_around_a_label_do_not_count() -> None:
    assert check_label(" case 2026-117 ") == "case 2026-117"

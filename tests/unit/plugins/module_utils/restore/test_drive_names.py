# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What becomes of names and paths that a drive refuses."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.drive_names import (
    LONG_PATHS,
    LONGEST_NAME,
    LONGEST_PATH,
    Paths,
    accepted_name,
    beside,
    name_key,
    problem_of,
)

TOP = ("Restored 2026-11-22 223007",)
_PIECES = st.sampled_from(
    [
        *'"*:<>?/\\|',
        "~",
        "$",
        "~$",
        " ",
        ".",
        "_vti_",
        "_vti",
        "con",
        "nul",
        "LPT1",
        "desktop.ini",
        "forms",
        ".lock",
        "\x00",
        "\x1f",
        ".docx",
    ]
)
names = st.lists(_PIECES | st.text(max_size=6), max_size=12).map("".join).filter(bool) | st.text(min_size=200, max_size=300)
plain = st.text(st.characters(codec="ascii", categories=("L", "N")), min_size=1, max_size=LONGEST_NAME).filter(
    lambda name: not problem_of(name)
)


@given(name=names, is_folder=st.booleans(), is_at_top=st.booleans())
def test_whatever_a_name_was_the_service_takes_what_it_becomes(name: str, is_folder: bool, is_at_top: bool) -> None:
    accepted = accepted_name(name, ("a", name), is_folder=is_folder, is_at_top=is_at_top)
    assert problem_of(accepted, is_folder=is_folder, is_at_top=is_at_top) == ""


@given(name=plain, is_folder=st.booleans())
def test_a_name_that_the_service_takes_stays_as_it_is(name: str, is_folder: bool) -> None:
    assert accepted_name(name, ("a", name), is_folder=is_folder) == name


@pytest.mark.parametrize(
    "name",
    [
        "#1 100%.txt",
        "a+b & c's.txt",
        ".hidden",
        "e\u0301.txt",
        "\u00e9.txt",
        "\U0001f4c8.xlsx",
        "~notes",
        "\u202eabc",
        "x" * 255,
        "con.txt",
        "a  b",
    ],
)
def test_names_that_look_dangerous_and_are_allowed_stay(name: str) -> None:
    assert accepted_name(name, (name,)) == name


@pytest.mark.parametrize(
    ("name", "kind", "accepted"),
    [
        ("Q1: plan?.xlsx", {}, "Q1_ plan_~"),
        ("CON", {}, "CON~"),
        ("report.", {}, "report~"),
        (" padded ", {}, "padded~"),
        ("~$budget.xlsx", {}, "_$budget~"),
        ("forms", {"is_folder": True, "is_at_top": True}, "forms~"),
        ("~private", {"is_folder": True, "is_at_top": True}, "_private~"),
        ("..", {"is_folder": True}, "~"),
    ],
)
def test_a_refused_name_stays_recognisable(name: str, kind: dict[str, bool], accepted: str) -> None:
    assert accepted_name(name, (name,), **kind).lstrip("_").startswith(accepted.lstrip("_"))


def test_the_extension_of_a_refused_name_stays() -> None:
    assert accepted_name("Q1: plan.xlsx", ("Q1: plan.xlsx",)).endswith(".xlsx")
    assert accepted_name("x" * 300 + ".xlsx", ("a",)).endswith(".xlsx")


@given(left=names, right=names)
def test_two_refused_names_of_one_folder_stay_apart(left: str, right: str) -> None:
    if left != right and problem_of(left) and problem_of(right):
        assert name_key(accepted_name(left, ("a", left))) != name_key(accepted_name(right, ("a", right)))


@given(path=st.lists(names, min_size=1, max_size=12).map(tuple), name=names, prefix=st.integers(0, 80))
def test_no_path_is_longer_than_the_service_takes(path: tuple[str, ...], name: str, prefix: int) -> None:
    paths = Paths(TOP, prefix)
    folder, accepted = paths.file(path, name)
    for whole in ((*folder, accepted), paths.folder(path)):
        assert prefix + len("/".join(whole).encode("utf-16-le")) // 2 <= LONGEST_PATH
        assert whole[: len(TOP)] == TOP
        assert [problem_of(each) for each in whole] == [""] * len(whole)
    assert Paths(TOP, prefix).file(path, name) == (folder, accepted)


@given(path=st.lists(st.text("abc", min_size=1, max_size=20), max_size=6).map(tuple), name=st.text("abc", min_size=1, max_size=20))
def test_a_path_that_fits_is_the_one_that_it_was(path: tuple[str, ...], name: str) -> None:
    assert Paths(TOP).file(path, name) == ((*TOP, *path), name)
    assert Paths(()).folder(path) == path


def test_what_lies_too_deep_is_found_near_the_top_with_all_that_is_below_it() -> None:
    deep = tuple(f"{number} {'x' * 60}" for number in range(7))
    paths = Paths(TOP)
    folder = paths.folder(deep[:6])
    assert folder[:2] == (*TOP, LONG_PATHS)
    assert paths.folder(deep) == (*folder, deep[6])
    assert paths.file(deep, "y.txt") == ((*folder, deep[6]), "y.txt")
    assert paths.file(deep[:5], "y" * 250)[0][:2] == (*TOP, LONG_PATHS)


@given(name=names, label=st.just("restored 2026-11-22 223007"), room=st.integers(64, LONGEST_NAME))
def test_the_name_beside_is_another_one_and_fits(name: str, label: str, room: int) -> None:
    accepted = accepted_name(name, (name,), room=room)
    found = beside(accepted, label, room=room)
    assert name_key(found) != name_key(accepted)
    assert len(found) <= room
    assert problem_of(found) == ""


def test_the_name_beside_keeps_the_extension() -> None:
    assert beside("Plan 1.2.docx", "restored") == "Plan 1.2 (restored).docx"
    assert beside("Plan 1.2", "restored", is_folder=True) == "Plan 1.2 (restored)"
    assert beside(".hidden", "restored") == ".hidden (restored)"

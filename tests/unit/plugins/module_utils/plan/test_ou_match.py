# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.ou_match import is_below, ou_problem, parse_name

letters = st.text(st.characters(codec="utf-8", exclude_categories=["C"]), min_size=1).filter(str.strip)
kinds = st.sampled_from(["OU", "CN", "DC", "2.5.4.11"])
names = st.lists(st.tuples(kinds, letters), min_size=1, max_size=5)


def escaped(value: str, how: int) -> str:
    """In the ways in which RFC 4514 writes a value: special letters with a backslash, all octets in hexadecimal, or in quotation marks."""
    if how == 0:
        return "".join(f"\\{letter}" if letter in '\\",+<>;#= ' else letter for letter in value)
    if how == 1:
        return "".join(f"\\{octet:02X}" for octet in value.encode())
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def spelt(name: list[tuple[str, str]], how: int) -> str:
    return " , ".join(f"{kind} = {escaped(value, how)}" for kind, value in name)


@given(names, st.integers(0, 2), st.integers(0, 2))
def test_however_a_name_is_escaped_and_spaced_it_is_the_same_name(name: list[tuple[str, str]], one: int, other: int) -> None:
    parsed = parse_name(spelt(name, one))
    assert parsed is not None
    assert parsed == parse_name(spelt([(kind.lower(), value) for kind, value in name], other))


@given(names, names, names)
def test_exactly_what_ends_with_the_unit_is_below_it(
    inner: list[tuple[str, str]], unit: list[tuple[str, str]], other: list[tuple[str, str]]
) -> None:
    above, below, apart = parse_name(spelt(unit, 0)), parse_name(spelt(inner + unit, 1)), parse_name(spelt(other, 0))
    assert above is not None
    assert below is not None
    assert apart is not None
    assert is_below(below, above)
    assert not is_below(above, above)
    assert is_below(apart, above) == (len(apart) > len(above) and apart[-len(above) :] == above)


@pytest.mark.parametrize(
    ("user", "unit", "expected"),
    [
        ("CN=Anna,OU=Sales,DC=example,DC=com", "ou=sales,dc=EXAMPLE,dc=com", True),
        ("CN=Anna,OU=Field,OU=Sales,DC=example,DC=com", "OU=Sales,DC=example,DC=com", True),
        (r"CN=Adams\, Anna,OU=R\2CD,DC=example,DC=com", r"OU=R\,D,DC=example,DC=com", True),
        (r"CN=Anna\,OU=Sales,DC=example,DC=com", "OU=Sales,DC=example,DC=com", False),
        ("CN=Anna,OU=Presales,DC=example,DC=com", "OU=sales,DC=example,DC=com", False),
        ("CN=Anna,OU=Sales,DC=example,DC=org", "OU=Sales,DC=example,DC=com", False),
        ("CN=Anna+UID=7,DC=example,DC=com", "DC=com", True),
        ("CN=Müller,OU=Büro,DC=com", r"OU=B\C3\BCro,DC=com", True),
    ],
)
def test_units_are_compared_name_by_name(user: str, unit: str, expected: bool) -> None:
    name, above = parse_name(user), parse_name(unit)
    assert name is not None
    assert above is not None
    assert is_below(name, above) is expected


@pytest.mark.parametrize("text", ["", "Sales", "OU=", "OU=Sales,", "example.com/Sales", ",OU=Sales", "OU=a\\", '"OU=a', "OU=Sales,,DC=com"])
def test_what_is_no_distinguished_name_is_said_to_be_none(text: str) -> None:
    assert parse_name(text) is None
    assert "distinguished name" in ou_problem(text)


def test_a_distinguished_name_is_no_problem() -> None:
    assert ou_problem("OU=Sales,DC=example,DC=com") == ""

# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import codecs
import csv
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.tenantvault.m365_backup.plugins.module_utils._errors import InputError
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.users_csv import read_users_csv, users_of_csv

GUID = "7f3c1b2a-9d4e-4a55-8a61-0f5f0f5c2d10"
USERS = ("anna@example.com", "o'neil@example.com", GUID)
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16")
cells = st.text(st.characters(codec="utf-8", exclude_categories=["C"]), max_size=12)


def written(rows: list[list[str]], delimiter: str, encoding: str, quoting: int = csv.QUOTE_MINIMAL) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter, quoting=quoting).writerows(rows)  # type: ignore[arg-type]
    return text.getvalue().encode(encoding)


def complaint(content: bytes, column: str | None = None) -> str:
    with pytest.raises(InputError) as caught:
        users_of_csv(content, column)
    return str(caught.value)


@given(
    st.lists(st.tuples(st.sampled_from(USERS), cells, cells), min_size=1, max_size=6),
    st.sampled_from(",;\t"),
    st.sampled_from(ENCODINGS),
    st.sampled_from(["userPrincipalName", "User principal name", "objectId", "Object Id", "Email"]),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)
def test_users_are_found_below_the_headings_of_the_admin_centers_whatever_stands_beside_them(
    people: list[tuple[str, str, str]], delimiter: str, encoding: str, heading: str, quoting: int
) -> None:
    rows = [["displayName", heading, "Title, with; all"], *([name, key, more] for key, name, more in people)]
    assert users_of_csv(written(rows, delimiter, encoding, quoting)) == tuple(key for key, *_rest in people)


def test_the_sign_in_name_is_taken_where_other_columns_name_users_too() -> None:
    content = b"mail,objectId,userPrincipalName\n,,anna@example.com\n"
    assert users_of_csv(content) == ("anna@example.com",)


@pytest.mark.parametrize(
    "content",
    [
        b"anna@example.com\n\n  " + GUID.encode() + b" \n",
        b"sep=;\r\nName;UPN\r\nAnna;anna@example.com\r\n;;\r\nBob;" + GUID.encode(),
        b"version:v1.0\nMember object ID or user principal name [memberObjectIdOrUpn] Required\nanna@example.com\n" + GUID.encode(),
        b"Who\nanna@example.com\n" + GUID.encode(),
    ],
)
def test_lists_without_headings_templates_and_spreadsheets_are_read(content: bytes) -> None:
    assert users_of_csv(content) == ("anna@example.com", GUID)


def test_a_column_can_be_named_by_its_heading() -> None:
    content = b"userPrincipalName,Private\nanna@example.com,a@home.example\n"
    assert users_of_csv(content, " private ") == ("a@home.example",)
    assert "has no column 'Nobody'. Its first line has 'userPrincipalName', 'Private'" in complaint(content, "Nobody")
    assert "several columns 'a'" in complaint(b"a,A\nx@y,z@y\n", "a")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "is empty"),
        (b"\n \n", "is empty"),
        (codecs.BOM_UTF8, "is empty"),
        (b"upn\n", "has headings and no users"),
        (b"a@x.example,b@x.example\n", "several columns and no headings"),
        (b"Name,Place\nAnna,Ulm\n", "no column that is known to hold users. Its first line has 'Name', 'Place'"),
        (b"upn\nanna@example.com\nAnna Adams\n", "in line 3 ('Anna Adams')"),
        (b'upn,note\nanna@example.com,"two\nlines"\nnobody,\n', "in line 4 ('nobody')"),
        (b"version:v1.0\nname,upn\nAnna\n", "in line 3 (nothing)"),
        (b"upn\n" + b"nobody\n" * 8, "line 6 ('nobody') and 3 more"),
        (b'upn\nanna@example.com\n"bob@example.com\n', "is damaged from line 3 on"),
        ("upn\nanna@example.com\nJürgen@example.com\n".encode("cp1252"), "UTF-8 or UTF-16: line 3 has letters in another encoding"),
        ("upn\nanna@example.com\n".encode("utf-16-le"), "byte order mark"),
    ],
)
def test_what_is_wrong_is_said_with_the_line_and_what_to_do(content: bytes, expected: str) -> None:
    said = complaint(content)
    assert expected in said
    assert said.count(".") >= 2


@given(st.binary(max_size=60), st.none() | st.just("upn"))
def test_any_file_is_a_list_of_users_or_an_error_that_is_meant(content: bytes, column: str | None) -> None:
    try:
        users = users_of_csv(content, column)
    except InputError:
        return
    assert users
    assert all(user.strip() == user for user in users)


def test_the_file_is_named_in_errors(tmp_path: Path) -> None:
    path = tmp_path / "users.csv"
    with pytest.raises(InputError, match=f"The file {path} of option users_csv cannot be read: No such file"):
        read_users_csv(path)
    path.write_bytes(b"upn\nnobody\n")
    with pytest.raises(InputError, match=f"The file {path} of option users_csv has no sign-in name"):
        read_users_csv(path)

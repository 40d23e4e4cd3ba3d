# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a statement about a drive item leads to."""

from __future__ import annotations

import json
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.catalogue import Record
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.drive_answers import Answer, Body, Version
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.drive_decide import (
    Options,
    Wanted,
    file_record,
    has_same_content,
    is_same,
    wanted,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.drive_record import (
    Entry,
    What,
    entry_of,
    modified,
    other_name,
    stored_name,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.results import Finding, FindingKind

FILE: dict[str, t.Any] = {
    "id": "01A",
    "name": "Budget.xlsx",
    "size": 7,
    "eTag": "e1",
    "parentReference": {"id": "01P", "path": "/drives/b!x/root:/Documents"},
    "file": {"mimeType": "text/plain", "hashes": {"quickXorHash": "aCgDG9jwBhDc4Q1yawMZAAAAAAA="}},
    "fileSystemInfo": {"createdDateTime": "2026-01-01T10:00:00Z", "lastModifiedDateTime": "2026-02-03T04:05:06.1234567Z"},
    "lastModifiedBy": {"user": {"email": "alice@contoso.com", "displayName": "Alice"}},
    "isAuthoritative": False,
}
NO_HASH = {"file": {"hashes": {"quickXorHash": "AAAAAAAAAAAAAAAAAAAAAAAAAAA="}}}


def entry(**changes: t.Any) -> Entry:
    return entry_of({**FILE, **changes})


def record(of: Entry, **more: t.Any) -> Record:
    content = {"size": of.size, "hash": of.hash, "etag": of.etag, **more}
    return {**file_record(None, of, content=content, beside={}), "folder": 3, "file": of.name}


def test_a_file_in_the_words_of_the_catalogue() -> None:
    assert record(entry()) == {
        "id": "01A",
        "parent": "01P",
        "folder": 3,
        "file": "Budget.xlsx",
        "subject": "Budget.xlsx",
        "size": 7,
        "hash": "aCgDG9jwBhDc4Q1yawMZAAAAAAA=",
        "etag": "e1",
        "created": "2026-01-01T10:00:00Z",
        "modified": "2026-02-03T04:05:06.1234567Z",
        "received": "2026-02-03T04:05:06.1234567Z",
        "from": "alice@contoso.com",
        "mime": "text/plain",
    }
    assert modified(record(entry())).isoformat() == "2026-02-03T04:05:06.123456+00:00"


def test_a_repeated_statement_asks_for_nothing() -> None:
    assert wanted(record(entry()), entry(), Options(versions=9, permissions=True)) == Wanted()
    assert is_same(record(entry()), entry())


@pytest.mark.parametrize(
    ("old", "new", "is_expected"),
    [
        ({}, {"eTag": "e2", "name": "other", "parentReference": {"id": "01Q"}}, True),
        ({}, {"size": 8}, False),
        ({}, {"file": {"hashes": {"quickXorHash": "SgAAAAAAAAAAAAAAAQAAAAAAAAA="}}}, False),
        ({"own_hash": "x"}, {}, True),
        ({"own_hash": "x"}, {"eTag": "e2"}, False),
        ({"size": 9, "stated_size": 7}, {"eTag": "e2"}, False),
        ({}, {**NO_HASH, "eTag": "e1"}, True),
        ({}, {**NO_HASH, "eTag": "e2"}, False),
        ({"hash": ""}, {"eTag": "e2"}, False),
        ({"hash": "", "own_hash": "aCgDG9jwBhDc4Q1yawMZAAAAAAA="}, {"eTag": "e2"}, True),
        ({"etag": ""}, {**NO_HASH, "eTag": ""}, False),
    ],
)
def test_whether_a_content_is_the_one_that_we_have(old: dict[str, t.Any], new: dict[str, t.Any], is_expected: bool) -> None:
    assert has_same_content(record(entry(), **old), entry(**new)) is is_expected


def test_a_tombstone_is_one_whatever_else_it_carries() -> None:
    assert entry_of({"id": "01A", "deleted": {"state": "deleted"}, "size": 0, **NO_HASH}).what is What.REMOVED


def test_permissions_of_what_is_on_the_way_to_a_change_are_not_asked_for() -> None:
    folder = {"id": "01F", "name": "Shared", "folder": {}, "shared": {"scope": "users"}, "parentReference": {"id": "01P"}}
    options, known = Options(permissions=True), {"id": "01F", "parent": "01P", "name": "Shared", "shared": "users"}
    assert wanted(None, entry_of(folder), options) == Wanted(permissions=True)
    assert wanted(known, entry_of(folder), options) == Wanted()
    assert wanted(known, entry_of({**folder, "@microsoft.graph.sharedChanged": "True"}), options) == Wanted(permissions=True)
    assert wanted(known, entry_of(folder), options, is_full=True) == Wanted(permissions=True)


@given(st.text(max_size=300), st.text(min_size=1, max_size=20), st.booleans())
def test_every_name_becomes_one_that_linux_takes(name: str, item_id: str, is_at_top: bool) -> None:
    for stored in (stored_name(name, item_id, is_at_top=is_at_top), other_name(stored_name(name, item_id), item_id)):
        assert stored not in ("", ".", "..")
        assert not {"/", "\x00"} & set(stored)
        assert len(stored.encode()) <= 255
    assert stored_name("Bericht März.pdf", item_id) == "Bericht März.pdf"


def test_only_at_the_top_our_own_directory_is_in_the_way() -> None:
    assert stored_name(".m365", "1", is_at_top=True) != ".m365"
    assert stored_name(".m365", "1") == ".m365"


BODIES = st.builds(Body, st.integers(0, 2**40), st.lists(st.text("0123456789abcdef", min_size=64, max_size=64), max_size=3).map(tuple))
TEXTS = st.text(max_size=10)


@given(
    st.builds(
        Answer,
        content=st.none() | st.dictionaries(TEXTS, TEXTS | st.integers()),
        body=st.none() | BODIES,
        versions=st.none() | st.lists(st.builds(Version, TEXTS, TEXTS, BODIES), max_size=2).map(tuple),
        permissions=st.none() | BODIES,
        findings=st.lists(
            st.builds(Finding, kind=st.sampled_from(FindingKind), object=TEXTS, reason=TEXTS, code=TEXTS, request_id=TEXTS), max_size=2
        ).map(tuple),
        is_gone=st.booleans(),
        stored_bytes=st.integers(0, 2**40),
    )
)
def test_an_answer_is_read_as_it_was_kept(answer: Answer) -> None:
    assert Answer.from_dict(json.loads(json.dumps(answer.as_dict()))) == answer

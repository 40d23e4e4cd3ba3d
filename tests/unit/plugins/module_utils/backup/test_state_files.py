# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The small JSON files beside the content: what is written is what is read."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.tenantvault.m365_backup.plugins.module_utils._errors import BackupError
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.folder_places import folder_paths
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.item_state import (
    RETRY_PATH,
    SOURCE_PATH,
    Folder,
    ItemState,
    Retry,
    SourceFacts,
    facts_as_json,
    load_state,
    retries_as_json,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.layout import FOLDER_FILE, MEMBERS_FILE, META, META_TIME
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.members import (
    MemberState,
    SourceState,
    SourceStatus,
    members_as_json,
    read_members,
    with_directories,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.trees import edit_tree
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.types import Node, Path, TreeId
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.writer import Writer
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.backup.support import writing

TEXTS = st.text(max_size=12)
COUNTS = st.integers(0, 2**40)
FOLDERS = st.dictionaries(st.text(min_size=1, max_size=5), st.tuples(TEXTS, COUNTS, st.booleans(), st.none() | TEXTS), max_size=5)
SOURCES = st.builds(SourceState, status=st.sampled_from(SourceStatus), last_success=st.none() | TEXTS)
MEMBERS = st.builds(
    MemberState,
    id=TEXTS,
    principal_name=TEXTS,
    display_name=TEXTS,
    directory=TEXTS,
    left=st.none() | TEXTS,
    sources=st.dictionaries(st.sampled_from(["mail", "calendar"]), SOURCES),
)


def saved(writer: Writer, files: dict[Path, bytes]) -> TreeId:
    edits = [(path, Node.file(path[-1], META_TIME, writer.save_file([content]))) for path, content in sorted(files.items())]
    tree = edit_tree(writer, None, edits)
    assert tree is not None
    return tree


@settings(max_examples=40)
@given(
    facts=st.builds(
        SourceFacts,
        lines=COUNTS,
        items=COUNTS,
        next_folder=COUNTS,
        cursor=st.none() | TEXTS,
        well_known=st.dictionaries(TEXTS, TEXTS, max_size=3),
        leaving=st.lists(COUNTS, max_size=3),
    ),
    folders=FOLDERS,
    retries=st.lists(st.builds(Retry, id=TEXTS, since=TEXTS), max_size=3, unique_by=lambda retry: retry.id),
)
def test_the_state_of_a_source_is_read_as_it_was_written(
    facts: SourceFacts, folders: dict[str, tuple[str, int, bool, str | None]], retries: list[Retry]
) -> None:
    paths = folder_paths({key: (name, None) for key, (name, _number, _hidden, _cursor) in folders.items()})
    written = {
        key: Folder(id=key, number=number, name=name, parent=None, is_hidden=hidden, cursor=cursor, path=paths[key])
        for key, (name, number, hidden, cursor) in folders.items()
    }
    files = {SOURCE_PATH: facts_as_json(facts), RETRY_PATH: retries_as_json(retries)}
    files.update({(*folder.path, FOLDER_FILE): folder.as_json() for folder in written.values()})
    with writing() as writer:
        tree = saved(writer, files)
        assert load_state(writer, tree) == ItemState(tree, facts, written, {retry.id: retry for retry in retries})


def test_no_tree_is_the_empty_state() -> None:
    with writing() as writer:
        assert load_state(writer, None) == ItemState(None, SourceFacts(), {}, {})


def test_no_retry_file_means_no_retries_and_years_hold_no_folders() -> None:
    files: dict[Path, bytes] = {
        SOURCE_PATH: facts_as_json(SourceFacts()),
        ("2026", FOLDER_FILE): b"not read",
        (META, FOLDER_FILE): b"not read",
    }
    with writing() as writer:
        state = load_state(writer, saved(writer, files))
    assert (state.retries, state.folders) == ({}, {})


@pytest.mark.parametrize("content", [b'{"layout":99}', b"null"])
def test_an_unknown_layout_is_refused_in_words(content: bytes) -> None:
    with writing() as writer, pytest.raises(BackupError, match="layout"):
        load_state(writer, saved(writer, {SOURCE_PATH: content}))


@settings(max_examples=30)
@given(members=st.lists(MEMBERS, max_size=4, unique_by=lambda member: member.id), random=st.randoms())
def test_members_are_read_as_they_were_written_and_equal_ones_make_equal_files(members: list[MemberState], random: Random) -> None:
    content = members_as_json(members)
    with writing() as writer:
        assert read_members(writer, saved(writer, {(META, MEMBERS_FILE): content})) == {member.id: member for member in members}
    random.shuffle(members)
    assert members_as_json(members) == content


def test_a_group_without_a_member_file_has_no_members() -> None:
    with writing() as writer:
        assert read_members(writer, saved(writer, {("x",): b""})) == {}


@given(members=st.lists(MEMBERS, max_size=5, unique_by=lambda member: member.id))
def test_every_member_has_a_directory_of_its_own_and_nothing_else_changes(members: list[MemberState]) -> None:
    given_ones = {member.id: member for member in members}
    named = with_directories(given_ones)
    assert len({member.directory.casefold() for member in named.values()}) == len(members)
    assert META not in {member.directory for member in named.values()}
    assert with_directories(named) == named
    assert members_as_json(named.values()).count(b'"principal_name"') == len(members)


def test_good_is_what_was_read_to_its_end() -> None:
    good = {status for status in SourceStatus if SourceState(status=status).is_good}
    assert good == {SourceStatus.GOOD, SourceStatus.FINDINGS}

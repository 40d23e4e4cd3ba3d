# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.tenantvault.m365_backup.plugins.module_utils._errors import InputError
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.passphrase import MINIMUM_LENGTH, check_passphrase
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.recovery_file import (
    Handout,
    check_recovery_file,
    obtain_recovery_key,
    read_recovery_file,
    store_recovery_key,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.recovery_key import (
    canonical_recovery_key,
    canonical_secret,
    generate_recovery_key,
    is_mistyped_recovery_key,
)

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
SHAPE = re.compile(f"([{ALPHABET}]{{4}}-){{13}}[{ALPHABET}]{{4}}")
KEY = generate_recovery_key(lambda size: bytes(range(size)))

keys = st.binary(min_size=32, max_size=32).map(lambda secret: generate_recovery_key(lambda _length: secret))


@given(keys)
def test_a_recovery_key_has_its_shape_and_passes_as_a_passphrase(key: str) -> None:
    assert SHAPE.fullmatch(key)
    assert len(key) >= MINIMUM_LENGTH
    check_passphrase(key)
    assert canonical_recovery_key(key) == key


def test_a_recovery_key_carries_all_256_bits_that_it_is_made_of() -> None:
    asked: list[int] = []

    def key_of(secret: int) -> str:
        def random(length: int) -> bytes:
            asked.append(length)
            return secret.to_bytes(32, "big")

        return generate_recovery_key(random)

    assert len({key_of(1 << bit) for bit in range(256)}) == 256
    assert set(asked) == {32}


@given(keys, st.sampled_from(["", " ", "\n", "–", " - "]), st.booleans())
def test_it_may_be_typed_in_small_letters_with_other_separators_and_look_alikes(key: str, separator: str, small: bool) -> None:
    typed = key.replace("-", separator).replace("0", "O").replace("1", "l")
    assert canonical_recovery_key(typed.lower() if small else typed) == key
    assert canonical_secret(f" {typed}\n") == key


@given(keys, st.integers(min_value=0, max_value=55), st.sampled_from(ALPHABET))
def test_one_wrong_character_is_noticed(key: str, place: int, character: str) -> None:
    characters = list(key.replace("-", ""))
    is_wrong = characters[place] != character
    characters[place] = character
    typed = "".join(characters)
    assert is_mistyped_recovery_key(typed) == is_wrong
    assert (canonical_recovery_key(typed) is None) == is_wrong


@given(keys, st.integers(min_value=0, max_value=54))
def test_two_characters_in_the_wrong_order_are_noticed(key: str, place: int) -> None:
    compact = key.replace("-", "")
    typed = compact[:place] + compact[place + 1] + compact[place] + compact[place + 2 :]
    assert is_mistyped_recovery_key(typed) == (typed != compact)


@given(st.text())
def test_any_other_text_is_no_recovery_key_and_stays_as_it_is(text: str) -> None:
    assert canonical_recovery_key(text) is None
    assert canonical_secret(text) == text


def test_a_key_goes_into_a_private_file_that_restic_can_be_given(tmp_path: Path) -> None:
    path = tmp_path / "key"
    assert store_recovery_key(path, KEY) == KEY
    assert path.read_bytes() == f"{KEY}\n".encode()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert read_recovery_file(path) == KEY
    assert [each.name for each in tmp_path.iterdir()] == ["key"]


def test_inv02_the_key_and_its_name_are_on_the_disk_when_the_file_is_said_to_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[tuple[str, bool]] = []
    fsync = os.fsync

    def recorded(descriptor: int) -> None:
        synced.append((Path(os.readlink(f"/proc/self/fd/{descriptor}")).name, (tmp_path / "key").exists()))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", recorded)
    store_recovery_key(tmp_path / "key", KEY)
    content, folder = synced
    assert content[0].startswith(".key.")
    assert not content[1]
    assert folder == (tmp_path.name, True)


def test_a_file_that_is_there_is_not_overwritten_and_its_key_counts(tmp_path: Path) -> None:
    path = tmp_path / "key"
    store_recovery_key(path, KEY)
    assert store_recovery_key(path, generate_recovery_key(os.urandom)) == KEY
    assert obtain_recovery_key(Handout(file=path), os.urandom) == KEY
    assert path.read_text() == f"{KEY}\n"


def test_without_a_place_to_go_no_key_is_made(tmp_path: Path) -> None:
    assert obtain_recovery_key(Handout(), os.urandom) is None
    returned = obtain_recovery_key(Handout(is_returned=True), os.urandom)
    assert returned == canonical_recovery_key(returned or "")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("content", "mode", "problem"),
    [
        (f"{KEY}\n", 0o640, "others than its owner"),
        ("", 0o600, "holds no recovery key"),
        (f"{KEY[:-1]}\n", 0o600, "holds no recovery key"),
        ("the passphrase that somebody keeps in another file, by mistake", 0o600, "holds no recovery key"),
    ],
)
def test_a_file_of_something_else_is_refused_and_not_shown(tmp_path: Path, content: str, mode: int, problem: str) -> None:
    path = tmp_path / "key"
    path.write_text(content)
    path.chmod(mode)
    for use in (read_recovery_file, check_recovery_file):
        with pytest.raises(InputError, match=problem) as raised:
            use(path)
        assert not content or content.strip() not in str(raised.value)
    assert path.read_text() == content


def test_a_folder_in_which_no_file_can_be_made_is_named_before_anything_is_written(tmp_path: Path) -> None:
    check_recovery_file(tmp_path / "key")
    (tmp_path / "file").touch()
    for path in (tmp_path / "none" / "key", tmp_path / "file" / "key"):
        with pytest.raises(InputError, match=str(path)):
            check_recovery_file(path)
        with pytest.raises(InputError, match=str(path)):
            store_recovery_key(path, KEY)
    with pytest.raises(InputError, match="cannot be read"):
        check_recovery_file(tmp_path)


def test_a_link_that_leads_nowhere_is_refused_instead_of_a_key_that_is_nowhere(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.symlink_to(tmp_path / "stick" / "key")
    for attempt in (
        check_recovery_file,
        lambda link: store_recovery_key(link, KEY),
        lambda link: obtain_recovery_key(Handout(file=link), os.urandom),
    ):
        with pytest.raises(InputError, match="leads nowhere"):
            attempt(path)


def test_where_there_are_no_links_the_file_is_still_new_and_private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_paths: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    path = tmp_path / "key"
    assert store_recovery_key(path, KEY) == KEY
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert store_recovery_key(path, generate_recovery_key(os.urandom)) == KEY
    assert [each.name for each in tmp_path.iterdir()] == ["key"]

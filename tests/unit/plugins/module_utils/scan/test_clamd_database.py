# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which signatures a verdict stands for."""

from __future__ import annotations

import os
import shutil
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.scan.clamd_database import ClamdDatabase
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.scan.clamd_protocol import Version

HOURS_LATER = 7200.0


def own(folder: Path, *, later: float = HOURS_LATER, started: float | None = None) -> str:
    return ClamdDatabase(folder, wall=lambda: time.time() + later, started=lambda: started).own_signatures()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "daily.cld").write_bytes(b"official")
    (tmp_path / "freshclam.dat").write_bytes(b"no signatures")
    return tmp_path


def test_the_database_is_engine_and_daily_number_and_own_signatures() -> None:
    released = datetime(2026, 11, 23, 8, 25, tzinfo=timezone(timedelta(hours=1)))
    engine = ClamdDatabase(None).engine(Version("1.4.6", "27463", released), "own-0123456789ab")
    assert (engine.name, engine.version, engine.database) == ("clamav", "1.4.6", "1.4.6/27463+own-0123456789ab")
    assert engine.released == "2026-11-23T07:25:00Z"
    assert ClamdDatabase(None).engine(Version("1.4.6"), "").database == "1.4.6"


def test_official_files_and_others_are_no_own_signatures(folder: Path) -> None:
    assert own(folder) == ""


def test_own_signatures_that_change_have_another_name(folder: Path) -> None:
    (folder / "local.ndb").write_text("A:0:*:4141\n")
    first = own(folder)
    (folder / "local.ndb").write_text("A:0:*:4142\n")
    second = own(folder)
    (folder / "rules.yara").write_text("rule x { condition: true }")
    assert len({first, second, own(folder)}) == 3


def test_the_same_signatures_have_the_same_name_on_every_host(folder: Path, tmp_path: Path) -> None:
    (folder / "local.ndb").write_text("A:0:*:4141\n")
    name = own(folder)
    shutil.copytree(folder, tmp_path / "other")
    os.utime(tmp_path / "other" / "local.ndb", (1, 1))
    assert own(tmp_path / "other") == name


def test_a_name_is_found_anew_by_one_who_watches_for_long(folder: Path) -> None:
    (folder / "local.ndb").write_text("A:0:*:4141\n")
    database = ClamdDatabase(folder, wall=lambda: time.time() + HOURS_LATER, started=lambda: None)
    before = database.own_signatures()
    (folder / "local.ndb").write_text("A:0:*:414243\n")
    assert before != database.own_signatures() == own(folder)


def test_signatures_that_the_daemon_may_not_have_taken_in_yet_have_a_name_of_their_own(folder: Path) -> None:
    (folder / "local.ndb").write_text("A:0:*:4141\n")
    settled = own(folder)
    assert own(folder, later=60).startswith(f"{settled}~")
    assert own(folder, later=60, started=time.time() + 30) == settled
    assert own(folder, later=60, started=time.time() - 30) != settled


def test_a_folder_that_cannot_be_read_is_no_error(tmp_path: Path) -> None:
    assert own(tmp_path / "gone") == ""

# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is infected stays out of restores, unless it is asked for; then it lies in a zip that nothing opens by mistake."""

from __future__ import annotations

import dataclasses
import shutil
import subprocess
import typing as t
import zipfile
from pathlib import Path

import pytest

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.catalogue import ITEMS, item_file
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.item_filter import ItemFilter
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.item_verdicts import ScanState, key_of
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.layout import MAIL, META, ONEDRIVE
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.verdict_heads import verdict_heads
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.verdict_log import VerdictLog
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.verdict_store import VerdictStore
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.trees import walk
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.types import BlobKind
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore import drill as drilling
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore import to_files
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.choice import ChosenItem, choose, chosen_items
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.drill import DrillTask, run_drill
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.infected_items import Sifter, sifting
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.item_search import Search, search
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.results import RestoreResult, SourceRestore
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.search_result import search_result
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.sentences import failure_sentence, restore_sentence
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.snapshot_choice import choose_snapshot
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.to_files_run import FILE_FORMATS, restore_to_files
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.scan.verdict import VerdictKind
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.backup.groups import Group, mailbox, member
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.backup.stored_drive import ROOT, StoredDrive
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.losses import in_memory, lose
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.support import Place
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.restore.said import Said, verdict
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.restore.wishes import WISH

ANNA = member("anna")
CLEAN, INFECTED, UNSCANNABLE = VerdictKind.CLEAN, VerdictKind.INFECTED, VerdictKind.UNSCANNABLE


def items_of(place: Place, source: str) -> dict[str, ChosenItem]:
    """Those of the latest restore point, by subject."""
    repository = place.reopen()
    choice = choose(repository, choose_snapshot(repository, "sales", "latest"), "anna", source, None)
    return {item.record["subject"]: item for item in chosen_items(repository, choice, ItemFilter(), [])}


def judge(place: Place, source: str, **kinds: VerdictKind) -> None:
    """Put down verdicts of items, by their subjects, as a scan does it."""
    items = items_of(place, source)
    repository = place.reopen()
    heads = verdict_heads(repository.snapshots())
    with repository.writing(hostname="backup1") as writer:
        now = repository.clock.now()
        with VerdictLog(VerdictStore(repository, heads, now=now, warn=print), "sales") as log:
            for subject, kind in kinds.items():
                log.add(key_of(items[subject].node), verdict(kind, time=now.isoformat(timespec="seconds")))
            log.save(writer, now)


@pytest.fixture(scope="module")
def group() -> Group:
    """Of four messages one is infected, into one nothing could look, and one nobody has scanned."""
    group = Group()
    box = mailbox("bad", "good", "locked", "unknown")
    group.run([ANNA], anna=box)
    judge(group.place, MAIL, bad=INFECTED, good=CLEAN, locked=UNSCANNABLE)
    return group


def restored(group: Group, target: Path, file_format: str, *, includes: bool = False, is_check: bool = False) -> RestoreResult:
    repository = group.place.reopen()
    choice = choose(repository, choose_snapshot(repository, "sales", "latest"), "anna", MAIL, None)
    with sifting(repository, repository, pytest.fail, includes_infected=includes) as sifter:
        return restore_to_files(repository, [choice], ItemFilter(), target, file_format, sifter=sifter, is_check=is_check)


def plain_bytes(target: Path) -> bytes:
    """Everything that anybody reads there without a password."""
    content = b""
    for path in sorted(path for path in target.rglob("*") if path.is_file()):
        if path.suffix == ".zip":
            with zipfile.ZipFile(path) as archive:
                content += b"".join(archive.read(each) for each in archive.infolist() if not each.flag_bits & 1)
        else:
            content += path.read_bytes()
    return content


@pytest.mark.parametrize("file_format", FILE_FORMATS)
def test_inv11_infected_messages_are_refused_by_name_and_all_others_are_restored(group: Group, file_format: str, tmp_path: Path) -> None:
    check = restored(group, tmp_path, file_format, is_check=True)
    assert list(tmp_path.iterdir()) == []
    result = restored(group, tmp_path, file_format)
    assert check.as_dict() == result.as_dict()
    assert (result.restored, result.scan) == (3, {"refused": 1, "infected": 0, "unscannable": 1, "unscanned": 0})
    [finding] = result.findings
    assert (finding.kind.value, finding.code, finding.object) == ("skipped", "infected", "message bad")
    assert "Win.Test.Local" in finding.reason
    assert "include_infected" in finding.reason
    assert failure_sentence(result).startswith(f"1 message of anna@x.example is infected and was not restored into {result.target}; 3 were")
    assert "Into 1 message the malware scan could not look." in failure_sentence(result)
    assert mailbox("bad").mime("bad") not in plain_bytes(tmp_path)
    assert mailbox("good").mime("good") in plain_bytes(tmp_path).replace(b"\n>From", b"\nFrom")


@pytest.mark.parametrize("file_format", FILE_FORMATS)
def test_inv11_infected_messages_that_are_asked_for_lie_in_an_encrypted_zip(group: Group, file_format: str, tmp_path: Path) -> None:
    check = restored(group, tmp_path, file_format, includes=True, is_check=True)
    assert list(tmp_path.iterdir()) == []
    result = restored(group, tmp_path, file_format, includes=True)
    assert check.as_dict() == result.as_dict()
    assert (result.restored, result.scan["infected"], result.findings) == (4, 1, [])
    archive = Path(result.infected_archive)
    assert archive == tmp_path / "anna@x.example.infected.zip"
    assert f"1 message of them is infected and in {archive}, whose password is infected." in restore_sentence(result, is_check=False)
    assert mailbox("bad").mime("bad") not in plain_bytes(tmp_path)
    before = archive.read_bytes()
    assert restored(group, tmp_path, file_format, includes=True).unchanged == 4
    assert archive.read_bytes() == before
    if shutil.which("7zz"):
        subprocess.run(["7zz", "x", "-pinfected", f"-o{tmp_path / 'out'}", str(archive)], capture_output=True, check=True)
        [message] = (path for path in (tmp_path / "out").rglob("*") if path.is_file())
        assert message.read_bytes() == mailbox("bad").mime("bad")
        assert message.relative_to(tmp_path / "out").parts[:2] == ("mail", "Inbox")


def test_a_content_that_turned_out_to_be_harmless_is_restored_again(tmp_path: Path) -> None:
    group = Group()
    group.run([ANNA], anna=mailbox("bad"))
    judge(group.place, MAIL, bad=INFECTED)
    assert restored(group, tmp_path / "one", "files").restored == 0
    group.place.clock.move(60)
    judge(group.place, MAIL, bad=CLEAN)
    assert (restored(group, tmp_path / "two", "files").restored, plain_bytes(tmp_path / "two")) == (1, mailbox("bad").mime("bad"))


def found(place: Place, **fields: t.Any) -> Search:
    return search(place.reopen(), dataclasses.replace(WISH, **fields))


def verdicts(result: Search) -> dict[str, str]:
    return {item.record["subject"]: item.scan.verdict.state.value for item in result.items}


def test_items_are_listed_with_their_verdicts_and_found_by_them(group: Group) -> None:
    everything = {"bad": "infected", "good": "clean", "locked": "unscannable", "unknown": "not_scanned"}
    assert verdicts(found(group.place)) == everything
    for subject, state in everything.items():
        result = found(group.place, verdict=ScanState(state))
        assert (verdicts(result), result.count) == ({subject: state}, 1)
    assert found(group.place, verdict=ScanState.UNSCANNED).count == 0
    [listed] = search_result(found(group.place, verdict=ScanState.INFECTED), "sales")["matches"]
    assert (listed["verdict"], listed["scan"]["names"], listed["scan"]["engine"]) == ("infected", ["Win.Test.Local"], "clamav")


@pytest.mark.parametrize("name", [(META, "source.json"), (*ITEMS, *item_file(0))])
def test_where_records_are_lost_the_contents_tell(group: Group, name: tuple[str, ...], tmp_path: Path) -> None:
    place = Place(in_memory(group.place).copy(), group.place.repository, group.place.clock)
    repository = place.reopen()
    nodes = dict(walk(repository, choose_snapshot(repository, "sales", "latest").tree))
    lose(place, (BlobKind.DATA, nodes[("Sales", "anna@x.example", "mail", *name)].content[0]))
    assert verdicts(found(place))["bad"] == "infected"
    assert verdicts(found(place, verdict=ScanState.INFECTED)) == {"bad": "infected"}
    damaged = dataclasses.replace(group, place=place)
    assert restored(damaged, tmp_path, "files").scan["refused"] == 1
    assert mailbox("bad").mime("bad") not in plain_bytes(tmp_path)


def drive() -> StoredDrive:
    """A clean file that was infected, an infected one in another folder that moved, and one that was never scanned."""
    made = StoredDrive()
    made.folder("docs", ROOT, "Documents")
    made.put("old", "docs", "old", b"clean now", versions={"1.0": b"was infected", "2.0": b"was fine"})
    made.put("bad", "docs", "bad", b"infected")
    made.put("new", ROOT, "new", b"unknown")
    made.back_up()
    made.folder("moved", ROOT, "Moved")
    made.put("bad", "moved", "bad", b"infected")
    mark = {"verdict": "unscanned", "reason": "no engine answered", "time": "2026-05-17T12:00:00Z"}
    made.put("late", "moved", "late", b"late", facts={"scan": mark})
    made.back_up()
    judge(made.place, ONEDRIVE, old=CLEAN, bad=INFECTED)
    return made


def test_files_are_found_by_their_newest_content_and_by_infected_versions() -> None:
    made = drive()
    assert verdicts(found(made.place)) == {"old": "clean", "bad": "infected", "new": "not_scanned", "late": "unscanned"}
    infected = found(made.place, verdict=ScanState.INFECTED)
    assert {item.record["subject"]: item.snapshots for item in infected.items} == {"bad": (0, 1)}
    [bad] = infected.items
    assert ["/".join(state.folder) for state in bad.states] == ["Documents", "Moved"]
    assert verdicts(found(made.place, verdict=ScanState.UNSCANNED)) == {"late": "unscanned"}
    item = items_of(made.place, ONEDRIVE)["old"]
    store = Said({key_of(item.node): verdict(CLEAN), key_of(item.parts[0].node): verdict(INFECTED)})
    sifter = Sifter(store, includes_infected=False)
    assert (sifter.verdict(item).state, sifter.has_infected(item)) == (ScanState.CLEAN, True)


@pytest.mark.parametrize("includes", [False, True])
def test_of_a_file_with_an_infected_version_only_that_one_is_left_out_of_a_drive(includes: bool) -> None:
    items = items_of(drive().place, ONEDRIVE)
    store = Said({key_of(items["old"].parts[0].node): verdict(INFECTED), key_of(items["bad"].node): verdict(INFECTED)})
    part = SourceRestore(ONEDRIVE, "")
    wanted = Sifter(store, includes_infected=includes).wanted(items.values(), part, with_versions=True)
    kept = {item.record["subject"]: item for item in wanted}
    assert set(kept) == {"old", "new", "late"} | ({"bad"} if includes else set())
    assert len(kept["old"].parts) == (2 if includes else 1)
    names = {finding.object for finding in part.findings}
    assert names == (set() if includes else {"file Moved/bad", "version 1.0 of file Documents/old"})
    assert (part.refused, part.infected, part.unscanned) == ((0, 1, 1) if includes else (2, 0, 1))
    whole = list(Sifter(store, includes_infected=False).wanted([items["old"]], SourceRestore(ONEDRIVE, "")))
    assert whole == [items["old"]]


def test_a_repository_without_verdicts_is_never_asked_for_one(group: Group) -> None:
    store = Said()
    part = SourceRestore(MAIL, "")
    items = items_of(group.place, MAIL).values()
    assert len(list(Sifter(store, includes_infected=False).harmless(items, part))) == 4
    assert (store.looked, part.findings) == ([], [])


def test_a_drill_tells_verdicts_and_never_puts_an_infected_item_on_the_disk(
    group: Group, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = DrillTask(plan_name="sales", members=1, items=9, seed=1, folder=tmp_path, wants_repair=False, lock_timeout=0.0, is_check=False)
    written: set[bytes] = set()

    def holds_exactly(target: Path, *rest: t.Any) -> bool:
        written.add(target.read_bytes())
        return to_files.holds_exactly(target, *rest)

    monkeypatch.setattr(drilling, "holds_exactly", holds_exactly)
    drill = run_drill(group.place.reopen(), task)
    assert drill.is_passed
    assert written == {mailbox(name).mime(name) for name in ("good", "locked", "unknown")}
    assert {one.subject: one.verdict for one in drill.members[0].sampled} == {
        "bad": "infected",
        "good": "clean",
        "locked": "unscannable",
        "unknown": "not_scanned",
    }

# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How drives misbehave (graph-onedrive facts, section H, items 14 to 63), what people do to them, and what must hold."""

from __future__ import annotations

import dataclasses
import random
import typing as t

from ansible_collections.tenantvault.m365_backup.plugins.module_utils._errors import BackupError
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.source_read import SourceRead
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.client import GraphClient
from ansible_collections.tenantvault.m365_backup.tests.integration.drives import StoredDrive, is_complete
from tenant.control import ControlClient

Fault: t.TypeAlias = "dict[str, t.Any]"
_DELTA, _DOWNLOAD, _ITEM = "drive_delta", "drive_download", "drive_item_get"

#: Settings of a calm tenant, to which the tests come back.
CALM: dict[str, t.Any] = {
    "drive_order": "parents_first",
    "drive_path_in_delta": True,
    "drive_ctag_in_delta": False,
    "drive_content_direct": False,
    "drive_refuses_token": True,
    "download_url_seconds": 3600,
    "drive_page_limit": None,
}


@dataclasses.dataclass(frozen=True)
class Behaviour:
    """One item of the list, and what makes a tenant show it: faults, settings, or properties of one file.

    C(may_miss): a run may end with findings, or fail. C(moves_on): the drive changes by it while it is read, so that the
    run cannot have the last state of it. C(is_about_file): the faults concern one file. C(shape): how the drive as a whole answers.
    """

    item: int
    name: str
    faults: tuple[Fault, ...] = ()
    settings: t.Mapping[str, t.Any] = dataclasses.field(default_factory=dict)
    file: t.Mapping[str, t.Any] = dataclasses.field(default_factory=dict)
    shape: str = ""
    may_miss: bool = False
    moves_on: bool = False
    is_about_file: bool = False
    expires_cursors: bool = False

    def __str__(self) -> str:
        return f"{self.item}-{self.name}"


def _fault(name: str, operation: str | list[str] = "", times: int | None = 3, **more: t.Any) -> tuple[Fault, ...]:
    match = {"match": {"operation": operation}} if operation else {}
    return ({"name": name, "times": times, **match, **more},)


def _now_and_then(name: str, operation: str | list[str] = "", times: int = 3, **more: t.Any) -> tuple[Fault, ...]:
    return _fault(name, operation, times, probability=0.4, **more)


#: What one drive can do while it is read. Items that are not here have tests of their own (see C(ELSEWHERE)).
BEHAVIOURS: tuple[Behaviour, ...] = (
    Behaviour(17, "site locked", shape="locked", may_miss=True),
    Behaviour(17, "site locked, inner code", shape="locked_resource", may_miss=True),
    Behaviour(17, "no access", shape="no_access", may_miss=True),
    Behaviour(
        20, "cursor malformed", _fault("status", _DELTA, 1, status=400, code="invalidRequest", message="Provided sync token is malformed")
    ),
    Behaviour(21, "resync required", expires_cursors=True),
    Behaviour(21, "resync, apply differences", _fault("drive_cursor_lost", inner_code="resyncApplyDifferences")),
    Behaviour(21, "resync, upload differences", _fault("drive_cursor_lost", inner_code="resyncUploadDifferences", location=False)),
    Behaviour(21, "resync, without a location", _fault("drive_cursor_lost", location=False)),
    Behaviour(21, "sync state not found", _fault("drive_cursor_lost", code="syncStateNotFound")),
    Behaviour(22, "an old name before the one that counts", _fault("drive_old_entry", times=9), settings={"drive_page_limit": 3}),
    Behaviour(22, "entries twice", _fault("duplicate_entries", _DELTA, times=9)),
    Behaviour(22, "the whole round told again", _fault("drive_replayed_round", times=9)),
    Behaviour(23, "children first", settings={"drive_order": "children_first"}),
    Behaviour(23, "any order", settings={"drive_order": "mixed"}),
    Behaviour(23, "entries of a page in any order", _fault("reordered_entries", _DELTA, times=9)),
    Behaviour(25, "removal of a stranger", _fault("drive_unknown_removal", times=9)),
    Behaviour(27, "no paths, with cTags", settings={"drive_path_in_delta": False, "drive_ctag_in_delta": True}),
    Behaviour(28, "empty page", _now_and_then("drive_empty_page")),
    Behaviour(28, "a page longer than asked for", _fault("drive_long_page"), settings={"drive_page_limit": 3}),
    Behaviour(28, "pages of three", settings={"drive_page_limit": 3}),
    Behaviour(31, "a page is not found", _now_and_then("status", _DELTA, status=404, code="itemNotFound")),
    Behaviour(31, "a page fails", _now_and_then("status", _DELTA, status=500, code="generalException")),
    Behaviour(31, "a page cut off", _now_and_then("truncated_json", _DELTA)),
    Behaviour(32, "content without a redirect", settings={"drive_content_direct": True}),
    Behaviour(33, "addresses live for a second", settings={"download_url_seconds": 1}),
    Behaviour(33, "address expired", _fault("drive_url_expired", times=2, status=401)),
    Behaviour(33, "address refused", _fault("drive_url_expired", times=2, status=403, body="html")),
    Behaviour(33, "a page for people instead of the file", _fault("drive_html_body", times=2)),
    Behaviour(34, "ranges ignored", (*_fault("cut_body", _DOWNLOAD), *_fault("drive_range_ignored", times=9, probability=0.6))),
    Behaviour(34, "less than stated", file={"stated_size": 10_000_000}),
    Behaviour(34, "more than stated", file={"stated_size": 3}),
    Behaviour(35, "connection cut", _fault("cut_body", _DOWNLOAD, 4, how="end", at=0.5)),
    Behaviour(35, "connection reset", _fault("cut_body", _DOWNLOAD, 4, how="reset", at=0.7)),
    Behaviour(35, "reset before the answer", _now_and_then("reset", [_DELTA, _DOWNLOAD])),
    Behaviour(35, "no length stated", _fault("drive_no_length", times=9)),
    Behaviour(35, "trickle", _fault("drive_trickle", times=1, seconds=0.01, chunk=4096)),
    Behaviour(36, "other hash than stated", file={"stated_hash": "SgAAAAAAAAAAAAAAAQAAAAAAAAA="}),
    Behaviour(36, "no hash", file={"stated_hash": "none"}),
    Behaviour(36, "hash of zeros", file={"stated_hash": "zero"}),
    Behaviour(37, "part of a notebook for ever unavailable", file={"notebook": True, "unavailable": 503}, may_miss=True),
    Behaviour(38, "malware, refused", file={"malware": "refuse"}, may_miss=True),
    Behaviour(38, "malware, in a header", file={"malware": "header"}, may_miss=True),
    Behaviour(39, "unknown facets", file={"facets": {"isAuthoritative": True, "surprise": {"deep": [1]}}}),
    Behaviour(40, "deleted between list and download", _fault("drive_item_vanishes", times=1), moves_on=True),
    Behaviour(
        41, "changed while it is read", (*_fault("cut_body", _DOWNLOAD, 1), *_fault("drive_content_changes", times=1)), moves_on=True
    ),
    Behaviour(57, "throttled", _now_and_then("throttled", retry_after=1)),
    Behaviour(57, "throttled, fractions", _now_and_then("throttled", retry_after=0.628)),
    Behaviour(57, "throttled, a date", _now_and_then("throttled", times=1, retry_after="date:1")),
    Behaviour(57, "throttled, no time", _now_and_then("throttled", times=2, retry_after=None)),
    Behaviour(57, "throttled, other code", _now_and_then("throttled", times=2, retry_after=1, code="TooManyRequests")),
    Behaviour(58, "503 in HTML", _now_and_then("unavailable", body="html")),
    Behaviour(58, "503 without body", _now_and_then("unavailable", body="empty")),
    Behaviour(58, "502", _now_and_then("status", status=502, body="html")),
    Behaviour(58, "504", _now_and_then("status", status=504, body="html")),
    Behaviour(58, "500", _now_and_then("status", status=500, code="generalException")),
    Behaviour(58, "404 without body", _now_and_then("status", _DELTA, status=404, body="empty")),
    Behaviour(58, "509", _now_and_then("status", status=509, body="empty")),
    Behaviour(61, "codes in innererror only", _now_and_then("status", status=503, body="nested", code="serviceNotAvailable")),
    Behaviour(61, "no code", _now_and_then("status", status=503, code="")),
    Behaviour(63, "link to a foreign host", _fault("foreign_link", _DELTA, 1), may_miss=True),
    Behaviour(58, "downloads down", _fault("unavailable", _DOWNLOAD, None), may_miss=True),
    Behaviour(59, "everything down", _fault("unavailable", times=None), may_miss=True),
)

#: Items of other tests: what is written, or what is a state of the tenant rather than a misbehaviour of one drive.
ELSEWHERE: dict[int, str] = {
    14: "test_graph_drive.py::test_a_user_without_a_drive_is_told_from_a_failure_at_once",
    15: "test_graph_drive_limits.py::test_inv12_who_asked_for_too_many_missing_drives_waits_as_told_before_asking_for_any_drive",
    16: "no request of ours asks for all drives of a user",
    18: "test_restore_drive.py::test_a_full_drive_ends_the_restore_and_room_lets_it_go_on",
    19: "test_graph_drive.py::test_what_is_removed_comes_without_a_name_and_what_is_renamed_comes_alone",
    24: "test_drive_behaviours.py::test_names_that_change_hands_between_two_runs_are_where_they_belong",
    26: "test_drive_behaviours.py::test_names_that_change_hands_between_two_runs_are_where_they_belong",
    29: "no request of ours for changes has a $select",
    30: "test_graph_drive.py::test_a_permission_that_changes_is_seen_only_by_who_asks_for_permissions",
    42: "test_drive_round_trip.py::test_a_drive_comes_back_in_another_drive_with_the_same_bytes_times_and_names",
    43: "test_graph_drive.py::test_earlier_versions_are_listed_newest_first_and_read",
    44: "test_drive_backup.py::test_versions_and_permissions_lie_beside_a_file",
    45: "test_graph_drive_writing.py::test_a_name_that_an_unfinished_upload_holds_is_told_from_one_that_is_taken",
    46: "test_graph_drive_writing.py::test_whatever_happens_to_an_upload_there_is_one_whole_file_in_the_end",
    47: "test_graph_drive_writing.py::test_a_large_file_goes_up_in_fragments",
    48: "test_graph_drive_writing.py::test_whatever_happens_to_an_upload_there_is_one_whole_file_in_the_end",
    49: "test_graph_drive_writing.py::test_a_name_that_is_taken_during_the_upload_is_told_and_its_session_ended",
    50: "test_graph_drive_writing.py::test_an_empty_file_is_put_and_given_its_times",
    51: "test_graph_drive_writing.py::test_a_folder_is_made_once_and_found_again",
    52: "test_restore_drive.py::test_documents_that_the_service_rewrites_are_not_sent_again",
    53: "test_graph_drive_writing.py::test_a_name_that_the_service_does_not_take_is_refused",
    54: "test_graph_drive_writing.py::test_somebody_unknown_cannot_be_let_in",
    55: "test_graph_drive_writing.py::test_a_file_under_a_retention_label_is_not_overwritten",
    56: "test_graph_drive_limits.py::test_inv12_the_units_of_an_app_are_kept_without_the_service_having_to_say_so",
    60: "no request of ours is a $batch",
    62: "test_graph_drive_limits.py::test_inv12_the_units_of_an_app_are_kept_without_the_service_having_to_say_so",
}


def fill(control: ControlClient, user: str) -> None:
    """A small drive with something of everything."""
    control.create_drive(user)
    control.make_folder(user, "/Empty/Inner")
    for number, path in enumerate(("/a.txt", "/Documents/b.docx", "/Documents/2026/c.xlsx", "/Documents/2026/d", "/Pictures/e.jpg")):
        control.put_file(user, path, seed=number, size=5000 + number)
    control.put_file(user, "/Documents/2026/large.bin", seed=99, size=400_000)
    control.put_file(user, "/Documents/nothing.txt", b"")
    control.make_notebook(user, "/Documents/Notes", parts={"One.one": 3000, "Open Notebook.onetoc2": 500})


def disturb(control: ControlClient, user: str, random_: random.Random, changes: int) -> None:
    """What people do between two runs."""
    for _number in range(changes):
        listing = [line for line in control.drive_listing(user) if line["path"] != "/" and "/Notes" not in line["path"]]
        files = [line for line in listing if line["kind"] == "file"]
        folders = [line for line in listing if line["kind"] == "folder"]
        kind = random_.randrange(9)
        suffix = f"{random_.randrange(10**6)}"
        place = random_.choice([*folders, {"path": ""}])["path"]
        if kind == 0 or len(files) < 3:
            control.put_file(user, f"{place}/new {suffix}.docx", seed=random_.randrange(10**6), size=random_.randrange(8000))
        elif kind == 1:
            control.put_file(user, random_.choice(files)["path"], seed=random_.randrange(10**6), size=random_.randrange(1, 8000))
        elif kind == 2:
            control.delete_item(user, random_.choice(files)["path"])
        elif kind == 3:
            control.rename_item(user, random_.choice(listing)["path"], f"renamed {suffix}")
        elif kind == 4 and folders:
            target = random_.choice(folders)["path"]
            control.move_item(user, random_.choice([one for one in files if not one["path"].startswith(target)] or files)["path"], target)
        elif kind == 5 and len(folders) > 2:
            moved, target = random_.sample(folders, 2)
            if not f"{target['path']}/".startswith(f"{moved['path']}/"):
                control.move_item(user, moved["path"], target["path"])
        elif kind == 6 and len(folders) > 3:
            control.delete_item(user, random_.choice(folders)["path"])
        elif kind == 7 and len(files) > 2:
            _swap(control, user, *random_.sample(files, 2))
        else:
            control.make_folder(user, f"{place}/Folder {suffix}")


def _swap(control: ControlClient, user: str, one: dict[str, t.Any], other: dict[str, t.Any]) -> None:
    """Two files change names, wherever they are."""
    names = [line["path"].rpartition("/")[2] for line in (one, other)]
    for line, name in ((one, "~ on its way"), (other, names[0]), (one, names[1])):
        try:
            control.rename_item(user, line["id"], name)
        except ValueError:
            return


def run_honestly(drive: StoredDrive, client: GraphClient, *, moves_on: bool = False) -> SourceRead | BackupError:
    """A run, which must end right or say what is missing: AssertionError when it does neither."""
    before = drive.tree
    try:
        result = drive.read(client)
    except BackupError as error:
        if drive.tree != before:
            raise AssertionError("a run that failed has changed the tree") from error
        return error
    if result.tree is None:
        if not result.availability:
            raise AssertionError("a drive without a tree and without a reason")
        return result
    if not moves_on and not result.availability:
        _demand_retries(drive, result)
    return result


def _demand_retries(drive: StoredDrive, result: SourceRead) -> None:
    """Everything that is not as the tenant has it is kept in mind for the next run, and there is a finding for each of it."""
    truth, stored = drive.truth(), drive.stored()
    wrong = {key for key in truth.keys() | stored.keys() if truth.get(key) != stored.get(key)}
    unnamed = wrong - drive.state().retries.keys()
    if unnamed or len(wrong) > len(result.findings):
        examples = [(key, truth.get(key), stored.get(key)) for key in sorted(unnamed or wrong)[:3]]
        said = [finding.object for finding in result.findings]
        raise AssertionError(f"{len(unnamed)} of {len(wrong)} items are wrong and nobody says so: {examples}; findings: {said}")


def run_calmly(drive: StoredDrive, client: GraphClient) -> SourceRead:
    """A run without misbehaviour, which must make it complete, and do what a preview says."""
    before, preview = drive.tree, drive.preview(client)
    result = drive.read(client)
    if preview.is_changed != (result.tree != before):
        raise AssertionError(f"the preview says {preview.is_changed} {preview.counts}, the run did {result.counts}")
    if result.findings:
        raise AssertionError(f"a calm run has findings: {[(finding.object, finding.reason) for finding in result.findings]}")
    if not is_complete(drive):
        truth, stored = drive.truth(), drive.stored()
        wrong = [(key, truth.get(key), stored.get(key)) for key in truth.keys() | stored.keys() if truth.get(key) != stored.get(key)]
        raise AssertionError(f"a calm run did not make it complete: {wrong[:3]}")
    return result

# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a mailbox says about its folders, and which of them are backed up then."""

from __future__ import annotations

import dataclasses
import typing as t
import urllib.parse
from datetime import datetime, timedelta, timezone

import pytest

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.folder_places import FolderRound, folder_paths
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.item_state import Folder, ItemState, SourceFacts
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.mail_folders import read_folders
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.results import Finding
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.client import GraphClient
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.clouds import CLOUDS
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.errors import GraphError
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.ids import UserId
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.limiter import Limiter
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.requester import Requester
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.traffic import Meter
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.transport import Incoming, Outgoing
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.graph.fakes import Answer, FakeClock, FakeTokens, refusal

ROOT = "https://graph.microsoft.com/v1.0/"
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=timezone.utc)
NOT_FOUND = refusal(404, "ErrorItemNotFound")
REFUSED = refusal(403, "ErrorAccessDenied")
BUSY = refusal(503, "ServiceUnavailable")
LOST = refusal(410, "SyncStateNotFound")
QUOTA = refusal(403, "ErrorQuotaExceeded")
SEARCH_FOLDER = {"id": "s", "displayName": "Unread", "parentFolderId": None, "@odata.type": "#microsoft.graph.mailSearchFolder"}
Entry: t.TypeAlias = "dict[str, t.Any]"
Forest: t.TypeAlias = "dict[str, tuple[str, str | None]]"
BASE: Forest = {"a": ("A", None), "b": ("B", "a")}


def entry(key: str, name: str = "", parent: str | None = None, **more: t.Any) -> Entry:
    return {"id": key, **({"displayName": name, "parentFolderId": parent} if name else {}), **more}


def removed(key: str) -> Entry:
    return {"id": key, "@removed": {"reason": "deleted"}}


@dataclasses.dataclass
class Service:
    """Answers for the folders of one mailbox: C(delta) in order, C(folders) by id or alias, C(below) a folder or the top."""

    delta: list[Answer | list[Entry]] = dataclasses.field(default_factory=lambda: [[]])
    folders: dict[str, Entry | Answer] = dataclasses.field(default_factory=dict)
    below: dict[str | None, list[Entry] | Answer] = dataclasses.field(default_factory=dict)
    asked: list[str] = dataclasses.field(default_factory=list)

    def send(self, request: Outgoing) -> Incoming:
        path = urllib.parse.unquote(request.target.partition("?")[0]).removeprefix("/v1.0/users/u/mailFolders")
        self.asked.append(path)
        return self._answer(path).incoming(request.host)

    def close(self) -> None:
        pass

    def _answer(self, path: str) -> Answer:
        if path == "/delta":
            said = self.delta.pop(0)
            link = ROOT + "users/u/mailFolders/delta?$deltatoken=2"
            return said if isinstance(said, Answer) else Answer(200, {"value": said, "@odata.deltaLink": link})
        if path == "" or path.endswith("/childFolders"):
            listed = self.below.get(path.split("/")[1] if path else None, [])
            return listed if isinstance(listed, Answer) else Answer(200, {"value": listed})
        found = self.folders.get(path[1:], NOT_FOUND)
        return found if isinstance(found, Answer) else Answer(200, found)


def state_of(forest: Forest, *, hidden: str = "", **facts: t.Any) -> ItemState:
    known = SourceFacts(
        **{
            "next_folder": 1000,
            "cursor": ROOT + "users/u/mailFolders/delta?$deltatoken=1",
            "well_known": {"outbox": "out", "inbox": "in"},
            **facts,
        }
    )
    paths = folder_paths(forest)
    folders = {
        key: Folder(id=key, number=ord(key[0]), name=name, parent=parent, path=paths[key], is_hidden=key in hidden)
        for key, (name, parent) in forest.items()
    }
    return ItemState(None, known, folders, {})


def read(service: Service, state: ItemState, now: datetime = NOW, *, recoverable: bool = False) -> tuple[FolderRound, list[Finding]]:
    clock, meter = FakeClock(), Meter()
    requester = Requester(service, FakeTokens(), Limiter(clock), meter=meter, clock=clock, random=lambda: 1.0)
    client = GraphClient(CLOUDS["global"], requester, meter)
    return read_folders(client, UserId("u"), state, now=now, recoverable_items=recoverable)


def names_after(forest: Forest, service: Service, **state: t.Any) -> dict[str, str]:
    found, _findings = read(service, state_of(forest, **state))
    return {key: folder.name for key, folder in found.folders.items()}


# The delta


def test_folders_that_are_not_named_stay() -> None:
    assert names_after(BASE, Service()) == {"a": "A", "b": "B"}


def test_a_part_of_a_folder_is_merged_with_what_is_known() -> None:
    found, _findings = read(Service([[entry("b", isHidden=True)]], below={"a": [entry("b", "B", "a", isHidden=True)]}), state_of(BASE))
    assert (found.folders["b"].name, found.folders["b"].parent, found.folders["b"].is_hidden) == ("B", "a", True)


def test_a_removed_folder_goes() -> None:
    assert names_after(BASE, Service([[removed("b")]])) == {"a": "A"}


@pytest.mark.parametrize("entries", [[removed("b"), entry("b", "B2", "a")], [entry("b", "B2", "a"), removed("b")]])
def test_a_folder_that_is_changed_and_removed_is_asked_for_whatever_the_order(entries: list[Entry]) -> None:
    assert names_after(BASE, Service([entries], {"b": entry("b", "B3", "a")})) == {"a": "A", "b": "B3"}
    assert names_after(BASE, Service([entries])) == {"a": "A"}


def test_an_unknown_folder_that_is_named_in_part_is_asked_for() -> None:
    assert names_after(BASE, Service([[entry("n", isHidden=False)]], {"n": entry("n", "N", None)}))["n"] == "N"


def test_an_unknown_folder_that_is_gone_before_it_can_be_asked_for_is_left_out() -> None:
    assert names_after(BASE, Service([[entry("n", isHidden=False)]])) == {"a": "A", "b": "B"}


def test_a_refusal_ends_the_source() -> None:
    with pytest.raises(GraphError):
        read(Service([[entry("n", isHidden=False)]], {"n": REFUSED}), state_of(BASE))


def test_a_lost_cursor_lists_all_folders_anew_keeps_their_numbers_and_is_written_down() -> None:
    state = state_of(BASE)
    found, _findings = read(Service([LOST, [entry("b", "B", None), entry("n", "N", "b")]]), state)
    assert {key: folder.path for key, folder in found.folders.items()} == {"b": ("B",), "n": ("B", "N")}
    assert found.folders["b"].number == state.folders["b"].number
    assert (found.folders["n"].number, found.next_folder) == (1000, 1001)
    assert found.cursor is not None
    assert found.cursor.endswith("=2")
    assert found.is_due


WITH_INBOX: Forest = {**BASE, "in": ("Inbox", None)}


def test_a_list_without_the_inbox_is_not_believed_unless_there_is_a_new_one() -> None:
    with pytest.raises(GraphError, match="inbox"):
        read(Service([LOST, []], {"inbox": entry("in", "Inbox")}), state_of(WITH_INBOX))
    made_anew = entry("i2", "Inbox")
    found, _findings = read(Service([LOST, [made_anew]], {"inbox": made_anew}), state_of(WITH_INBOX))
    assert (found.folders.keys(), found.well_known["inbox"]) == ({"i2"}, "i2")


# Left out


def test_folders_that_are_left_out_are_named_with_all_below_also_by_runs_that_hear_nothing_of_them() -> None:
    found, _findings = read(Service([[entry("out", "Outbox"), entry("o2", "Below", "out"), SEARCH_FOLDER]]), state_of(BASE))
    assert found.left_out == ("Below", "Outbox", "Unread")
    assert found.folders.keys() == {"a", "b"}
    again, _findings = read(Service([[entry("o3", "Deeper", "o2")]]), state_of(BASE, left_out=dict(found.ignored)))
    assert again.left_out == ("Below", "Deeper", "Outbox", "Unread")
    assert again.folders.keys() == {"a", "b"}


def test_a_folder_that_moves_out_of_what_is_left_out_is_backed_up() -> None:
    service = Service([[entry("o2", parentFolderId="a")]], {"o2": entry("o2", "Saved", "a")})
    assert names_after(BASE, service, left_out={"o2": "Saved"}) == {**names_after(BASE, Service()), "o2": "Saved"}


@pytest.mark.parametrize("is_hidden", [False, True])
def test_sync_issues_that_appear_after_the_first_run_are_left_out_too(is_hidden: bool) -> None:
    sync = entry("sy", "Synchronisierungsprobleme", isHidden=is_hidden)
    service = Service([[] if is_hidden else [sync]], {"syncissues": sync}, {None: [sync]})
    found, _findings = read(service, state_of(BASE))
    assert (found.left_out, found.well_known["syncissues"]) == (("Synchronisierungsprobleme",), "sy")


# Hidden folders


def test_a_hidden_folder_at_the_top_is_found_with_all_below_it() -> None:
    service = Service(below={None: [entry("a", "A"), entry("h", "H", isHidden=True)], "h": [entry("i", "I", "h")]})
    assert names_after(BASE, service) == {"a": "A", "b": "B", "h": "H", "i": "I"}


def test_a_hidden_folder_is_found_below_each_folder_that_the_delta_names() -> None:
    service = Service([[entry("b", "B", "a"), entry("n", "N", "b")]], below={"n": [entry("h", "H", "n", isHidden=True)]})
    assert "h" in names_after(BASE, service)


def test_a_run_without_changes_asks_at_two_places_for_hidden_folders_and_in_time_at_all_of_them() -> None:
    forest: Forest = {chr(ord("a") + number): (f"F{number}", None) for number in range(20)}
    seen: set[str] = set()
    for day in range(200):
        service = Service()
        read(service, state_of(forest), NOW + timedelta(days=day))
        assert service.asked[:2] == ["/delta", ""]
        assert len(service.asked) == 3
        seen.add(service.asked[2])
    assert len(seen) == 20


HIDDEN: Forest = {**BASE, "h": ("H", None), "i": ("I", "h")}


def test_hidden_folders_that_the_top_lacks_are_asked_for_before_they_are_given_up() -> None:
    below = {"i": entry("i", "I", "h")}
    assert names_after(HIDDEN, Service(folders=below), hidden="h") == {"a": "A", "b": "B", "i": "I"}
    moved = Service(folders={**below, "h": entry("h", "H", "b", isHidden=True)})
    found, _findings = read(moved, state_of(HIDDEN, hidden="h"))
    assert found.folders["h"].path == ("A", "B", "H")
    renamed = Service(below={None: [entry("h", "Other", isHidden=True)]})
    assert names_after(HIDDEN, renamed, hidden="h")["h"] == "Other"


def test_hidden_folders_stay_and_all_is_asked_again_when_a_place_does_not_answer() -> None:
    found, findings = read(Service([LOST, [entry("a", "A"), entry("b", "B", "a")]], below={None: BUSY}), state_of(HIDDEN, hidden="h"))
    assert found.folders.keys() == {"a", "b", "h", "i"}
    assert [finding.object for finding in findings] == ["hidden folders of the mailbox"]
    assert (found.cursor, found.is_due) == (None, True)


# Without delta


def test_a_list_in_place_of_the_delta_gives_up_no_folder_that_it_merely_lacks() -> None:
    service = Service(
        [QUOTA], {"in": entry("in", "Inbox"), "i": entry("i", "I", "h")}, {None: [entry("a", "A"), entry("h", "H", isHidden=True)]}
    )
    assert names_after(HIDDEN, service, hidden="h") == {"a": "A", "h": "H", "i": "I", "in": "Inbox"}


# Recoverable items

ROOT_FOLDER = entry("rr", "Recoverable Items", "elsewhere")
DUMPSTER = {"recoverableitemsroot": ROOT_FOLDER}


def test_recoverable_items_lie_in_a_folder_of_their_own_when_they_are_asked_for() -> None:
    service = Service(folders=DUMPSTER, below={"rr": [entry("rd", "Deletions", "rr"), entry("rp", "Purges", "rr")]})
    found, findings = read(service, state_of(BASE), recoverable=True)
    assert found.folders["rd"].path == ("Recoverable Items", "Deletions")
    assert (found.well_known["recoverableitemsroot"], findings) == ("rr", [])


STORED: Forest = {**BASE, "rr": ("Recoverable Items", None), "rd": ("Deletions", "rr")}


def test_recoverable_items_are_not_asked_for_without_the_option_and_leave_the_next_tree() -> None:
    service = Service()
    found, _findings = read(service, state_of(STORED, well_known={"recoverableitemsroot": "rr", "outbox": "out"}))
    assert found.folders.keys() == {"a", "b"}
    assert not any("recoverable" in path for path in service.asked)


def test_only_the_documented_folder_is_taken_where_the_others_are_not_reached() -> None:
    found, findings = read(Service(folders={"recoverableitemsdeletions": entry("rd", "Deletions", "rr")}), state_of(BASE), recoverable=True)
    assert (found.folders["rd"].path, findings) == (("Deletions",), [])


def test_a_mailbox_that_refuses_its_recoverable_items_says_so_and_keeps_what_is_stored() -> None:
    service = Service(folders={"recoverableitemsroot": REFUSED, "recoverableitemsdeletions": REFUSED})
    state = state_of(STORED, well_known={"recoverableitemsroot": "rr", "outbox": "out"})
    found, findings = read(service, state, recoverable=True)
    assert found.folders.keys() == STORED.keys()
    assert [(finding.object, finding.code) for finding in findings] == [("recoverable items", "ErrorAccessDenied")]

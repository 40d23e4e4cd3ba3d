# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pages and rounds of changes, against a scripted service."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.plugins.module_utils.graph.fakes import ANNA, Answer, Scene, refusal

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph import errors
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.delta import Changed, Removed, delta_round
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.ids import Cursor, FolderId, UserId
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.mail_folders import folder_from, list_folders
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.mail_messages import list_messages, message_changes
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.paging import Listing, pages, values
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.refusals import Call
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.traffic import RequestKind

ROOT = "https://graph.microsoft.com/v1.0/"
CALL = Call(scope=ANNA, kind=RequestKind.DELTA, doing="Asking for changes")
CUT = Answer(200, b'{"value":[')


def page(*ids: str, following: str = "", cursor: str = "") -> Answer:
    document: dict[str, object] = {"value": [{"id": identity} for identity in ids]}
    if following:
        document["@odata.nextLink"] = ROOT + following
    if cursor:
        document["@odata.deltaLink"] = ROOT + cursor
    return Answer(200, document)


def sizes(scene: Scene) -> list[str]:
    return [request.headers.get("Prefer", "").split(",")[0].removeprefix("odata.maxpagesize=") for request in scene.sender.requests]


def test_links_are_followed_to_the_end_with_the_headers_on_every_page() -> None:
    scene = Scene(page("a", following="p?x=2"), page(following="p?x=3"), page("b"))
    listing = Listing(target="/v1.0/p", params={"$select": "id"}, prefer=("P",), headers={"ConsistencyLevel": "eventual"})
    assert [entry["id"] for entry in values(scene.client, CALL, listing)] == ["a", "b"]
    assert [request.target for request in scene.sender.requests] == ["/v1.0/p?$select=id", "/v1.0/p?x=2", "/v1.0/p?x=3"]
    assert {request.headers["ConsistencyLevel"] for request in scene.sender.requests} == {"eventual"}
    assert {request.headers["Prefer"] for request in scene.sender.requests} == {"P"}


def test_pages_that_lead_in_a_circle_are_an_error() -> None:
    scene = Scene(page("a", following="p?2"), *[page("b", following="p?3"), page("c", following="p?2")] * 20)
    with pytest.raises(errors.BadAnswer, match="circle"):
        list(pages(scene.client, CALL, Listing(target="/v1.0/p")))
    assert len(scene.sender.requests) < 15


def test_an_empty_page_that_points_to_itself_a_few_times_is_passed() -> None:
    scene = Scene(page("a", following="p?2"), page(following="p?2"), page(following="p?2"), page("b"))
    assert [entry["id"] for entry in values(scene.client, CALL, Listing(target="/v1.0/p"))] == ["a", "b"]


def test_a_page_without_values_is_an_error() -> None:
    with pytest.raises(errors.BadAnswer, match="no list of values"):
        list(pages(Scene(Answer(200, {"x": 1})).client, CALL, Listing(target="/v1.0/p")))


def test_inv10_a_next_link_to_another_host_is_not_followed() -> None:
    evil = Answer(200, {"value": [], "@odata.nextLink": "https://evil.example/v1.0/p"})
    scene = Scene(evil)
    with pytest.raises(errors.LinkRefused):
        list(pages(scene.client, CALL, Listing(target="/v1.0/p")))
    assert len(scene.sender.requests) == 1


def test_a_page_that_is_cut_off_is_asked_for_again_with_fewer_entries_and_the_size_grows_back() -> None:
    scene = Scene(page("a", following="p?2"), CUT, CUT, page("b", following="p?3"), page("c", following="p?4"), page("d"))
    found = [entry["id"] for entry in values(scene.client, CALL, Listing(target="/v1.0/p", page_size=400))]
    assert found == ["a", "b", "c", "d"]
    assert sizes(scene) == ["400", "400", "400", "100", "200", "400"]
    assert [request.target for request in scene.sender.requests][1:4] == ["/v1.0/p?2"] * 3


def test_a_page_that_times_out_in_the_service_is_asked_for_again_with_fewer_entries() -> None:
    scene = Scene(refusal(504, "UnknownError"), refusal(504, "UnknownError"), page("a"))
    assert [entry["id"] for entry in values(scene.client, CALL, Listing(target="/v1.0/p", page_size=500))] == ["a"]
    assert sizes(scene) == ["500", "500", "125"]


def test_a_page_that_fails_in_every_size_is_an_error() -> None:
    scene = Scene(*[CUT] * 40)
    with pytest.raises(errors.BadAnswer):
        list(pages(scene.client, CALL, Listing(target="/v1.0/p", page_size=500)))
    assert list(dict.fromkeys(sizes(scene))) == ["500", "125", "31", "7", "1"]


def test_a_refusal_does_not_make_pages_smaller() -> None:
    scene = Scene(refusal(403, "ErrorAccessDenied"))
    with pytest.raises(errors.AccessDenied):
        list(pages(scene.client, CALL, Listing(target="/v1.0/p", page_size=500)))


def test_a_round_of_changes_ends_with_its_cursor() -> None:
    entries: list[dict[str, object]] = [
        {"id": "a", "subject": "s"},
        {"id": "b", "@removed": {"reason": "deleted"}},
        {"id": "c", "@removed": {}},
    ]
    last = Answer(200, {"value": entries, "@odata.deltaLink": ROOT + "d?$deltatoken=t"})
    scene = Scene(page(following="d?2"), last)
    first, second = delta_round(scene.client, CALL, Listing(target="/v1.0/d", params={"$select": "subject"}), None)
    assert (first.entries, first.cursor) == ((), None)
    assert second.entries == (Changed("a", entries[0]), Removed("b", "deleted"), Removed("c", "deleted"))
    assert second.cursor == ROOT + "d?$deltatoken=t"


def test_a_cursor_is_asked_as_it_is_without_the_parameters_of_the_first_round() -> None:
    scene = Scene(page(cursor="d?$deltatoken=u"))
    list(delta_round(scene.client, CALL, Listing(target="/v1.0/d", params={"$select": "x"}), Cursor(ROOT + "d?$deltatoken=t")))
    assert scene.sender.requests[0].target == "/v1.0/d?$deltatoken=t"


@pytest.mark.parametrize("position", [0, 1, 2])
def test_a_cursor_may_be_lost_at_any_page(position: int) -> None:
    script: list[object] = [page("a", following=f"d?{n}") for n in range(position)]
    scene = Scene(*script, Answer(410, headers={"Location": ROOT + "d?$deltatoken="}))
    with pytest.raises(errors.CursorLost):
        list(delta_round(scene.client, CALL, Listing(target="/v1.0/d"), None))


def test_a_round_without_a_cursor_at_its_end_is_an_error() -> None:
    with pytest.raises(errors.BadAnswer, match="no cursor"):
        list(delta_round(Scene(page("a")).client, CALL, Listing(target="/v1.0/d"), None))


def test_inv10_a_cursor_that_leads_to_another_host_is_refused_when_it_comes_and_when_it_is_used() -> None:
    evil = "https://evil.example/d?$deltatoken=t"
    with pytest.raises(errors.LinkRefused):
        list(delta_round(Scene(Answer(200, {"value": [], "@odata.deltaLink": evil})).client, CALL, Listing(target="/v1.0/d"), None))
    scene = Scene()
    with pytest.raises(errors.LinkRefused):
        list(delta_round(scene.client, CALL, Listing(target="/v1.0/d"), Cursor(evil)))
    assert scene.sender.requests == []


@pytest.mark.parametrize("entry", [{}, {"id": None}, {"id": ""}, "text", None, {"id": 7}])
def test_an_entry_without_an_id_is_an_error(entry: object) -> None:
    scene = Scene(Answer(200, {"value": [entry], "@odata.deltaLink": ROOT + "d"}))
    with pytest.raises(errors.BadAnswer, match="no id"):
        list(delta_round(scene.client, CALL, Listing(target="/v1.0/d"), None))


def test_messages_ask_for_immutable_ids_on_every_page() -> None:
    scene = Scene(page("a", following="d?2"), page("b", cursor="d?3"))
    list(message_changes(scene.client, UserId("anna"), FolderId("f"), None, ("id", "isRead")))
    assert [request.headers["Prefer"] for request in scene.sender.requests] == ['odata.maxpagesize=500, IdType="ImmutableId"'] * 2
    assert scene.sender.requests[0].target == "/v1.0/users/anna/mailFolders/f/messages/delta?$select=id,isRead"


@pytest.mark.parametrize(("text", "value"), [("true", True), ("True", True), ("false", False), ("False", False)])
def test_a_read_flag_that_comes_as_text_is_understood(text: str, value: bool) -> None:
    scene = Scene(Answer(200, {"value": [{"id": "a", "isRead": text}], "@odata.deltaLink": ROOT + "d"}))
    (found,) = message_changes(scene.client, UserId("anna"), FolderId("f"), None, ())
    assert found.entries == (Changed("a", {"id": "a", "isRead": value}),)


def test_a_plain_listing_has_entries_and_never_a_cursor() -> None:
    scene = Scene(page("a", following="m?$skip=1"), page("b"))
    found = list(list_messages(scene.client, UserId("anna"), FolderId("f"), ("id",)))
    assert [entry.id for one in found for entry in one.entries] == ["a", "b"]
    assert {one.cursor for one in found} == {None}


def test_the_walk_of_folders_descends_into_children_but_not_into_search_folders() -> None:
    def folder(identity: str, children: int, **more: object) -> dict[str, object]:
        return {"id": identity, "displayName": identity.upper(), "childFolderCount": children, **more}

    scene = Scene(
        Answer(200, {"value": [folder("a", 1), folder("s", 1, **{"@odata.type": "#microsoft.graph.mailSearchFolder"})]}),
        Answer(200, {"value": [folder("b", 0, isHidden=True, parentFolderId="a", totalItemCount=3)]}),
    )
    found = list(list_folders(scene.client, UserId("anna")))
    assert [(item.id, item.is_search, item.is_hidden) for item in found] == [("a", False, False), ("s", True, False), ("b", False, True)]
    assert (found[2].parent_id, found[2].total_count, found[2].display_name) == ("a", 3, "B")
    assert "includeHiddenFolders=true" in scene.sender.requests[1].target


@given(
    st.dictionaries(
        st.sampled_from(["displayName", "parentFolderId", "totalItemCount", "isHidden"]),
        st.none() | st.just("") | st.integers() | st.text(),
    )
)
def test_a_folder_is_made_of_any_part_of_its_fields(fields: dict[str, object]) -> None:
    folder = folder_from({"id": "x", **fields})
    assert folder.id == "x"
    assert isinstance(folder.display_name, str)
    assert isinstance(folder.total_count, int)

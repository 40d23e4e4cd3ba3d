# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Exports: every item that is asked for is accounted for, whatever the service answers."""

from __future__ import annotations

import base64
import contextlib
import json
import typing as t

import pytest

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph import exchange_export
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.bodies import Body
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.errors import (
    AccessDenied,
    BadAnswer,
    GraphError,
    ItemUnreadable,
    LinkRefused,
    NotFound,
    RequestRefused,
    Throttled,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.exchange_export import export_items
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.exchange_redirects import (
    ExchangeItemId,
    ExchangeMailbox,
    MailboxId,
)
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.graph.fakes import Answer, Scene, refusal

HOME, OTHER = "MBX:home@t", "MBX:other@t"
MOVED = "ErrorArchiveFolderMovedPermanently"


def entry(item: str, content: bytes | None = None, **more: t.Any) -> dict[str, t.Any]:
    data = {} if content is None else {"changeKey": "K", "data": base64.b64encode(content).decode()}
    return {"itemId": item, **data, **more}


def answer(*entries: dict[str, t.Any]) -> Answer:
    return Answer(200, {"@odata.context": "x", "value": list(entries)})


def address(mailbox: str, *, host: str = "graph.microsoft.com", rest: str = "exportItems") -> str:
    return f"https://{host}/beta/admin/Exchange/Mailboxes/{mailbox}/{rest}"


def moved(item: str, to: str) -> dict[str, t.Any]:
    return entry(item, Error={"code": MOVED, "message": to})


def exported(scene: Scene, *items: str) -> dict[str, bytes | GraphError]:
    found: dict[str, bytes | GraphError] = {}
    for item, body in export_items(ExchangeMailbox(scene.client, MailboxId(HOME)), [ExchangeItemId(item) for item in items]):
        assert item not in found
        if isinstance(body, Body):
            with body:
                found[item] = b"".join(body.chunks())
        else:
            found[item] = body
    return found


def asked(scene: Scene) -> list[tuple[str, list[str]]]:
    """Mailbox and items of each request."""
    return [
        (request.target.split("/")[5].replace("%3A", ":"), json.loads(request.body or b"")["itemIds"]) for request in scene.sender.requests
    ]


def test_a_group_comes_in_one_request() -> None:
    scene = Scene(answer(entry("b", b"B" * 3000), entry("a", b"\0\xff" * 999)))
    assert exported(scene, "a", "b") == {"a": b"\0\xff" * 999, "b": b"B" * 3000}
    assert asked(scene) == [(HOME, ["a", "b"])]
    assert scene.sender.requests[0].target == "/v1.0/admin/exchange/mailboxes/MBX%3Ahome@t/exportItems"


def test_more_than_the_service_takes_is_an_error_of_ours() -> None:
    with pytest.raises(ValueError, match="21 items"):
        exported(Scene(), *map(str, range(21)))


@pytest.mark.parametrize("first", [answer(entry("a", b"A")), answer(entry("a", b"A"), entry("b"), entry("stranger", b"S"))])
def test_items_that_are_missing_or_empty_are_asked_for_alone(first: Answer) -> None:
    scene = Scene(first, answer(entry("b", b"B")))
    assert exported(scene, "a", "b") == {"a": b"A", "b": b"B"}
    assert asked(scene)[1] == (HOME, ["b"])


def test_an_item_that_is_always_missing_is_an_error() -> None:
    found = exported(Scene(answer(), answer(entry("a", b"A")), answer()), "a", "b")
    assert found["a"] == b"A"
    assert isinstance(found["b"], BadAnswer)
    assert "left it out" in str(found["b"])


@pytest.mark.parametrize("spelling", ["error", "Error", "ERROR"])
@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("ErrorItemNotFound", NotFound),
        ("ErrorCorruptData", ItemUnreadable),
        ("ApplicationThrottled", Throttled),
        ("ErrorSomethingNew", RequestRefused),
    ],
)
def test_an_item_may_have_an_error_of_its_own(spelling: str, code: str, kind: type[GraphError]) -> None:
    found = exported(Scene(answer(entry("a", b"A"), {**entry("b"), spelling: {"code": code, "message": "No."}})), "a", "b")
    assert found["a"] == b"A"
    assert isinstance(found["b"], GraphError)
    assert (found["b"].__class__, found["b"].code) == (kind, code)


def test_an_error_that_is_null_is_none() -> None:
    assert exported(Scene(answer(entry("a", b"A", error=None))), "a") == {"a": b"A"}


def test_items_that_moved_are_asked_for_where_they_are() -> None:
    scene = Scene(answer(entry("a", b"A"), moved("b", address(OTHER))), answer(entry("b", b"B")))
    assert exported(scene, "a", "b") == {"a": b"A", "b": b"B"}
    assert asked(scene)[1] == (OTHER, ["b"])


@pytest.mark.parametrize(
    ("to", "kind"),
    [
        (address(OTHER, host="evil.example"), LinkRefused),
        (address(OTHER, rest="folders"), LinkRefused),
        (address("somebody@contoso.com"), LinkRefused),
        ("http://graph.microsoft.com/v1.0/admin/exchange/mailboxes/MBX:other@t/exportItems", LinkRefused),
        ("", LinkRefused),
        (address(HOME), BadAnswer),
        (address(HOME.upper()), BadAnswer),
    ],
)
def test_a_hostile_or_circular_address_of_an_item_is_not_followed(to: str, kind: type[GraphError]) -> None:
    scene = Scene(answer(moved("a", to)))
    assert isinstance(exported(scene, "a")["a"], kind)
    assert len(scene.sender.requests) == 1


def test_moves_from_mailbox_to_mailbox_end() -> None:
    scene = Scene(*(answer(moved("a", address(f"MBX:m{number}@t"))) for number in range(20)))
    assert isinstance(exported(scene, "a")["a"], BadAnswer)
    assert len(scene.sender.requests) <= 6


def test_a_redirect_keeps_method_and_items() -> None:
    scene = Scene(Answer(308, b"", headers={"Location": address(OTHER)}), answer(entry("a", b"A")))
    assert exported(scene, "a") == {"a": b"A"}
    assert asked(scene) == [(HOME, ["a"]), (OTHER, ["a"])]
    assert {request.method for request in scene.sender.requests} == {"POST"}


def test_beta_is_asked_where_v1_refuses_and_from_then_on() -> None:
    scene = Scene(refusal(400, "ErrorInvalidRequest"), answer(entry("a", b"A")), answer(entry("b", b"B")))
    mailbox = ExchangeMailbox(scene.client, MailboxId(HOME))
    for item in ("a", "b"):
        for _item, body in export_items(mailbox, [ExchangeItemId(item)]):
            assert isinstance(body, Body)
    assert [request.target.split("/")[1] for request in scene.sender.requests] == ["v1.0", "beta", "beta"]


def test_a_refusal_that_concerns_everything_is_raised() -> None:
    scene = Scene(refusal(403, "ErrorAccessDenied"), refusal(403, "ErrorAccessDenied"))
    with pytest.raises(AccessDenied, match=r"MailboxItem\.Export\.All"):
        exported(scene, "a", "b")


def test_a_group_that_cannot_be_answered_is_asked_for_one_by_one() -> None:
    cut = Answer(200, {"value": [entry("a", b"A" * 5000)]}, cut=True)
    scene = Scene(cut, cut, answer(entry("a", b"A")), answer(entry("b", b"B")))
    assert exported(scene, "a", "b") == {"a": b"A", "b": b"B"}


@pytest.mark.parametrize("data", ["****", "AAAAA", "AAAA=", "\u00e4\u00f6"])
def test_data_that_is_no_base64_is_asked_for_again_and_then_an_error(data: str) -> None:
    bad = entry("a", data=data)
    found = exported(Scene(answer(bad, entry("b", b"B")), answer(bad)), "a", "b")
    assert found["b"] == b"B"
    assert isinstance(found["a"], BadAnswer)


def test_escapes_and_odd_spellings_are_understood() -> None:
    raw = b'{"Value":[{"Data":"\\u002b\\/Av","ItemId":"a","unknown":{"data":["x"]}}]}'
    assert exported(Scene(Answer(200, raw)), "a") == {"a": base64.b64decode("+/Av")}


def test_what_is_not_taken_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[int] = []
    monkeypatch.setattr(Body, "close", lambda body: closed.append(body.size))
    scene = Scene(answer(entry("a", b"A"), entry("b", b"BB"), entry("c", b"CCC")))
    exports = export_items(ExchangeMailbox(scene.client, MailboxId(HOME)), [ExchangeItemId(item) for item in "abc"])
    next(exports)
    exports.close()
    assert sorted(closed) == [2, 3]


def test_large_items_go_to_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange_export, "_IN_MEMORY", 1000)
    monkeypatch.setattr(exchange_export, "_PIECE", 512)
    with contextlib.ExitStack() as stack:
        found = {}
        scene = Scene(answer(entry("a", b"A" * 900), entry("b", b"B" * 5000)))
        for item, body in export_items(ExchangeMailbox(scene.client, MailboxId(HOME)), [ExchangeItemId("a"), ExchangeItemId("b")]):
            assert isinstance(body, Body)
            found[item] = stack.enter_context(body)
        assert {item: (body.bytes is None, body.size) for item, body in found.items()} == {"a": (False, 900), "b": (True, 5000)}

# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Streams of files: fresh addresses, breaks, ranges, and what is no file."""

from __future__ import annotations

import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.client import GraphClient
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.clouds import CLOUDS
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.drive_content import file_content, version_content
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.drive_errors import ContentChanged, FileLocked, MalwareBlocked
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.errors import (
    BadAnswer,
    GraphError,
    ItemUnreadable,
    LinkRefused,
    NotFound,
    ServiceUnavailable,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.ids import DriveId
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.limiter import Limiter
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.requester import Requester
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.traffic import Meter
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.transport import Incoming, Outgoing
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.graph.fakes import Answer, FakeClock, FakeTokens, refusal

HOST = "contoso-my.sharepoint.com"
DRIVE = DriveId("b!drive")
CONTENT = bytes(range(251)) * 17

Mood: t.TypeAlias = t.Union[int, str]
"""What the file service does with one request: give so many bytes before it breaks, or a word of L(Service)."""


class Service:
    """Graph and the file service. Each download takes the next mood; at the end of the list everything goes well."""

    def __init__(self, *moods: Mood, content: bytes = CONTENT, stated: int | None = None, links: bool = True) -> None:
        self.moods = list(moods)
        self.content = content
        self.asked: list[str] = []
        self.ranges: list[str | None] = []
        self.item: dict[str, t.Any] = {"id": "file", "name": "a.bin", "eTag": "1", "size": len(content) if stated is None else stated}
        self.item["file"] = {"mimeType": "application/octet-stream"}
        self._links = links
        self._addresses = 0
        self.link()
        clock, meter = FakeClock(), Meter()
        self.client = GraphClient(
            CLOUDS["global"], Requester(self, FakeTokens(), Limiter(clock), meter=meter, clock=clock, random=lambda: 1.0), meter
        )

    def link(self) -> str:
        self._addresses += 1
        link = f"https://{HOST}/download.aspx?tempauth={self._addresses}"
        if self._links:
            self.item["@microsoft.graph.downloadUrl"] = link
        return link

    def read(self) -> bytes:
        return b"".join(file_content(self.client, DRIVE, dict(self.item)))

    def send(self, request: Outgoing) -> Incoming:
        if request.host == HOST:
            assert "Authorization" not in request.headers
            self.asked.append("download")
            self.ranges.append(request.headers.get("Range"))
            return self._download(self.moods.pop(0) if self.moods else "well", self.ranges[-1]).incoming(request.host)
        assert "Authorization" in request.headers
        is_content = request.target.endswith("/content")
        self.asked.append("content" if is_content else "item")
        if self.moods[:1] == ["gone"]:
            return refusal(404, "itemNotFound", "Item not found").incoming(request.host)
        if is_content and self.moods[:1] == ["direct"]:
            self.moods.pop(0)
            return self._download("well", request.headers.get("Range")).incoming(request.host)
        if is_content:
            return Answer(302, headers={"Location": self.link()}).incoming(request.host)
        self.link()
        return Answer(200, self.item).incoming(request.host)

    def close(self) -> None:
        pass

    def _download(self, mood: Mood, asked_range: str | None) -> Answer:
        start = int(asked_range[6:-1]) if asked_range else 0
        if mood == "missing":
            return Answer(404)
        if mood == "shifted":
            return Answer(206, self.content[start + 1 :], headers={"Content-Range": f"bytes {start + 1}-9/{len(self.content)}"})
        if mood == "longer":
            return Answer(206, self.content[start:], headers={"Content-Range": f"bytes {start}-9/{len(self.content) + 1}"})
        if mood in ("expired", "gone"):
            return Answer(401, b"<html>sign in</html>")
        if mood == "page":
            return Answer(200, b"<html>sign in</html>", headers={"Content-Type": "text/html; charset=utf-8"})
        if mood == "infected":
            return Answer(200, self.content, headers={"X-Virus-Infected": "true"})
        if mood == "changed":
            self.item["eTag"] = "2"
            return Answer(200, self.content[:5], headers={"Content-Length": str(len(self.content))})
        if mood == "whole":
            return Answer(200, self.content)
        if asked_range and start >= len(self.content):
            return Answer(416, b"")
        body = self.content[start:]
        headers = {"Content-Range": f"bytes {start}-{len(self.content) - 1}/{len(self.content)}"} if asked_range else {}
        if isinstance(mood, int):
            headers["Content-Length"] = str(len(body) + (len(body) <= mood))
            body = body[:mood]
        return Answer(206 if asked_range else 200, body, headers=headers)


def test_a_fresh_address_costs_one_request_and_sees_no_token() -> None:
    service = Service()
    assert service.read() == CONTENT
    assert service.asked == ["download"]


def test_an_empty_file_is_read_as_one() -> None:
    assert Service(content=b"").read() == b""


@pytest.mark.parametrize("mood", ["expired", "missing"])
def test_an_address_that_is_no_good_is_replaced_by_a_fresh_one_at_once(mood: str) -> None:
    service = Service(mood)
    assert service.read() == CONTENT
    assert service.asked == ["download", "item", "download"]


def test_an_item_without_an_address_is_asked_for_one_and_then_for_its_content() -> None:
    service = Service(links=False)
    assert service.read() == CONTENT
    assert service.asked == ["item", "content", "download"]


def test_content_may_come_directly_from_its_path() -> None:
    service = Service("direct", links=False)
    assert service.read() == CONTENT
    assert service.asked == ["item", "content"]


def test_a_file_whose_every_address_is_refused_is_unreadable_after_three() -> None:
    service = Service(*["expired"] * 20)
    with pytest.raises(ItemUnreadable, match="Downloading file file of drive b!drive failed") as caught:
        service.read()
    assert service.asked == ["download", "item", "download", "content", "download"]
    assert "tempauth" not in f"{caught.value.what} {caught.value.hint} {caught.value.facts}"


def test_a_file_that_is_gone_when_its_address_is_renewed_is_not_found() -> None:
    with pytest.raises(NotFound):
        Service("gone", "gone").read()


def test_a_break_is_gone_on_with_where_it_was() -> None:
    service = Service(1000)
    assert service.read() == CONTENT
    assert service.ranges == [None, "bytes=1000-"]


def test_a_server_that_ignores_the_range_gives_the_same_bytes() -> None:
    service = Service(1000, "whole")
    assert service.read() == CONTENT


def test_a_change_during_a_break_is_noticed_before_bytes_of_two_contents_are_mixed() -> None:
    with pytest.raises(ContentChanged):
        Service("changed").read()


def test_other_bytes_than_were_asked_for_are_not_taken() -> None:
    with pytest.raises(BadAnswer, match="other bytes"):
        Service(1000, "shifted").read()


def test_a_file_that_has_another_length_after_a_break_has_changed() -> None:
    with pytest.raises(ContentChanged, match="another length"):
        Service(1000, "longer").read()


def test_a_stream_that_breaks_at_once_each_time_is_given_up() -> None:
    service = Service(*[0] * 50)
    with pytest.raises(BadAnswer, match="ended before its end"):
        service.read()
    assert service.asked.count("download") == 7


def test_more_bytes_announced_than_there_are_end_where_the_item_says() -> None:
    assert Service(len(CONTENT)).read() == CONTENT


def test_a_file_that_ends_neither_where_announced_nor_where_stated_is_not_taken_for_whole() -> None:
    with pytest.raises(BadAnswer):
        Service(len(CONTENT), stated=len(CONTENT) + 5).read()


def test_a_page_that_asks_for_a_login_is_not_taken_for_the_file() -> None:
    service = Service("page")
    assert service.read() == CONTENT
    with pytest.raises(ItemUnreadable, match="a web page, not the file"):
        Service("page", "page", "page").read()


def test_a_file_that_is_a_page_is_read_as_it_is() -> None:
    service = Service("page")
    service.item["file"] = {"mimeType": "text/html"}
    assert service.read() == b"<html>sign in</html>"


def test_malware_is_refused_although_its_bytes_come() -> None:
    with pytest.raises(MalwareBlocked):
        Service("infected").read()


def test_an_address_elsewhere_is_not_asked() -> None:
    service = Service()
    service.item["@microsoft.graph.downloadUrl"] = "https://files.example.com/x?tempauth=1"
    with pytest.raises(LinkRefused):
        service.read()
    assert service.asked == []


def test_a_wrong_stated_size_does_not_matter_to_a_stream_that_does_not_break() -> None:
    assert Service(stated=3).read() == CONTENT
    assert Service(stated=len(CONTENT) + 1000).read() == CONTENT


def test_an_earlier_version_is_read_and_gone_on_with_by_its_path() -> None:
    service = Service(1000, "expired")
    assert b"".join(version_content(service.client, DRIVE, "file", "2.0")) == CONTENT
    assert service.asked == ["content", "download"] * 3
    assert service.ranges == [None, "bytes=1000-", "bytes=1000-"]


MOODS = st.one_of(st.integers(0, len(CONTENT) + 3), st.sampled_from(["expired", "whole", "well", "page", "changed", "direct"]))


@given(moods=st.lists(MOODS, max_size=8))
def test_whatever_happens_the_whole_content_comes_or_an_error(moods: list[Mood]) -> None:
    service = Service(*moods)
    try:
        read = service.read()
    except (BadAnswer, ContentChanged, ItemUnreadable):
        return
    assert read == CONTENT


class Refusing:
    """Answers every request alike."""

    def __init__(self, answer: t.Callable[[], Answer]) -> None:
        self.requests: list[Outgoing] = []
        self._answer = answer
        self.clock, meter = FakeClock(), Meter()
        self.client = GraphClient(
            CLOUDS["global"], Requester(self, FakeTokens(), Limiter(self.clock), meter=meter, clock=self.clock, random=lambda: 1.0), meter
        )

    def send(self, request: Outgoing) -> Incoming:
        self.requests.append(request)
        return self._answer().incoming(request.host)

    def close(self) -> None:
        pass


def error_for(answer: t.Callable[[], Answer], **fields: t.Any) -> tuple[GraphError, Refusing]:
    service = Refusing(answer)
    item = {"id": "file", "@microsoft.graph.downloadUrl": f"https://{HOST}/download.aspx?tempauth=1", **fields}
    with pytest.raises(GraphError) as caught:
        next(file_content(service.client, DRIVE, item))
    return caught.value, service


def test_a_locked_file_is_said_to_be_locked() -> None:
    error, service = error_for(lambda: refusal(423, "resourceLocked", "The file is checked out."))
    assert isinstance(error, FileLocked)
    assert len(service.requests) == 1


def test_a_part_of_a_notebook_that_never_comes_is_asked_for_three_times_and_other_files_longer() -> None:
    part, patient = error_for(lambda: refusal(503, "serviceNotAvailable"), name="Notes.one")
    other, longer = error_for(lambda: refusal(503, "serviceNotAvailable"), name="Notes.docx")
    assert isinstance(part, ServiceUnavailable)
    assert isinstance(other, ServiceUnavailable)
    assert (len(patient.requests), len(longer.requests)) == (3, 7)

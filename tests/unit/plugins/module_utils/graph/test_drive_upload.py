# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Upload sessions against a service that loses answers, forgets sessions, and holds names."""

from __future__ import annotations

import json
import re
import typing as t
import urllib.parse

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph import drive_upload
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.client import GraphClient
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.clouds import CLOUDS
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.drive_errors import NameHeld, NameTaken, UploadLost
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.drive_upload import Upload, Uploader, fragments
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.errors import GraphError, LinkRefused, QuotaExceeded
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.ids import DriveId, Fields
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.limiter import Limiter
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.mail_attachments import ContentMismatch
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.requester import Requester
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.retry import FaultKind
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.traffic import Meter
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.transport import Incoming, Outgoing, TransportFault
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.graph.fakes import Answer, FakeClock, FakeTokens, refusal

HOST = "contoso-my.sharepoint.com"
UNIT = 8
CONTENT = bytes(range(30))
TIMES = {"created": "2020-01-02T03:04:05Z", "modified": "2021-01-02T03:04:05Z"}


@pytest.fixture(autouse=True, scope="module")
def small_fragments() -> t.Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(drive_upload, "FRAGMENT", UNIT)
        yield


class Session(t.NamedTuple):
    """An open session."""

    name: str
    conflict: str
    times: Fields
    received: bytearray


class Service:
    """One folder. Each fragment takes the next mood; at the end of the list everything goes well.

    ``lost``: stored, and the answer is lost; ``mute``: stored, and the answer says nothing; ``500``: not stored; ``half``: only
    half of it is stored; ``vanished``: the session is forgotten; ``early``: it is not known yet; ``back``: it forgets its last
    half fragment; ``full``: no room.
    """

    def __init__(self, *moods: str, host: str = HOST) -> None:
        self.moods = list(moods)
        self.files: dict[str, dict[str, t.Any]] = {}
        self.sessions: dict[str, Session] = {}
        self.opened = 0
        self.fragments: list[str] = []
        self._host = host
        clock, meter = FakeClock(), Meter()
        client = GraphClient(
            CLOUDS["global"], Requester(self, FakeTokens(), Limiter(clock), meter=meter, clock=clock, random=lambda: 1.0), meter
        )
        self.uploader = Uploader(client, DriveId("b!d"))

    def upload(self, content: bytes = CONTENT, size: int | None = None, **more: t.Any) -> Fields:
        upload = Upload(parent_id="p", name="a.txt", size=len(content) if size is None else size, content=lambda: [content], **more)
        return self.uploader.upload(upload)

    def send(self, request: Outgoing) -> Incoming:
        if request.host == self._host:
            assert "Authorization" not in request.headers
            return self._session(request).incoming(request.host)
        assert "Authorization" in request.headers
        name = urllib.parse.unquote(request.target.split(":/")[1])
        if request.method == "GET":
            return (Answer(200, self.files[name]) if name in self.files else refusal(404, "itemNotFound")).incoming(request.host)
        item = json.loads(request.body or b"")["item"]
        conflict = item["@microsoft.graph.conflictBehavior"]
        if (name in self.files and conflict == "fail") or any(one.name == name for one in self.sessions.values()):
            return refusal(409, "nameAlreadyExists").incoming(request.host)
        self.opened += 1
        self.sessions[str(self.opened)] = Session(name, conflict, item.get("fileSystemInfo", {}), bytearray())
        return Answer(200, {"uploadUrl": f"https://{self._host}/s?tempauth={self.opened}"}).incoming(request.host)

    def close(self) -> None:
        pass

    def _session(self, request: Outgoing) -> Answer:
        key = request.target.rpartition("=")[2]
        takes_mood = request.method == "PUT" or (request.method == "GET" and self.moods[:1] == ["early"])
        mood = self.moods.pop(0) if takes_mood and self.moods else "well"
        if mood == "vanished":
            self.sessions.pop(key, None)
        session = self.sessions.get(key)
        if session is None or mood == "early":
            return refusal(404, "itemNotFound", "The upload session was not found")
        if request.method == "DELETE":
            del self.sessions[key]
            return Answer(204)
        if request.method == "GET":
            return Answer(200, {"nextExpectedRanges": [f"{len(session.received)}-"]})
        return self._fragment(request, key, session, mood)

    def _fragment(self, request: Outgoing, key: str, session: Session, mood: str) -> Answer:
        self.fragments.append(request.headers["Content-Range"])
        parts = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+)", request.headers["Content-Range"])
        if parts is None:
            raise TypeError("no range")
        start, end, size = (int(part) for part in parts.groups())
        body = request.body or b""
        assert len(body) == end + 1 - start <= UNIT
        if mood == "500":
            return refusal(500, "generalException")
        if mood == "full":
            return refusal(507, "quotaLimitReached")
        if mood == "back":
            del session.received[-UNIT // 2 :]
        if start != len(session.received):
            return refusal(416, "invalidRange")
        session.received.extend(body[: UNIT // 2] if mood == "half" else body)
        answer = self._taken(key, session, size)
        if mood == "lost":
            raise TransportFault(FaultKind.BROKEN, "the answer was lost")
        return Answer(202, {}) if mood == "mute" else answer

    def _taken(self, key: str, session: Session, size: int) -> Answer:
        if len(session.received) < size:
            return Answer(202, {"nextExpectedRanges": [f"{len(session.received)}-"]})
        del self.sessions[key]
        if session.name in self.files and session.conflict == "fail":
            return refusal(409, "nameAlreadyExists")
        item = {"id": key, "name": session.name, "file": {}, "size": size, "fileSystemInfo": session.times}
        self.files[session.name] = {**item, "content": session.received.decode("latin-1")}
        return Answer(201, item)

    def stored(self) -> bytes:
        return str(self.files["a.txt"]["content"]).encode("latin-1")


def test_a_file_goes_up_in_fragments_in_order_with_its_times() -> None:
    service = Service()
    made = service.upload(**TIMES)
    assert made["fileSystemInfo"] == {"createdDateTime": TIMES["created"], "lastModifiedDateTime": TIMES["modified"]}
    assert service.stored() == CONTENT
    assert service.fragments == ["bytes 0-7/30", "bytes 8-15/30", "bytes 16-23/30", "bytes 24-29/30"]


@pytest.mark.parametrize("mood", ["lost", "mute"])
@pytest.mark.parametrize("lost", range(4))
@pytest.mark.parametrize("conflict", ["fail", "replace"])
def test_an_answer_that_is_lost_makes_no_second_file_and_costs_no_second_upload(lost: int, conflict: str, mood: str) -> None:
    service = Service(*["well"] * lost, mood)
    assert service.upload(conflict=conflict, **TIMES)["id"] == "1"
    assert service.stored() == CONTENT
    assert service.opened == 1


def test_a_session_that_forgets_a_part_is_given_it_again() -> None:
    service = Service("half", "well", "half")
    service.upload()
    assert service.stored() == CONTENT
    assert service.opened == 1


def test_a_session_that_is_not_known_yet_is_waited_for() -> None:
    service = Service("early", "early")
    service.upload()
    assert service.opened == 1


def test_a_session_that_vanishes_makes_the_upload_begin_again() -> None:
    service = Service("well", "vanished")
    service.upload()
    assert service.stored() == CONTENT
    assert service.opened == 2


def test_a_file_of_somebody_else_is_not_taken_for_the_one_whose_session_vanished() -> None:
    service = Service("well", "vanished")

    def content() -> t.Iterator[bytes]:
        yield CONTENT[:20]
        service.files["a.txt"] = {"id": "theirs", "file": {}}
        yield CONTENT[20:]

    with pytest.raises(NameTaken):
        service.uploader.upload(Upload(parent_id="p", name="a.txt", size=len(CONTENT), content=content))


def test_an_upload_whose_session_vanishes_each_time_is_given_up() -> None:
    with pytest.raises(UploadLost):
        Service(*["well", "vanished"] * 5).upload()


def test_with_replace_an_older_file_of_the_name_is_not_taken_for_the_one_that_was_lost() -> None:
    service = Service("well", "well", "well", "vanished")
    service.files["a.txt"] = {"id": "old", "file": {}, "size": 30, "fileSystemInfo": {"lastModifiedDateTime": "2001-01-01T00:00:00Z"}}
    assert service.upload(conflict="replace", **TIMES)["id"] == "2"
    assert service.stored() == CONTENT


def test_a_failed_upload_frees_its_name() -> None:
    service = Service("well", "full")
    with pytest.raises(QuotaExceeded):
        service.upload()
    assert service.sessions == {}


def test_content_of_another_length_frees_its_name_and_makes_no_file() -> None:
    for size in (len(CONTENT) - 1, len(CONTENT) + 1):
        service = Service()
        with pytest.raises(ContentMismatch):
            service.upload(size=size)
        assert service.sessions == service.files == {}


def test_a_name_that_a_file_has_is_told_from_one_that_only_a_session_holds() -> None:
    service = Service()
    service.sessions["other"] = Session("a.txt", "fail", {}, bytearray())
    for conflict in ("fail", "replace"):
        with pytest.raises(NameHeld):
            service.upload(conflict=conflict)
    service.files["a.txt"] = {"id": "there", "file": {}}
    with pytest.raises(NameTaken) as caught:
        service.upload()
    assert not isinstance(caught.value, NameHeld)
    with pytest.raises(NameHeld):
        service.upload(conflict="replace")


def test_a_session_elsewhere_is_not_used() -> None:
    with pytest.raises(LinkRefused):
        Service(host="files.example.com").upload()


MOODS = st.sampled_from(["well", "lost", "mute", "500", "half", "vanished", "early", "back", "full"])


@given(moods=st.lists(MOODS, max_size=10), conflict=st.sampled_from(["fail", "replace"]), length=st.integers(1, 40))
def test_whatever_happens_the_file_is_whole_or_not_there_and_no_session_stays(moods: list[str], conflict: str, length: int) -> None:
    service = Service(*moods)
    content = bytes(range(length))
    try:
        service.upload(content, conflict=conflict, **TIMES)
    except GraphError:
        pass
    else:
        assert service.stored() == content
    assert service.sessions == {}
    assert "a.txt" not in service.files or service.stored() == content


@given(chunks=st.lists(st.binary(max_size=30)), length=st.integers(1, 12))
def test_fragments_are_the_same_bytes_in_pieces_of_one_length(chunks: list[bytes], length: int) -> None:
    cut = [*fragments(chunks, length)]
    assert b"".join(cut) == b"".join(chunks)
    assert all(len(each) == length for each in cut[:-1])
    assert all(0 < len(each) <= length for each in cut[-1:])

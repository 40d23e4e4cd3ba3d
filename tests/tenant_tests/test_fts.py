# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Export streams: what is written is read back, what is damaged is refused, Microsoft's own sample is understood."""

from __future__ import annotations

import base64
import datetime
import uuid

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tenant import fts
from tenant.fts import MapiAttachment, MapiMessage, read_stream, write_stream
from tenant.fts_format import BINARY, BOOLEAN, BUFFER_SIZE, GUID, INT32, MULTIPLE, STRING, TIME, FtsError, Named, frame, unframe
from tenant.fts_kinds import KINDS, make_item
from tenant.fts_mail import mapi_summary, mapi_to_mime, mime_to_mapi
from tenant.mime_view import read_content, summarise

SAMPLE_START = "AQAAAAgAAAAAAAAAAQAAAAMAAAAYAAAAAQAAAAcDAgAAAAAAwAAAAAAAAEYAJACABAAAAAYAAAA"  # of the sample in Microsoft's documentation
MOMENT = datetime.datetime(2026, 3, 2, 10, tzinfo=datetime.timezone.utc)
TEXT = st.text(st.characters(codec="utf-16-le", exclude_characters="\0"), max_size=30)
MOMENTS = st.timedeltas(datetime.timedelta(days=-150_000), datetime.timedelta(days=2_000_000)).map(lambda span: MOMENT + span)
VALUES = {
    INT32: st.integers(-(2**31), 2**31 - 1),
    BOOLEAN: st.booleans(),
    STRING: TEXT,
    BINARY: st.binary(max_size=200),
    TIME: MOMENTS,
    GUID: st.uuids(),
    MULTIPLE | STRING: st.lists(TEXT, max_size=3),
    MULTIPLE | BINARY: st.lists(st.binary(max_size=9), max_size=3),
}
SPACES = st.uuids().map(str)


@st.composite
def properties(draw: st.DrawFn) -> dict[object, object]:
    found: dict[object, object] = {fts.MESSAGE_CLASS: "IPM.Note"}
    for kind in draw(st.lists(st.sampled_from(sorted(VALUES)), max_size=6)):
        number = draw(st.integers(1, 0x3FFE))  # markers lie at 0x4000
        name: str | int = draw(st.one_of(st.integers(0, 2**32 - 1), TEXT.filter(bool)))
        key = draw(st.sampled_from([number << 16 | kind, Named(draw(SPACES), name, kind)]))
        found[key] = draw(VALUES[kind])
    return found


MESSAGES = st.recursive(
    st.builds(MapiMessage, properties(), st.lists(properties(), max_size=2)),
    lambda inner: st.builds(
        MapiMessage, properties(), st.lists(properties(), max_size=2), st.lists(st.builds(MapiAttachment, properties(), inner), max_size=2)
    ),
    max_leaves=4,
)


@given(MESSAGES)
@settings(max_examples=60, deadline=None)
def test_what_is_written_is_read_back_and_written_alike(message: MapiMessage) -> None:
    stream = write_stream(message)
    assert read_stream(stream) == message
    assert write_stream(read_stream(stream)) == stream


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_a_stream_that_was_cut_or_changed_is_refused_or_read_but_never_breaks_the_reader(data: st.DataObject) -> None:
    stream = bytearray(write_stream(data.draw(MESSAGES)))
    if data.draw(st.booleans()):
        del stream[data.draw(st.integers(0, len(stream) - 1)) :]
    else:
        stream[data.draw(st.integers(0, len(stream) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        read_stream(bytes(stream))
    except FtsError:
        return


def test_a_stream_begins_as_microsofts_sample_does() -> None:
    stream = write_stream(MapiMessage({fts.IMPORTANCE: 1, fts.MESSAGE_CLASS: "IPM.Note"}))
    assert base64.b64encode(stream).decode().startswith(SAMPLE_START)
    head = bytes.fromhex("03001700 01000000 b0841a00 12000000") + "IPM.Note\0".encode("utf-16-le")
    assert unframe(stream) == head


def test_long_content_goes_over_many_buffers() -> None:
    content = bytes(range(256)) * 400
    stream = frame(content)
    assert unframe(stream) == content
    assert stream.count(bytes.fromhex("02000000") + BUFFER_SIZE.to_bytes(4, "little")) == 3


@pytest.mark.parametrize(
    ("stream", "text"),
    [
        (b"", "server version"),
        (b"\x01\0\0\0", "head of a record"),
        (b"\x02\0\0\0\x09\0\0\0abc", "inside a record"),
        (b"\x63\0\0\0\0\0\0\0", "unknown record 99"),
        (frame(b""), "no message class"),
        (frame(b"\x99\x00\x17\x00"), "unknown property type 0x0099"),
        (frame(b"\x03\x00\x04\x40"), "does not belong there"),
    ],
)
def test_what_is_no_stream_is_refused_with_the_reason(stream: bytes, text: str) -> None:
    with pytest.raises(FtsError, match=text):
        read_stream(stream)


def test_strings_of_old_code_pages_and_errors_inside_the_stream_are_read() -> None:
    content = (
        bytes.fromhex("1e001a00 09000000") + b"IPM.Note\0"  # PtypString8
        + bytes.fromhex("e4843700 05000000") + "Größ".encode("cp1252") + b"\0"  # code page 1252
        + bytes.fromhex("03001640 0d000e37")  # PidTagFXDelProp and the tag it deletes
        + bytes.fromhex("03001840") + bytes.fromhex("02010000 02000000 4142")  # an error info and its data
    )  # fmt: skip
    assert read_stream(frame(content)).properties == {fts.MESSAGE_CLASS: "IPM.Note", fts.SUBJECT: "Größ"}


def test_a_mail_keeps_people_body_attachments_and_attached_mail() -> None:
    inner = b"From: c@example.com\r\nSubject: Inner\r\nDate: Mon, 02 Mar 2026 09:00:00 +0000\r\n\r\nInside\r\n"
    mime = (
        b'From: "Bob B\xc3\xa4r" <bob@example.com>\r\nTo: adele@contoso.com, carl@contoso.com\r\nCc: dora@contoso.com\r\nSubject: Plan\r\n'
        b"Date: Mon, 02 Mar 2026 10:00:00 +0000\r\nMessage-ID: <1@example.com>\r\nImportance: high\r\nX-Case: 4711\r\n"
        b'Content-Type: multipart/mixed; boundary="B"\r\n\r\n'
        b'--B\r\nContent-Type: text/html; charset="utf-8"\r\n\r\n<p>Gr\xc3\xbc\xc3\x9fe</p>\r\n'
        b'--B\r\nContent-Type: image/png; name="a.png"\r\nContent-ID: <a>\r\nContent-Disposition: inline; filename="a.png"\r\n\r\nPNG\r\n'
        b'--B\r\nContent-Type: application/pdf\r\nContent-Disposition: attachment; filename="b.pdf"\r\n\r\nPDF\r\n'
        b"--B\r\nContent-Type: message/rfc822\r\n\r\n" + inner + b"\r\n--B--\r\n"
    )
    message = read_stream(write_stream(mime_to_mapi(mime)))
    picture, pdf, mail = message.attachments
    assert message.properties[fts.HTML] == "<p>Grüße</p>".encode()
    assert (picture.properties[fts.ATTACH_CONTENT_ID], picture.properties[fts.ATTACH_HIDDEN]) == ("a", True)
    assert (pdf.properties[fts.ATTACH_LONG_NAME], pdf.properties[fts.ATTACH_DATA]) == ("b.pdf", b"PDF")
    assert mail.embedded is not None
    assert (mail.embedded.text(fts.SUBJECT), mail.embedded.text(fts.BODY).strip()) == ("Inner", "Inside")
    again, before = summarise(mapi_to_mime(message)), summarise(mime)
    for name in ("subject", "sent", "from_", "to", "cc", "message_id", "importance", "has_attachments"):
        assert getattr(again, name) == getattr(before, name)
    assert ("X-Case", "4711") in again.headers
    assert [part.name for part in read_content(mapi_to_mime(message)).parts] == ["a.png", "b.pdf", "Inner"]


@pytest.mark.parametrize("kind", KINDS)
def test_items_of_every_kind_have_their_class_and_survive_the_stream(kind: str) -> None:
    item = make_item(kind, "Ada Lovelace", "Text", MOMENT, {"members": ["a@example.com"], "location": "Room 5"})
    found = read_stream(write_stream(item))
    assert found == item
    assert (found.text(fts.MESSAGE_CLASS), mapi_summary(found).subject) == (KINDS[kind][0], "Ada Lovelace")


def test_named_properties_carry_their_names() -> None:
    space = str(uuid.UUID(int=7))
    first, second = Named(space, "Colour", STRING), Named(space, 0x8208, INT32)
    stream = write_stream(MapiMessage({fts.MESSAGE_CLASS: "IPM.Note", first: "blue", second: 5}))
    assert "Colour\0".encode("utf-16-le") in stream
    assert read_stream(stream).properties == {fts.MESSAGE_CLASS: "IPM.Note", first: "blue", second: 5}

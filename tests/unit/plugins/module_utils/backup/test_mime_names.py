# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The names of attachments: those that Python's own parser finds, however the message comes in pieces."""

from __future__ import annotations

import email.message
import email.policy
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.mime_names import LONGEST_NAME, MOST_NAMES, NameScanner

NAMES = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zl", "Zp", "Zs", "Cf", "Cn", "Co")), min_size=1, max_size=60)
TEXTS = st.sampled_from(["", "hello\n", "--\n-- \n--x--\n\n--", "Content-Disposition: attachment; filename=no.txt\n\nx\n", "a" * 3000])


def names_in(*pieces: bytes) -> list[str]:
    scanner = NameScanner()
    assert b"".join(scanner.watch(pieces)) == b"".join(pieces)
    return scanner.names


def message(text: str, attachments: t.Iterable[tuple[str, bytes]]) -> email.message.EmailMessage:
    made = email.message.EmailMessage(policy=email.policy.SMTP)
    made["Subject"] = "Subject"
    made.set_content(text, cte="8bit")
    for name, content in attachments:
        made.add_attachment(content, maintype="application", subtype="octet-stream", filename=name)
    return made


@given(text=TEXTS, attachments=st.lists(st.tuples(NAMES, st.binary(max_size=500)), max_size=4), data=st.data())
def test_every_name_is_found_however_the_message_is_cut(text: str, attachments: list[tuple[str, bytes]], data: st.DataObject) -> None:
    raw = message(text, attachments).as_bytes()
    whole = names_in(raw)
    assert whole == list(dict.fromkeys(name for name, _content in attachments))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(raw)), max_size=12)))
    pieces = [raw[start:end] for start, end in zip([0, *cuts], [*cuts, len(raw)], strict=True)]
    assert names_in(*pieces) == whole


@given(attachments=st.lists(st.tuples(NAMES, st.binary(max_size=40)), min_size=1, max_size=3))
def test_line_ends_do_not_matter_and_single_bytes_do_not_either(attachments: list[tuple[str, bytes]]) -> None:
    raw = message("text", attachments).as_bytes()
    assert names_in(raw.replace(b"\r\n", b"\n")) == names_in(*(raw[place : place + 1] for place in range(len(raw)))) == names_in(raw)


def test_attachments_of_an_attached_message_are_found_and_it_goes_by_its_subject() -> None:
    inner = message("inner", [("deep.pdf", b"x")])
    del inner["Subject"]
    inner["Subject"] = "Re: Angebot für März"
    outer = message("outer", [("before.txt", b"1")])
    outer.add_attachment(inner)
    outer.add_attachment(b"2", maintype="text", subtype="csv", filename="after.csv")
    assert names_in(outer.as_bytes()) == ["before.txt", "Re: Angebot für März", "deep.pdf", "after.csv"]


def part(*headers: str) -> bytes:
    return "\r\n".join(["Content-Type: multipart/mixed; boundary=b", "", "--b", *headers, "", "body", "--b--", ""]).encode("utf-8")


@pytest.mark.parametrize(
    ("headers", "name"),
    [
        (('Content-Type: image/png; name="logo.png"',), "logo.png"),
        (("Content-Disposition: attachment; filename=plain.txt",), "plain.txt"),
        (("Content-Disposition: attachment;", '\tfilename="folded name.txt"'), "folded name.txt"),
        (('Content-Disposition: attachment; filename="=?utf-8?B?R3LDvG4ucGRm?="',), "Grün.pdf"),
        (('content-disposition: ATTACHMENT; FILENAME="UPPER.TXT"',), "UPPER.TXT"),
        (("Content-Disposition: attachment; filename*=UTF-8''Gr%C3%BCn.pdf",), "Grün.pdf"),
        (("Content-Disposition: attachment;", " filename*0*=UTF-8''Gr%C3%BC;", " filename*1=n.pdf"), "Grün.pdf"),
        (('Content-Disposition: attachment; filename="grün.pdf"',), "grün.pdf"),
        (('Content-Disposition: attachment; filename="=?x-unknown?B?R3I=?="',), "=?x-unknown?B?R3I=?="),
    ],
)
def test_every_way_to_write_a_name(headers: tuple[str, ...], name: str) -> None:
    assert names_in(part(*headers)) == [name]


@pytest.mark.parametrize("headers", [(), ("Content-Type: text/plain",), ("Content-Disposition: inline",), ('X-Other: filename="no.txt"',)])
def test_parts_without_a_name_have_none(headers: tuple[str, ...]) -> None:
    assert names_in(part(*headers)) == []


def test_a_message_that_is_one_attachment() -> None:
    assert names_in(b'Subject: x\r\nContent-Disposition: attachment; filename="scan.pdf"\r\n\r\nJVBERi0=\r\n') == ["scan.pdf"]


def test_names_are_bounded_in_length_and_number() -> None:
    many = message("x", [(f"{number:04d}.txt", b"") for number in range(MOST_NAMES + 5)])
    assert len(names_in(many.as_bytes())) == MOST_NAMES
    assert names_in(part(f'Content-Disposition: attachment; filename="{"a" * 5000}"')) == ["a" * LONGEST_NAME]


@given(
    st.lists(
        st.binary(max_size=60)
        | st.sampled_from([b"\r\n", b"\n\n", b"--b", b"--b--", b"\n--", b'boundary="', b"Content-Type: multipart/x;"])
    )
)
def test_nonsense_is_never_an_error(pieces: list[bytes]) -> None:
    names_in(b"Content-Type: multipart/mixed; boundary=b\n\n", *pieces)
    names_in(*pieces)

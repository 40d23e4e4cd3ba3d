# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What of a content an engine gets to see."""

from __future__ import annotations

import base64
import json
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.scan_views import ScanAs, judge, scan_as, was_too_large
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.bodies import Body
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.scan.verdict import Verdict, VerdictKind
from ansible_collections.tenantvault.m365_backup.tests.tenant import fts
from ansible_collections.tenantvault.m365_backup.tests.tenant.fts import MapiAttachment, MapiMessage, write_stream
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.backup.marking_engine import MarkingEngine
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.repository.support import NOON

BAD = "ébad «words»"
LIMIT = 1 << 20
_RTF = 0x10090102
RTF = bytes.fromhex("1a0000001c0000004c5a4675e2d44b51410004205758595a0d6e7d010eb0")


def judged(engine: MarkingEngine, content: bytes, how: ScanAs, limit: int = LIMIT) -> Verdict:
    return judge(engine, Body(content, None, len(content)), how, size_limit=limit, now=lambda: NOON)


def shown(content: bytes, how: ScanAs) -> bytes:
    engine = MarkingEngine()
    judged(engine, content, how)
    (seen,) = engine.seen
    return seen


@pytest.mark.parametrize(
    ("source", "path", "how"),
    [
        ("mail", "Inbox/2026/05/17/081500-1f.eml", ScanAs.WHOLE),
        ("mail", "Inbox/.folder.json", None),
        ("mail", ".m365/items/0000/00.json", None),
        ("archive", "Old/2026/05/17/081500-1f.fts", ScanAs.STREAM),
        ("calendar", "Calendar/2026/05/17/081500-1f.json", ScanAs.TEXTS),
        ("calendar", "Calendar/2026/05/17/081500-1f.files/offer.json", ScanAs.WHOLE),
        ("contacts", "My.files/0053/Anna~1f.json", ScanAs.TEXTS),
        ("contacts", "Contacts/0053/Anna~1f.files/photo.jpg", ScanAs.WHOLE),
        ("settings", "rules.json", None),
        ("onedrive", "Documents/.folder.json", ScanAs.WHOLE),
        ("onedrive", ".m365/versions/0042/1f/1.0", ScanAs.WHOLE),
        ("onedrive", ".m365/permissions/0042/1f.json", None),
        ("onedrive", ".m365/fetched/content/0000/00/00-0", None),
    ],
)
def test_every_file_of_a_source_has_a_way_in_which_it_is_scanned_or_is_none_of_the_users(
    source: str, path: str, how: ScanAs | None
) -> None:
    assert scan_as(source, tuple(path.split("/"))) is how


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@given(TEXTS, TEXTS, st.sampled_from(["body", "exception", "notes"]), st.booleans())
def test_what_people_wrote_into_an_item_is_seen_whatever_json_makes_of_it(before: str, after: str, where: str, is_ascii: bool) -> None:
    text = f"{before}{BAD}{after}"
    body = {"contentType": "html", "content": text}
    document: dict[str, t.Any] = {
        "body": {"subject": "x", "body": body},
        "exception": {"subject": "x", "body": {}, "exceptionOccurrences": [{"body": None}, {"body": body}]},
        "notes": {"displayName": "x", "personalNotes": text},
    }[where]
    content = json.dumps(document, ensure_ascii=is_ascii).encode()
    assert judged(MarkingEngine(BAD), content, ScanAs.TEXTS).kind is VerdictKind.INFECTED


@pytest.mark.parametrize("content", ["{}", "[]", "null", '{"body": {"content": 3}, "exceptionOccurrences": "x"}'])
def test_an_item_without_texts_gets_a_verdict_too(content: str) -> None:
    assert judged(MarkingEngine("x"), content.encode(), ScanAs.TEXTS).is_clean


def test_what_is_no_item_is_unscannable() -> None:
    assert judged(MarkingEngine(), b"{", ScanAs.TEXTS).kind is VerdictKind.UNSCANNABLE


def stream(data: bytes = b"", more: t.Mapping[int, t.Any] | None = None) -> bytes:
    attached = MapiAttachment({fts.ATTACH_METHOD: fts.BY_VALUE, fts.ATTACH_DATA: data, fts.ATTACH_LONG_NAME: "a.bin"})
    inner = MapiMessage({fts.MESSAGE_CLASS: "IPM.Note", fts.SUBJECT: "inner", fts.BODY: "text"}, [], [attached])
    held = MapiAttachment({fts.ATTACH_METHOD: fts.EMBEDDED, fts.DISPLAY_NAME: "inner"}, inner)
    properties = {fts.MESSAGE_CLASS: "IPM.Note", fts.SUBJECT: "outer", fts.BODY: "the text of it", **(more or {})}
    return write_stream(MapiMessage(properties, [], [held]))


def test_an_export_stream_is_seen_as_a_message_with_all_attachments_and_bodies() -> None:
    mime = shown(stream(b"what is attached inside", {_RTF: RTF}), ScanAs.STREAM)
    for part in (b"the text of it", b"what is attached inside", b"{\\rtf1 WXYZWXYZWXYZWXYZWXYZ}"):
        assert base64.b64encode(part).rstrip(b"=")[:-2] in mime


@pytest.mark.parametrize(("data", "kind"), [(b"fine", VerdictKind.UNSCANNABLE), (b"Ym" * 60, VerdictKind.INFECTED)])
def test_a_stream_that_is_not_understood_to_its_end_is_never_clean(data: bytes, kind: VerdictKind) -> None:
    whole = stream(data)
    engine = MarkingEngine(base64.b64encode(b"Ym" * 6).decode())
    assert judged(engine, whole, ScanAs.STREAM).is_clean is (kind is VerdictKind.UNSCANNABLE)
    verdict = judged(engine, whole[:-6], ScanAs.STREAM)
    assert verdict.kind is kind
    assert bool(verdict.reason) is (kind is VerdictKind.UNSCANNABLE)


@given(st.sampled_from(ScanAs), st.integers(1, 100), st.integers(0, 50))
def test_nothing_is_shown_of_what_is_over_the_limit(how: ScanAs, over: int, limit: int) -> None:
    engine = MarkingEngine()
    verdict = judged(engine, b"{" + bytes(limit + over), how, limit)
    assert (verdict.kind, was_too_large(verdict), engine.seen) == (VerdictKind.UNSCANNABLE, True, [])

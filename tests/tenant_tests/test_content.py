# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where mail comes from: the generator, files, the small company."""

from __future__ import annotations

import datetime
import email
import email.policy
import os
import statistics
import typing as t
from pathlib import Path

import hypothesis
import pytest
from hypothesis import strategies
from tenant_tests.support import IMMUTABLE

from tenant import generator
from tenant.company import populate_small_company
from tenant.mail_files import find_messages
from tenant.mime_view import read_content, summarise

if t.TYPE_CHECKING:
    from tenant_tests.support import Client

    from tenant.control import ControlClient

UNTIL = datetime.datetime(2026, 11, 1, tzinfo=datetime.timezone.utc)


def recipe(number: int, **changes: t.Any) -> generator.Recipe:
    return generator.Recipe(1, "adele@contoso.com", number, UNTIL, 3.0)._replace(**changes)


def test_a_generated_message_depends_on_seed_mailbox_and_number_alone() -> None:
    first = generator.mime(recipe(5))
    assert generator.mime(recipe(5)) == first
    others = [generator.mime(recipe(6)), generator.mime(recipe(5, seed=2)), generator.mime(recipe(5, mailbox="b@contoso.com"))]
    assert first not in others


def test_generated_mail_has_the_size_mix_of_a_company() -> None:
    sizes = sorted(len(generator.mime(recipe(number))) for number in range(1200))
    assert 14_000 < statistics.median(sizes) < 26_000
    assert 70_000 < statistics.fmean(sizes) < 200_000
    large = sum(size for size in sizes if size > 60_000)
    assert large / sum(sizes) > 0.7


def test_generated_mail_is_well_formed() -> None:
    for number in range(60):
        parsed = email.message_from_bytes(generator.mime(recipe(number)), policy=email.policy.default)
        outline = generator.summary(recipe(number))
        assert not [part.defects for part in parsed.walk() if part.defects]
        assert parsed["subject"] == outline.subject
        assert parsed["date"].datetime == outline.sent
        assert bool(list(parsed.iter_attachments())) >= outline.has_attachments


def test_some_attachments_are_exact_duplicates() -> None:
    seen: list[bytes] = []
    for number in range(800):
        made = recipe(number, size_limit=300_000)
        if generator.summary(made).has_attachments:
            seen += [part.content for part in read_content(generator.mime(made)).parts]
    share = 1 - len(set(seen)) / len(seen)
    assert 0.02 < share < 0.2


@hypothesis.given(strategies.binary(max_size=400))
def test_nothing_that_arrives_is_too_broken_to_be_described(mime: bytes) -> None:
    summarise(mime)
    read_content(mime)


def test_files_are_found_mboxes_split_and_other_formats_left_out(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a/one.eml").write_bytes(b"From one: odd\r\n\r\nFrom here\r\n")
    (tmp_path / "box").write_bytes(b"From a@b Mon\nSubject: 1\n\nline\nFrom inside\n\nFrom a@b Tue\nSubject: 2\n\nend\n")
    (tmp_path / "two.msg").write_bytes(b"\xd0\xcf\x11\xe0 a compound file")
    (tmp_path / "LICENSE.txt").write_bytes(b"Subject: x\n\n")
    (tmp_path / "apple.emlx").write_bytes(b"12 \nSubject: 3\n\n<plist>")
    (tmp_path / "odd").write_bytes(b"hardly mail\n")
    found = {
        message.name: message.path.read_bytes()[message.offset : message.offset + message.length] for message in find_messages(tmp_path)
    }
    assert found == {
        "a/one.eml": b"From one: odd\r\n\r\nFrom here\r\n",
        "apple.emlx": b"Subject: 3\n\n",
        "odd": b"hardly mail\n",
        "box#1": b"Subject: 1\n\nline\nFrom inside\n\n",
        "box#2": b"Subject: 2\n\nend\n",
    }


def test_a_folder_of_real_mail_is_served_byte_by_byte(client: Client, control: ControlClient, adele: str) -> None:
    corpus = os.environ.get("M365_CORPUS")
    if not corpus:
        pytest.skip("M365_CORPUS does not name a folder of sample data")
    root = Path(corpus, "mail")
    loaded = control.load_folder(adele, root)
    expected = {message.name: message for message in find_messages(root)}
    assert [line["source"] for line in loaded] == list(expected)
    assert len(loaded) > 400
    control.limits(requests=None)
    for line in loaded:
        message = expected[line["source"]]
        content = message.path.read_bytes()[message.offset : message.offset + message.length]
        assert client.get(f"/users/{adele}/messages/{line['id']}/$value").body == content
        assert client.get(f"/users/{adele}/messages/{line['id']}").status == 200, line["source"]


def test_the_small_company_has_groups_people_and_mail(client: Client, control: ControlClient) -> None:
    company = populate_small_company(control, seed=3, messages=400)
    assert (len(company.groups), len(company.users)) == (3, 12)
    everybody = client.page(f"/groups/{company.groups['Sales']}/transitiveMembers/microsoft.graph.user?$select=id")
    assert len(everybody["value"]) == 8
    assert sum(len(control.messages(user)) for user in company.users) == company.messages
    assert 350 < company.messages < 500
    names = {tuple(folder["path"]) for folder in control.folders("adele.vance@contoso.onmicrosoft.com")}
    assert ("Posteingang", "Customers", "Müller & Söhne / Offers 2024", "Signed") in names
    years = {message["received"][:4] for message in control.messages("megan.bowen@contoso.onmicrosoft.com")}
    assert len(years) >= 3
    for user in company.users:
        series, committee, *_others = control.events(user)
        assert (len(series["exceptions"]), len(series["cancelled"]), committee["cancelled"]) == (2, 2, [])
        assert [len(control.contacts(user, folder)) for folder in (None, "Customers", "North / Nord")] == [8, 6, 3]
        assert (len(control.rules(user)), len(control.master_categories(user)), len(control.task_lists(user))) == (1, 3, 2)
    assert control.stats()["mails_sent"] == 0


def test_generated_mail_can_be_spread_over_folders(client: Client, control: ControlClient, adele: str) -> None:
    ids = control.deliver_generated(adele, 400, folder=None)
    inbox = client.all(f"/users/{adele}/mailFolders/inbox/messages?$select=id&$top=500", prefer=IMMUTABLE)
    assert 0.35 < len(inbox) / len(ids) < 0.55
    assert len({message["folder_id"] for message in control.messages(adele)}) > 6

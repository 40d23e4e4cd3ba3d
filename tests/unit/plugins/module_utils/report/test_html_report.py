# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report as one HTML document: what it says first, that nothing in it is more than text, and that it stays small."""

from __future__ import annotations

import dataclasses
import functools
import itertools
import re
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.report.html_report import html_report
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.report.summary import FindingSummary, FlaggedSummary, HostSummary
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.report import sample_fleets as sample
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.report.parsed_page import Element, parsed

_HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(1)>\" onload='alert(1)' \u202e\x00\ud800"


def page(*hosts: HostSummary) -> Element:
    return parsed(html_report(hosts, title="Contoso", now=sample.NOW))


@functools.cache
def text_of(name: str) -> str:
    return html_report(sample.FLEETS[name](), title="Contoso", now=sample.NOW)


def headline(*hosts: HostSummary) -> str:
    return page(*hosts).one("h2", id="verdict").text


def test_the_first_sentence_says_that_everybody_is_protected() -> None:
    assert headline(*sample.all_well()) == "Everybody is protected"


def test_the_first_sentence_counts_who_is_not_protected() -> None:
    assert headline(*sample.some_unprotected()) == "2 members are not protected"


def test_without_a_plan_nobody_is_protected() -> None:
    assert headline(*sample.empty()) == "Nobody is protected: there is no plan"
    assert headline() == "Nobody is protected: there is no plan"


def test_a_plan_that_has_never_run_is_not_called_protection() -> None:
    fine = sample.plan("Sales", sample.people(3), sample.history(9, 3))
    assert headline(sample.host(fine, sample.plan("Interns"))) == "1 plan has never run"


def test_a_damaged_repository_comes_before_good_words_about_ages() -> None:
    damage = sample.task("verify", sample.DAY, outcome="damaged")
    plan = sample.plan("Sales", sample.people(3), sample.history(9, 3), tasks=(damage,))
    assert headline(sample.host(plan)) == "1 plan lies in a damaged repository"


def test_a_host_that_is_silent_takes_the_certainty_away() -> None:
    plan = sample.plan("Sales", sample.people(3), sample.history(9, 3), max_age_seconds=None)
    shown = page(sample.host(plan, age=3 * sample.DAY))
    assert shown.one("h2", id="verdict").text == "Everybody is protected, as far as is known"
    assert "backup1.contoso.com was last heard of 3 days ago" in shown.one("ul", class_="todo").text


@pytest.mark.parametrize("name", sorted(sample.FLEETS))
def test_every_element_is_closed_every_anchor_is_there_once_and_every_link_leads_to_one(name: str) -> None:
    shown = parsed(text_of(name))
    anchors = [each.attributes["id"] for each in shown.all() if "id" in each.attributes]
    assert len(anchors) == len(set(anchors))
    links = {each.attributes["href"] or "" for each in (*shown.all("a"), *shown.all("use"))}
    assert links - {f"#{anchor}" for anchor in anchors} == set()


@pytest.mark.parametrize("name", sorted(sample.FLEETS))
def test_the_document_names_nothing_that_a_browser_would_fetch_and_forbids_it(name: str) -> None:
    text = text_of(name)
    assert re.findall(r"https?:|url\(|@import|\bsrc=|\bstyle=|\bon[a-z]+=", text) == []
    policy = parsed(text).one("meta", http_equiv="Content-Security-Policy").attributes["content"] or ""
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy


def hostile_fleet(text: str) -> HostSummary:
    finding = FindingSummary(kind=text, object=text, reason=text, code=text, request_id=text)
    source = sample.source(text, age=None, problems=("never", text), findings=(finding,))
    flagged = FlaggedSummary(time=sample.NOW, member=text, source=text, folder=text, name=text, verdict=text, words=(text,))
    member = dataclasses.replace(sample.member("Adele Vance", [source]), display_name=text, principal_name=text, kind=text, id=text)
    task = sample.task("verify", sample.DAY, outcome=text, detail=text, sentence=text)
    run = sample.run(sample.NOW - sample.DAY, outcome=text, stopped=text)
    more = {"name": text, "schedule": text, "repository": text, "backup_type": text, "warnings": (text,), "unresolved": (text,)}
    plan = sample.plan(text, [member], [run], flagged=(flagged,), tasks=(task,), **more)
    return sample.host(plan, name=text, warnings=(text,))


def test_what_others_have_named_stays_text_wherever_it_stands() -> None:
    text = html_report([hostile_fleet(_HOSTILE)], title=_HOSTILE, now=sample.NOW)
    shown = parsed(text)
    assert (len(shown.all("script")), len(shown.all("img"))) == (1, 0)
    assert [each.name for each in shown.all() for name in each.attributes if name.startswith("on")] == []
    assert "\x00" not in text
    text.encode("utf-8")


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(alphabet=st.characters(), max_size=30))
def test_any_name_gives_the_same_elements_as_a_harmless_one(name: str) -> None:
    def elements(text: str) -> list[str]:
        return [each.name for each in parsed(html_report([hostile_fleet(text)], title=text, now=sample.NOW)).all()]

    # Names that are empty, or problems that the report knows, are said in other words.
    assert elements(f"x{name}") == elements("x")


def test_every_picture_has_words_and_every_table_a_caption_and_heads_with_a_scope() -> None:
    shown = parsed(text_of("some_unprotected"))
    pictures = [each for each in shown.all("svg") if each.attributes.get("aria-hidden") != "true"]
    assert len(pictures) > 20
    assert [each for each in pictures if each.attributes.get("role") != "img" or not each.attributes.get("aria-label")] == []
    assert [each for each in shown.all("table") if not each.one("caption").text] == []
    assert [each for each in shown.all("th") if each.attributes.get("scope") not in ("row", "col")] == []


def test_headings_go_down_by_one_level_at_a_time() -> None:
    levels = [int(each.name[1]) for each in parsed(text_of("some_unprotected")).all() if re.fullmatch(r"h[1-6]", each.name)]
    assert levels[0] == 1
    assert [pair for pair in itertools.pairwise(levels) if pair[1] > pair[0] + 1] == []


def test_a_member_is_told_with_each_source_the_findings_and_their_request() -> None:
    shown = parsed(text_of("some_unprotected"))
    (miriam,) = [each for each in shown.all("details", class_="person") if "Miriam Graham" in each.text]
    assert miriam.attributes["data-state"] == "warn"
    for words in ("Inbox/Re: offer 4711", "Exchange cannot give this message.", "ErrorMessageSizeExceeded", "8f2c-11", "and 6 more"):
        assert words in miriam.text


def test_a_plan_says_what_broke_its_promise() -> None:
    shown = parsed(text_of("some_unprotected"))
    (sales,) = [each for each in shown.all("details", class_="plan") if each.all("h3")[0].text == "Sales"]
    captions = [each.text for each in sales.all("figcaption")]
    assert any(text.startswith("Age of the oldest backup") and "was broken twice" in text for text in captions), captions
    assert sales.all("path", class_="broken")


def test_a_thousand_members_in_fifty_plans_stay_below_three_megabytes() -> None:
    text = text_of("huge")
    assert len(text.encode()) < 3_000_000
    assert len(re.findall('class="person"', text)) == 1_000


def test_of_very_many_members_those_with_a_problem_are_listed_first_and_the_rest_is_said() -> None:
    crowd = sample.people(3_100)
    crowd[3_050] = sample.member("Zuletzt", [sample.source(age=None, problems=("never",))])
    shown = page(sample.host(sample.plan("Everybody", crowd, sample.history(3, 3_100))))
    people = shown.all("details", class_="person")
    assert len(people) == 3_000
    assert "Zuletzt" in people[0].text
    assert "100 more are in order" in shown.text


def test_the_same_fleet_at_the_same_time_is_the_same_page() -> None:
    first, second = (html_report(sample.some_unprotected(), title="Contoso", now=sample.NOW) for _time in range(2))
    assert first == second
    assert first != html_report(sample.some_unprotected(), title="Contoso", now=sample.NOW + timedelta(hours=3))

# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The HTML report as Chromium shows it: legible in light and dark, by keyboard and without a script, and it fetches nothing."""

from __future__ import annotations

import importlib.util
import json
import pathlib
import typing as t

import pytest

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.report.html_report import html_report
from ansible_collections.tenantvault.m365_backup.tests.integration import chromium
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.report import sample_fleets as sample

pytestmark = pytest.mark.skipif(chromium.PROGRAM is None, reason="chromium is not installed")
_FOUND = """
axe.run(document, {runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]}).then(result => result.violations.map(each =>
  each.id + ": " + each.help + ": " + each.nodes.slice(0, 5).map(node => node.html.slice(0, 200) + " " + node.failureSummary).join(" | ")))
"""
_OPEN_ALL = "for (const each of document.querySelectorAll('details')) each.open = true"
_SHOWN = "Array.from(document.querySelectorAll('details.person')).filter(each => each.offsetHeight > 0).length"


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    folder = tmp_path_factory.mktemp("pages")
    sample.write_all(folder)
    return folder


def axe() -> str:
    found = importlib.util.find_spec("axe_core_python")
    if found is None or found.origin is None:
        pytest.skip("axe-core-python is not installed")
    return pathlib.Path(found.origin).with_name("axe.min.js").read_text(encoding="utf-8")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_axe_finds_nothing_that_keeps_anybody_from_reading_it(pages: pathlib.Path, tmp_path: pathlib.Path, dark: bool) -> None:
    with chromium.opened(pages / "some_unprotected.html", tmp_path, dark=dark) as page:
        page.run(_OPEN_ALL)
        page.run(axe() + ";0")
        assert page.run(_FOUND) == []
        colour = page.run("getComputedStyle(document.body).backgroundColor")
    brightness = sum(map(int, colour.removeprefix("rgb(").removesuffix(")").split(",")))
    assert (brightness < 200) is dark


@pytest.mark.parametrize("name", ["huge", "some_unprotected"])
def test_it_asks_for_nothing_but_itself_and_the_browser_has_nothing_to_say(pages: pathlib.Path, tmp_path: pathlib.Path, name: str) -> None:
    path = pages / f"{name}.html"
    with chromium.opened(path, tmp_path) as page:
        page.run(_OPEN_ALL)
        assert page.requests == [path.as_uri()]
        assert page.complaints == []


@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_reaches_over_the_edge_and_the_verdict_is_on_the_first_screen(
    pages: pathlib.Path, tmp_path: pathlib.Path, width: int
) -> None:
    with chromium.opened(pages / "some_unprotected.html", tmp_path, size=(width, 800)) as page:
        page.run(_OPEN_ALL)
        assert page.run("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0
        assert page.run("document.getElementById('verdict').getBoundingClientRect().bottom") < 400


def test_by_keyboard_one_skips_to_the_report_opens_a_member_and_never_gets_stuck(pages: pathlib.Path, tmp_path: pathlib.Path) -> None:
    with chromium.opened(pages / "some_unprotected.html", tmp_path) as page:
        page.press("Tab")
        assert page.run("document.activeElement.textContent") == "Skip to the report"
        page.press("Enter")
        assert page.run("document.activeElement.id") == "report"
        visited: list[str] = []
        while len(visited) < 300 and "Lee Gu" not in "".join(visited[-1:]):
            page.press("Tab")
            visited.append(page.run("document.activeElement.textContent"))
        assert "Lee Gu" in visited[-1]
        assert page.run("getComputedStyle(document.activeElement).outlineStyle") == "solid"
        page.press("Enter")
        assert page.run("document.activeElement.parentElement.open") is True


def test_the_filter_finds_a_member_by_name_and_by_state(pages: pathlib.Path, tmp_path: pathlib.Path) -> None:
    with chromium.opened(pages / "huge.html", tmp_path) as page:
        page.run("document.querySelector('#member-tools input').focus()")
        page.type("lidia LORENZ")
        assert 0 < page.run(_SHOWN) < 20
        assert page.run("document.querySelector('#member-tools output').textContent").endswith("of 1,000 shown")
        page.run(
            "const state = document.querySelector('#member-tools select'); state.value = 'bad'; state.dispatchEvent(new Event('change'))"
        )
        assert page.run(_SHOWN) == 1


def test_a_table_sorts_by_what_is_meant_and_says_so(pages: pathlib.Path, tmp_path: pathlib.Path) -> None:
    read = "Array.from(document.querySelectorAll('section:has(#plans) tbody tr')).map(row => row.cells[0].querySelector('a').textContent)"
    with chromium.opened(pages / "some_unprotected.html", tmp_path) as page:
        before = page.run(read)
        page.run("document.querySelector('section:has(#plans) thead button').focus()")
        page.press("Enter")
        assert page.run(read) == sorted(before) != before
        assert page.run("document.querySelector('section:has(#plans) thead th').getAttribute('aria-sort')") == "ascending"
        page.press("Enter")
        assert page.run(read) == sorted(before, reverse=True)


def test_a_link_opens_the_plan_that_it_leads_to(pages: pathlib.Path, tmp_path: pathlib.Path) -> None:
    with chromium.opened(pages / "some_unprotected.html", tmp_path) as page:
        opened = page.run(
            "(async () => { const link = document.querySelector('.todo a'); link.click(); await new Promise(done => setTimeout(done, 50));"
            " return [document.querySelector(link.getAttribute('href')).open, link.getAttribute('href'), location.hash]; })()"
        )
    assert opened[0] is True
    assert opened[1] == opened[2]


def test_without_its_script_everything_can_be_read(pages: pathlib.Path, tmp_path: pathlib.Path) -> None:
    whole = (pages / "some_unprotected.html").read_text(encoding="utf-8")
    script = whole[whole.index("<script>") : whole.index("</script>")]
    bare = tmp_path / "bare.html"
    bare.write_text(whole.replace(script, "<script>"), encoding="utf-8")
    with chromium.opened(bare, tmp_path) as page:
        page.run(_OPEN_ALL)
        words = page.run("document.body.innerText")
        assert page.run("document.getElementById('member-tools').offsetHeight") == 0
    assert "Exchange cannot give this message." in words
    assert "This page is" not in words


@pytest.mark.parametrize(("age", "said"), [(sample.DAY * 3, "This page is 3 days old."), (sample.HOUR, None)], ids=["old", "fresh"])
def test_a_page_that_is_opened_days_later_says_so_first(pages: pathlib.Path, tmp_path: pathlib.Path, age: t.Any, said: str | None) -> None:
    text = html_report(sample.all_well(), title="Contoso", now=sample.NOW)
    with chromium.opened(pages / "empty.html", tmp_path) as page:
        clock = f"Date.now = () => {int((sample.NOW + age).timestamp() * 1000)}"
        page.call("Page.addScriptToEvaluateOnNewDocument", source=clock)
        later = tmp_path / "later.html"
        later.write_text(text, encoding="utf-8")
        page.go(later)
        shown = page.run("document.getElementById('old').innerText")
        assert (said in shown) if said else not page.run("document.getElementById('old').offsetHeight"), json.dumps(shown)

# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every member of the fleet, each with a fold that tells all sources in all plans.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t

from .._text import count_text
from .fleet_attention import problem_words
from .fleet_view import ABSENT, FleetView, Membership, PersonView, State
from .html_markup import Child, Markup, joined, name_of_somebody, tag
from .html_parts import Cell, said, table
from .html_words import ago, moment

if t.TYPE_CHECKING:
    from .summary import SourceSummary

MOST_PEOPLE = 3_000
"""Of more the page shows these, the worst first, and says so."""

_WORDS = {State.BAD: "not protected", State.WARN: "protected", State.GOOD: "protected", State.NONE: "nothing there"}
_CHOICES = (
    (State.BAD, "not protected"),
    (State.WARN, "protected, with something to know"),
    (State.GOOD, "protected"),
    (State.NONE, "nothing there"),
)


def members_section(fleet: FleetView) -> Markup | None:
    """None where nobody is known."""
    if not fleet.people:
        return None
    shown = fleet.people[:MOST_PEOPLE]
    more = len(fleet.people) - len(shown)
    note = f"{more:,} more are in order and not listed here, to keep this page small. The report of a single host or plan has them."
    return tag(
        "section",
        tag("h2", "Members", id="members"),
        _tools(),
        *(_person(person, fleet) for person in shown),
        tag("p", note, class_="muted") if more else None,
        aria_labelledby="members",
    )


def _tools() -> Markup:
    """Seen only where the script runs."""
    options = [tag("option", "everybody", value=""), *(tag("option", words, value=state.value) for state, words in _CHOICES)]
    return tag(
        "div",
        tag("input", type="search", aria_label="Find a member by name", placeholder="Find a member", autocomplete="off"),
        tag("select", *options, aria_label="Show by state"),
        tag("output", class_="muted small"),
        id="member-tools",
        class_="tools",
        role="search",
        hidden=True,
    )


def _person(person: PersonView, fleet: FleetView) -> Markup:
    principal = (
        tag("span", name_of_somebody(person.principal_name), class_="muted small") if person.name != person.principal_name else tag("span")
    )
    head = tag(
        "summary",
        said(person.state, _WORDS[person.state]),
        name_of_somebody(person.name),
        principal,
        tag("span", ago(person.last_success, fleet.now), class_="small"),
    )
    return tag(
        "details",
        head,
        tag("div", *(_membership(each) for each in person.memberships)),
        id=person.anchor,
        class_="person",
        data_state=person.state.value,
    )


def _membership(each: Membership) -> Markup:
    """One line where all sources are well and of one time, else a table."""
    plan = tag("a", name_of_somebody(each.plan.summary.title), href=f"#{each.plan.anchor}")
    sources = each.member.sources
    there = [source for source in sources if ABSENT not in source.problems]
    if any(source.problems or source.finding_count for source in there):
        caption = f"What {each.plan.summary.title} has of {each.member.display_name or each.member.principal_name}"
        heads = ("Source", "State", "Items", "Last good backup", "What is wrong")
        return joined(tag("p", "Plan ", plan), table(caption, heads, map(_source, sources), sortable=False))
    items = count_text(each.member.items, "item")
    words: list[Child] = ["Plan ", plan, ": "]
    if there:
        names = ", ".join(source.name.replace("_", " ") for source in there)
        words += [f"{names}, {items} in all, good at ", moment(each.member.last_success), ". "]
    missing = [source.name.replace("_", " ") for source in sources if ABSENT in source.problems]
    if missing:
        words.append(f"Nothing there to back up: {', '.join(missing)}.")
    return tag("p", *words)


def _source(source: SourceSummary) -> tuple[Cell, ...]:
    if ABSENT in source.problems:
        state, words = State.NONE, "nothing there"
    elif not source.is_protected:
        state, words = State.BAD, "not protected"
    else:
        state, words = State.WARN if source.problems else State.GOOD, "protected"
    return (
        Cell(source.name.replace("_", " ")),
        Cell(said(state, words)),
        Cell(f"{source.items:,}", is_number=True),
        Cell(moment(source.last_success)),
        Cell(joined(problem_words(source.problems), _findings(source))),
    )


def _findings(source: SourceSummary) -> Markup | None:
    if not source.findings:
        return None
    more = source.finding_count - len(source.findings)
    lines = [
        tag(
            "li",
            tag("b", finding.kind),
            " ",
            name_of_somebody(finding.object),
            ": ",
            name_of_somebody(finding.reason),
            f" ({finding.code})" if finding.code else None,
            f" request {finding.request_id}" if finding.request_id else None,
        )
        for finding in source.findings
    ]
    return tag("ul", *lines, tag("li", f"and {more:,} more, in the result of the run") if more > 0 else None, class_="small")

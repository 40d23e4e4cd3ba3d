# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What all sections of the report are made of: states with a sign and a word, tables, figures, and the document around them.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import base64
import hashlib
import typing as t
from datetime import datetime, timezone

from .fleet_view import State
from .html_markup import Attribute, Child, Markup, raw, tag
from .html_script import SCRIPT
from .html_style import STYLE
from .html_words import moment

_SIGNS = {
    State.GOOD: '<circle cx="12" cy="12" r="9.5"/><path d="M7.5 12.4l3 3 6-6.4"/>',
    State.WARN: '<path d="M12 3.2L22 20.5H2z"/><path d="M12 10v4.6M12 17.4v.2"/>',
    State.BAD: '<circle cx="12" cy="12" r="9.5"/><path d="M8.5 8.5l7 7M15.5 8.5l-7 7"/>',
    State.NONE: '<circle cx="12" cy="12" r="9.5"/><path d="M8 12h8"/>',
}


def sign(state: State) -> Markup:
    """For the eye: the word beside it says the same."""
    return tag("svg", tag("use", href=f"#sign-{state.value}"), class_="icon", aria_hidden="true")


def said(state: State, *words: Child) -> Markup:
    """A state as a sign with its word, in its colour."""
    return tag("span", sign(state), tag("span", *words), class_=f"state {state.value}")


class Cell(t.NamedTuple):
    """C(key) is what a table is sorted by, where the words would sort wrongly."""

    content: Child
    key: str | float | None = None
    is_number: bool = False


def table(caption: str, heads: t.Sequence[str], rows: t.Iterable[t.Sequence[Cell]], *, sortable: bool = True) -> Markup:
    """The first cell of each row is its name. Wide ones scroll by themselves, by keyboard as well."""
    body = [
        tag(
            "tr",
            *(
                tag(
                    "th" if number == 0 else "td",
                    cell.content,
                    scope="row" if number == 0 else None,
                    data_key=cell.key,
                    class_=_class(cell),
                )
                for number, cell in enumerate(row)
            ),
        )
        for row in rows
    ]
    head = tag("thead", tag("tr", *(tag("th", words, scope="col") for words in heads)))
    whole = tag("table", tag("caption", caption), head, tag("tbody", *body), class_="sortable" if sortable else None)
    return tag("div", whole, class_="scroll", tabindex=0, role="group", aria_label=caption)


def figure(title: str, sentence: str, drawing: Markup, *more: Child) -> Markup:
    return tag("figure", tag("figcaption", tag("h4", title), tag("p", sentence)), drawing, *more)


def legend(parts: t.Iterable[tuple[str, str]]) -> Markup:
    """What the colours mean: look and words each."""
    return tag(
        "ul",
        *(
            tag(
                "li",
                tag("svg", tag("rect", width=10, height=10, rx=2, class_=look), viewBox="0 0 10 10", aria_hidden="true"),
                tag("span", words),
            )
            for look, words in parts
        ),
        class_="legend",
    )


def facts(pairs: t.Iterable[tuple[str, Child]], class_: Attribute = "facts") -> Markup:
    """Names and values; a value of None is left out."""
    return tag("dl", *(tag("div", tag("dt", name), tag("dd", value)) for name, value in pairs if value is not None), class_=class_)


def document(title: str, links: t.Iterable[tuple[str, str]], sections: t.Iterable[Child], now: datetime) -> str:
    """One file that needs no other, and that the browser is told to fetch none for."""
    policy = (
        f"default-src 'none'; style-src '{_fingerprint(STYLE)}'; script-src '{_fingerprint(SCRIPT)}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=policy),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("title", title),
        tag("link", rel="icon", href="data:,"),
        tag("style", raw(STYLE)),
    )
    menu = tag("ul", *(tag("li", tag("a", words, href=f"#{anchor}")) for anchor, words in links))
    body = tag(
        "body",
        tag("a", "Skip to the report", href="#report", class_="skip"),
        _signs(),
        tag("header", tag("h1", title), tag("p", "as of ", moment(now)), tag("nav", menu, aria_label="Sections")),
        tag("main", _old(now), *sections, id="report", tabindex=-1),
        tag("footer", tag("p", "Written by the Ansible collection tenantvault.m365_backup. All times are in UTC.")),
        tag("script", raw(SCRIPT)),
    )
    return f"<!DOCTYPE html>\n{tag('html', head, body, lang='en')}\n"


def _old(now: datetime) -> Markup:
    """Hidden until the script finds that it should be seen."""
    words = tag(
        "p", sign(State.WARN), " ", tag("strong", ""), " It knows nothing of what has happened since. Open a later one.", class_="warn"
    )
    written = now.astimezone(timezone.utc).isoformat(timespec="seconds")
    return tag("div", words, id="old", class_="card", role="status", data_written=written, hidden=True)


def _signs() -> Markup:
    symbols = (tag("symbol", raw(drawing), id=f"sign-{state.value}", viewBox="0 0 24 24") for state, drawing in _SIGNS.items())
    return tag("svg", *symbols, width=0, height=0, aria_hidden="true", class_="unseen")


def _class(cell: Cell) -> str | None:
    return "number" if cell.is_number else None


def _fingerprint(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()

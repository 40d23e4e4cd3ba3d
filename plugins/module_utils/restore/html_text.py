# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The text of an HTML body, for formats that know nothing else.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import html.parser
import re

_SILENT = frozenset({"head", "style", "script", "title"})
_LINES = frozenset({"br", "div", "p", "tr", "li", "h1", "h2", "h3", "h4", "h5", "h6", "table", "ul", "ol", "hr", "blockquote", "pre"})


def text_of_html(source: str) -> str:
    """What a reader would see, without markup, with the line ends of paragraphs."""
    parser = _Texts()
    parser.feed(source)
    parser.close()
    lines = (re.sub(r"[ \t\r\n\xa0]+", " ", each).strip() for each in "".join(parser.texts).split("\v"))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


class _Texts(html.parser.HTMLParser):
    """Collects texts; a vertical tab stands for the end of a line."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.texts: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self._silent += tag in _SILENT
        if tag in _LINES:
            self.texts.append("\v")

    def handle_endtag(self, tag: str) -> None:
        self._silent = max(0, self._silent - (tag in _SILENT))
        if tag in _LINES and tag != "br":
            self.texts.append("\v")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.texts.append(data.replace("\v", " "))

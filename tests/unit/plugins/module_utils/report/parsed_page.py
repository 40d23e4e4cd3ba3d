# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A document as a parser of HTML reads it, for tests that ask what is in it."""

from __future__ import annotations

import html.parser
import typing as t
from dataclasses import dataclass, field

_VOID = {"meta", "link", "input", "br", "col"}


@dataclass
class Element:
    name: str
    attributes: dict[str, str | None]
    children: list[Element | str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(child if isinstance(child, str) else child.text for child in self.children)

    def all(self, name: str = "", **attributes: str) -> list[Element]:
        """All of them below, in their order; C(class_) has to be one of the classes."""
        return [each for each in self._below() if (not name or each.name == name) and each._fits(attributes)]

    def one(self, name: str = "", **attributes: str) -> Element:
        (found,) = self.all(name, **attributes)
        return found

    def _below(self) -> t.Iterator[Element]:
        for child in self.children:
            if isinstance(child, Element):
                yield child
                yield from child._below()

    def _fits(self, attributes: dict[str, str]) -> bool:
        words = dict(attributes)
        wanted = words.pop("class_", None)
        if wanted is not None and wanted not in (self.attributes.get("class") or "").split():
            return False
        return all(self.attributes.get(key.replace("_", "-")) == value for key, value in words.items())


class _Parser(html.parser.HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open = [Element("", {})]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if len({name for name, _value in attrs}) != len(attrs):
            raise AssertionError(f"<{tag}> has an attribute twice: {attrs}")
        element = Element(tag, dict(attrs))
        self.open[-1].children.append(element)
        if tag not in _VOID:
            self.open.append(element)

    def handle_endtag(self, tag: str) -> None:
        if self.open[-1].name != tag:
            raise AssertionError(f"</{tag}> ends <{self.open[-1].name}>")
        self.open.pop()

    def handle_data(self, data: str) -> None:
        self.open[-1].children.append(data)


def parsed(text: str) -> Element:
    """The whole document. Raises AssertionError when an element is not closed where it should be."""
    parser = _Parser()
    parser.feed(text)
    parser.close()
    if len(parser.open) != 1:
        raise AssertionError(f"<{parser.open[-1].name}> is not closed")
    return parser.open[0]

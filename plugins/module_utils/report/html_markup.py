# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Markup that is escaped because it cannot be made otherwise: text becomes text, only a tag of ours becomes a tag.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import html
import typing as t

_VOID = frozenset({"meta", "link", "input", "br", "col"})
_UNPRINTABLE = {code: "\N{REPLACEMENT CHARACTER}" for code in (*range(0x20), 0x7F, *range(0x80, 0xA0)) if code not in (0x09, 0x0A)}


class Markup(str):
    """A finished piece of a document. Everything else that is put into a document is text, and is escaped."""

    __slots__ = ()


Child = t.Union[Markup, str, int, None, t.Iterable["Child"]]
Attribute = t.Union[str, int, float, bool, None]


def tag(element: str, /, *children: Child, **attributes: Attribute) -> Markup:
    """An element. C(class_) and C(aria_label) become C(class) and C(aria-label); None and False leave an attribute out."""
    opened = element + "".join(_attribute(key, value) for key, value in attributes.items() if value is not None and value is not False)
    return Markup(f"<{opened}>") if element in _VOID else Markup(f"<{opened}>{joined(*children)}</{element}>")


def joined(*children: Child) -> Markup:
    """One after the other; None is nothing."""
    return Markup("".join(_pieces(children)))


def raw(text: str) -> Markup:
    """Text that is markup already: a constant of ours, never anything that was read."""
    return Markup(text)


def name_of_somebody(text: str) -> Markup:
    """What people or other systems have named, kept apart from the writing direction of the line around it."""
    return tag("bdi", text)


def escaped(text: str) -> str:
    """With what no document may hold replaced: halves of characters, and control characters."""
    return html.escape(text.encode("utf-8", "replace").decode("utf-8").translate(_UNPRINTABLE))


def _pieces(children: t.Iterable[Child]) -> t.Iterator[str]:
    for child in children:
        if isinstance(child, Markup):
            yield child
        elif isinstance(child, (str, int)):
            yield escaped(str(child))
        elif child is not None:
            yield from _pieces(child)


def _attribute(key: str, value: Attribute) -> str:
    name = key.rstrip("_").replace("_", "-")
    if value is True:
        return f" {name}"
    text = f"{value:.1f}".removesuffix(".0") if isinstance(value, float) else str(value)
    return f' {name}="{escaped(text)}"'

# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plain data as YAML for a playbook. A host that runs modules need not have a library for it.

Text that Ansible would take for a template is marked C(!unsafe), so that it stays what it is.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import re
import typing as t

_PLAIN = re.compile(r"[A-Za-z/][A-Za-z0-9_./@+-]*( [A-Za-z0-9_./@+-]+)*\Z", re.ASCII)
_NOT_TEXT = re.compile(r"(y|yes|n|no|on|off|true|false|null)\Z", re.IGNORECASE)
_TEMPLATE = re.compile(r"\{[{%#]")
_ESCAPES = {'"': '\\"', "\\": "\\\\"}


def yaml_text(value: t.Any) -> str:
    """A document with dictionaries, lists, text, numbers, true and false, and null, in their order."""
    return "---\n" + "".join(f"{line}\n" for line in _block(value))


def _block(value: t.Any) -> t.Iterator[str]:
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from _entry(f"{_scalar(key)}:", inner, indent="  ")
    elif isinstance(value, list) and value:
        for inner in value:
            first, *rest = _block(inner)
            yield f"- {first}"
            yield from (f"  {line}" for line in rest)
    else:
        yield _scalar(value)


def _entry(head: str, value: t.Any, indent: str) -> t.Iterator[str]:
    if isinstance(value, (dict, list)) and value:
        yield head
        yield from (indent + line for line in _block(value))
    else:
        yield f"{head} {_scalar(value)}"


def _scalar(value: t.Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, dict):
        return "{}"
    if isinstance(value, list):
        return "[]"
    return _text(str(value))


def _text(text: str) -> str:
    if _PLAIN.match(text) and not _NOT_TEXT.match(text):
        return text
    tag = "!unsafe " if _TEMPLATE.search(text) else ""
    return f'{tag}"{"".join(map(_escaped, text))}"'


def _escaped(character: str) -> str:
    """As double-quoted scalars have it; what does not print would be folded or refused by a reader."""
    if character in _ESCAPES:
        return _ESCAPES[character]
    if character.isprintable():
        return character
    code = ord(character)
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"

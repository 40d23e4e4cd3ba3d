# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The subset of OData $filter that the tenant understands: comparisons, C(in), string functions, C(any), and, or, not, brackets."""

from __future__ import annotations

import dataclasses
import re
import typing as t

from .call import GraphError

_TOKEN = re.compile(
    r"\s*(?:(?P<open>\()|(?P<close>\))|(?P<comma>,)|(?P<string>'(?:[^']|'')*')"
    r"|(?P<moment>\d{4}-\d{2}-\d{2}(?:T[\d:.]+(?:Z|[+-]\d{2}:\d{2})?)?)|(?P<number>-?\d+(?![\w-]))|(?P<word>[A-Za-z_@$][\w./@:$-]*|[0-9a-fA-F-]{36}))"
)
COMPARISONS = frozenset({"eq", "ne", "gt", "ge", "lt", "le"})
FUNCTIONS = frozenset({"startswith", "endswith", "contains"})


@dataclasses.dataclass(frozen=True, slots=True)
class Comparison:
    """C(property operator value); C(operator) is a comparison, a string function or C(in) (then value is a tuple)."""

    property: str
    operator: str
    value: t.Any


@dataclasses.dataclass(frozen=True, slots=True)
class Combination:
    """C(and), C(or) over parts; C(not) over one."""

    operator: str
    parts: tuple[Node, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class AnyOf:
    """C(property/any(x:...)): one entry of a list passes; properties of C(node) are those of the entry, C() the entry itself."""

    property: str
    node: Node


Node = Comparison | Combination | AnyOf


def comparisons(node: Node) -> list[Comparison]:
    """All comparisons in a filter, from left to right; those of entries have the path of their list in front."""
    if isinstance(node, Comparison):
        return [node]
    if isinstance(node, AnyOf):
        inner = comparisons(node.node)
        return [dataclasses.replace(one, property=f"{node.property}/{one.property}".rstrip("/")) for one in inner]
    return [comparison for part in node.parts for comparison in comparisons(part)]


def operators(node: Node) -> set[str]:
    """All operators used in a filter."""
    if isinstance(node, Comparison):
        return {node.operator}
    if isinstance(node, AnyOf):
        return {"any", *operators(node.node)}
    return {node.operator}.union(*(operators(part) for part in node.parts))


def matches(node: Node, read: t.Callable[[str], t.Any]) -> bool:
    """Evaluates a filter; C(read) gives the value of a property. Strings compare without case, as in Graph."""
    if isinstance(node, AnyOf):
        return any(matches(node.node, lambda path, entry=entry: _of_entry(entry, path)) for entry in read(node.property) or ())  # type: ignore[misc]
    if isinstance(node, Combination):
        if node.operator == "not":
            return not matches(node.parts[0], read)
        results = (matches(part, read) for part in node.parts)
        return all(results) if node.operator == "and" else any(results)
    found = _fold(read(node.property))
    if node.operator == "in":
        return found in tuple(_fold(value) for value in node.value)
    wanted = _fold(node.value)
    if node.operator == "eq":
        return bool(found == wanted)
    if node.operator == "ne":
        return bool(found != wanted)
    if found is None or wanted is None:
        return False
    if node.operator in FUNCTIONS:
        text = str(found)
        tests = {"startswith": text.startswith, "endswith": text.endswith, "contains": text.__contains__}
        return bool(tests[node.operator](str(wanted)))
    pair = (str(found), str(wanted)) if isinstance(found, str) or isinstance(wanted, str) else (found, wanted)
    return bool({"gt": pair[0] > pair[1], "ge": pair[0] >= pair[1], "lt": pair[0] < pair[1], "le": pair[0] <= pair[1]}[node.operator])


def parse_filter(text: str) -> Node:
    """Parses a $filter. Raises GraphError 400."""
    return _Parser(text).parse()


def _of_entry(entry: t.Any, path: str) -> t.Any:
    value = entry
    for name in path.split("/") if path else ():
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _fold(value: t.Any) -> t.Any:
    return value.casefold() if isinstance(value, str) else value


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens: list[tuple[str, str]] = []
        position = 0
        while text[position:].strip():
            match = _TOKEN.match(text, position)
            if match is None:
                raise self._bad()
            self._tokens.append((str(match.lastgroup), match.group(str(match.lastgroup))))
            position = match.end()
        self._position = 0
        self._variable: str | None = None  # of an any(...)

    def parse(self) -> Node:
        node = self._either()
        if self._position != len(self._tokens):
            raise self._bad()
        return node

    def _either(self) -> Node:
        return self._chain("or", lambda: self._chain("and", self._one))

    def _chain(self, word: str, part: t.Callable[[], Node]) -> Node:
        parts = [part()]
        while self._word() == word:
            self._position += 1
            parts.append(part())
        return parts[0] if len(parts) == 1 else Combination(word, tuple(parts))

    def _one(self) -> Node:
        if self._word() == "not":
            self._position += 1
            return Combination("not", (self._one(),))
        if self._kind() == "open":
            self._take("open")
            node = self._either()
            self._take("close")
            return node
        name = self._take("word")
        if name.lower().endswith("/any") and self._kind() == "open":
            return AnyOf(name[: -len("/any")], self._entry())
        if name.lower() in FUNCTIONS and self._kind() == "open":
            self._take("open")
            argument = self._property(self._take("word"))
            self._take("comma")
            value = self._value()
            self._take("close")
            if self._word() == "eq":
                self._position += 1
                if self._value() is False:
                    return Combination("not", (Comparison(argument, name.lower(), value),))
            return Comparison(argument, name.lower(), value)
        operator = self._take("word").lower()
        if operator == "in":
            self._take("open")
            values = [self._value()]
            while self._kind() == "comma":
                self._take("comma")
                values.append(self._value())
            self._take("close")
            return Comparison(self._property(name), "in", tuple(values))
        if operator not in COMPARISONS:
            raise self._bad()
        return Comparison(self._property(name), operator, self._value())

    def _entry(self) -> Node:
        """What follows C(any): C((x:condition on x)). The name of the entry ends at the first colon of the first word."""
        self._take("open")
        variable, colon, rest = self._take("word").partition(":")
        if not colon or self._variable is not None:
            raise self._bad()
        if rest:
            self._position -= 1
            self._tokens[self._position] = ("word", rest)
        self._variable = variable
        node = self._either()
        self._variable = None
        self._take("close")
        return node

    def _property(self, name: str) -> str:
        """A path, without the name of the entry in front."""
        if self._variable is None:
            return name
        if name.split("/")[0] != self._variable:
            raise self._bad()
        return name[len(self._variable) :].lstrip("/")

    def _value(self) -> t.Any:
        kind = self._kind()
        text = self._take(kind)
        if kind == "string":
            return text[1:-1].replace("''", "'")
        if kind == "number":
            return int(text)
        if kind in ("moment", "word"):
            return {"true": True, "false": False, "null": None}.get(text.lower(), text)
        raise self._bad()

    def _kind(self) -> str:
        return self._tokens[self._position][0] if self._position < len(self._tokens) else ""

    def _word(self) -> str:
        return self._tokens[self._position][1].lower() if self._kind() == "word" else ""

    def _take(self, kind: str) -> str:
        if self._kind() != kind or not kind:
            raise self._bad()
        self._position += 1
        return self._tokens[self._position - 1][1]

    def _bad(self) -> GraphError:
        return GraphError(400, "BadRequest", f"Invalid filter clause: '{self._text}' is not understood.")

# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which handler answers which Graph path. OData paths (casts, C($value), keys in brackets) do not fit Starlette's patterns."""

from __future__ import annotations

import dataclasses
import typing as t

if t.TYPE_CHECKING:
    from collections.abc import Callable

    from .call import Answer, Call
    from .state import Tenant

    Handler = Callable[[Tenant, Call], Answer]


Area = t.Literal["directory", "mail", "drive"]


class Route(t.NamedTuple):
    """A handler, its name in the log, the app roles of which one is needed, and whose limits hold."""

    operation: str
    handler: Handler
    roles: frozenset[str]
    area: Area

    @property
    def is_directory(self) -> bool:
        return self.area == "directory"

    @property
    def is_mail(self) -> bool:
        return self.area == "mail"

    @property
    def is_drive(self) -> bool:
        return self.area == "drive"


@dataclasses.dataclass(slots=True)
class _Node:
    literals: dict[str, _Node] = dataclasses.field(default_factory=dict)
    name: str | None = None
    wildcard: _Node | None = None
    routes: dict[str, Route] = dataclasses.field(default_factory=dict)


class Router:
    """A tree of path segments; literal segments compare without case and win over wildcards."""

    def __init__(self) -> None:
        self._root = _Node()

    def add(self, method: str, pattern: str, route: Route) -> None:
        """C(pattern) like C(users/{user}/mailFolders); C({name}) matches one segment."""
        node = self._root
        for piece in pattern.split("/"):
            if piece.startswith("{"):
                if node.wildcard is None:
                    node.wildcard = _Node()
                    node.name = piece[1:-1]
                node = node.wildcard
            else:
                node = node.literals.setdefault(piece.lower(), _Node())
        node.routes[method] = route

    def find(self, method: str, segments: tuple[str, ...]) -> tuple[Route | None, dict[str, str], bool]:
        """(route, values of the wildcards, whether the path exists for another method)."""
        node = self._root
        values: dict[str, str] = {}
        for segment in segments:
            following = node.literals.get(segment.lower())
            if following is None:
                if node.wildcard is None or node.name is None:
                    return None, {}, False
                values[node.name] = segment
                following = node.wildcard
            node = following
        route = node.routes.get(method)
        return route, values, route is None and bool(node.routes)

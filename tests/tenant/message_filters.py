# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""$filter and $orderby over messages."""

from __future__ import annotations

import typing as t

from .call import GraphError
from .filters import Comparison, Node, comparisons, matches
from .message_view import PROPERTIES, View, stamp

if t.TYPE_CHECKING:
    from collections.abc import Callable

    from .mail_items import Message
    from .mailbox import Mailbox


def received_after(node: Node) -> Callable[[Message], bool]:
    """The only filter that message delta takes: C(receivedDateTime ge|gt X). Raises GraphError 400 for any other."""
    if not isinstance(node, Comparison) or node.property != "receivedDateTime" or node.operator not in ("ge", "gt"):
        raise GraphError(
            400, "ErrorInvalidUrlQueryFilter", "The query filter is not supported with change tracking over the 'messages' resource."
        )
    return lambda message: matches(node, lambda _name: stamp(message.received))


def message_test(node: Node, mailbox: Mailbox) -> Callable[[Message], bool]:
    """A test of messages for any supported $filter."""
    view = View(mailbox, True, None)

    def read(message: Message, path: str) -> t.Any:
        head, *rest = path.split("/")
        value: t.Any = PROPERTIES[head](message, view)
        for name in rest:
            value = value.get(name) if isinstance(value, dict) else None
        return value

    for comparison in comparisons(node):
        if comparison.property.split("/")[0] not in PROPERTIES:
            raise GraphError(
                400, "BadRequest", f"Could not find a property named '{comparison.property}' on type 'Microsoft.OutlookServices.Message'."
            )
    return lambda message: matches(node, lambda path: read(message, path))


def check_order(node: Node | None, order: str | None) -> tuple[str, bool]:
    """(property, descending) of $orderby; it must come first in the $filter too, else InefficientFilter (facts 2, 14.17)."""
    if order is None:
        return "receivedDateTime", True
    first, _space, direction = order.split(",")[0].strip().partition(" ")
    if node is not None and comparisons(node)[0].property != first:
        raise GraphError(400, "InefficientFilter", "The restriction or sort order is too complex for this operation.")
    return first, direction.strip().lower() == "desc"

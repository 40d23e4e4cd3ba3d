# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Armed faults: which request each one strikes, and how often. What a fault does is in L(fault_effects)."""

from __future__ import annotations

import dataclasses
import re
import typing as t

if t.TYPE_CHECKING:
    import random
    from collections.abc import Iterable

    from .call import Call

_KNOWN = frozenset({"name", "mailbox", "times", "probability", "after", "match"})
_MATCHES = frozenset({"operation", "method", "path", "phase", "page_over", "message", "select", "full_payload", "rest_ids", "item", "area"})


@dataclasses.dataclass(slots=True)
class Fault:
    """One armed fault. C(left) is None for a fault without end; C(skip) matching requests pass unharmed first."""

    number: int
    name: str
    mailbox: str | None
    left: int | None
    probability: float
    skip: int
    operations: frozenset[str] | None
    method: str | None
    path: re.Pattern[str] | None
    phase: str | None
    page_over: int | None
    messages: frozenset[int] | None
    select: str | None
    full_payload: bool
    rest_ids: bool
    area: str | None
    options: dict[str, t.Any]
    hits: int = 0

    def option(self, name: str, default: t.Any) -> t.Any:
        return self.options.get(name, default)


def phase_of(call: Call) -> str:
    """C(initial), C(next) or C(delta): where in a round of paging a request stands."""
    if call.operation == "drive_delta":
        token = call.values.get("token") or call.query.get("token") or ""
        return {"": "initial", "n": "next"}.get(token[:1], "delta")
    if "deltatoken" in call.query:
        return "delta"
    return "next" if "skiptoken" in call.query or "skip" in call.query else "initial"


def page_wanted(call: Call) -> int:
    """The page size that a request asks for."""
    top = call.query.get("top", "")
    return int(top) if top.isdigit() else call.max_page_size or 10


class Faults:
    """The armed faults of a tenant."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._next = 1
        self.armed: list[Fault] = []

    def arm(self, spec: dict[str, t.Any], *, mailbox: str | None, messages: Iterable[int] | None, defaults: dict[str, t.Any]) -> Fault:
        """Arms a fault as control describes it; C(mailbox) and C(messages) are already resolved. Raises ValueError."""
        match = {**defaults, **(spec.get("match") or {})}
        unknown = set(match) - _MATCHES
        if unknown:
            raise ValueError(f"a fault cannot match on {', '.join(sorted(unknown))}; it can on {', '.join(sorted(_MATCHES))}")
        operations = match.get("operation")
        fault = Fault(
            number=self._next,
            name=str(spec["name"]),
            mailbox=mailbox,
            left=spec.get("times", 1),
            probability=float(spec.get("probability", 1.0)),
            skip=int(spec.get("after", 0)),
            operations=None if operations is None else frozenset([operations] if isinstance(operations, str) else operations),
            method=match.get("method"),
            path=re.compile(match["path"]) if match.get("path") else None,
            phase=match.get("phase"),
            page_over=match.get("page_over"),
            messages=None if messages is None else frozenset(messages),
            select=match.get("select"),
            full_payload=bool(match.get("full_payload", False)),
            rest_ids=bool(match.get("rest_ids", False)),
            area=match.get("area"),
            options={name: value for name, value in spec.items() if name not in _KNOWN},
        )
        self._next += 1
        self.armed.append(fault)
        return fault

    def disarm(self, number: int | None) -> None:
        """Removes one fault, or all."""
        self.armed = [] if number is None else [fault for fault in self.armed if fault.number != number]

    def candidates(self, call: Call, message: int | None) -> list[Fault]:
        """Faults that this request is exposed to; C(message) is the number of the message it names, if it names one."""
        return [fault for fault in self.armed if self._fits(fault, call, message)]

    def strike(self, fault: Fault) -> bool:
        """Decides whether a fault strikes now, and counts it."""
        if fault.skip:
            fault.skip -= 1
            return False
        if fault.left == 0 or (fault.probability < 1 and self._rng.random() >= fault.probability):
            return False
        fault.hits += 1
        if fault.left is not None:
            fault.left -= 1
        return True

    def give_back(self, fault: Fault) -> None:
        """Undoes the count of a strike that found nothing to spoil."""
        fault.hits -= 1
        if fault.left is not None:
            fault.left += 1

    def shuffled(self, entries: list[t.Any]) -> list[t.Any]:
        return self._rng.sample(entries, len(entries))

    def _fits(self, fault: Fault, call: Call, message: int | None) -> bool:
        return (
            fault.left != 0
            and (fault.mailbox is None or fault.mailbox == call.mailbox_key)
            and (fault.operations is None or call.operation in fault.operations)
            and (fault.area is None or call.operation.startswith(fault.area))
            and (fault.method is None or fault.method == call.method)
            and (fault.phase is None or fault.phase == phase_of(call))
            and (fault.page_over is None or page_wanted(call) > fault.page_over)
            and (fault.select is None or fault.select in call.query.get("select", "").split(","))
            and (not fault.full_payload or "select" not in call.query)
            and (not fault.rest_ids or (call.mailbox_key is not None and not call.immutable_ids))
            and (fault.messages is None or message is None or message in fault.messages)
            and (fault.path is None or fault.path.search(call.path) is not None)
        )

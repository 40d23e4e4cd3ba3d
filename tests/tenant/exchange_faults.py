# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Faults of the import/export API (facts 8.4-8.6, 14.44-51). The general ones strike it too, when they name its operations."""

from __future__ import annotations

import base64
import json
import typing as t

from .call import Answer, GraphError, json_bytes
from .envelope import error_answer
from .exchange_export import item_error
from .exchange_folders import redirect_to
from .exchange_import import wrong_mailbox
from .fault_effects import EFFECTS as GENERAL
from .fault_effects import Effect

if t.TYPE_CHECKING:
    from .call import Call
    from .faults import Fault
    from .state import Tenant

_READS = (
    "exchange_folder_get",
    "exchange_folder_children",
    "exchange_folder_create",
    "exchange_items_list",
    "exchange_items_delta",
    "exchange_item_get",
    "exchange_item_delete",
)
_EXPORT = {"operation": "export_items"}
_IMPORT = {"operation": "import_item"}


def _redirected(tenant: Tenant, call: Call, fault: Fault) -> Answer:
    """308: to C(to) (a mailbox id; by default the same, which is a loop), on C(host) if it is given, in C(mixed_case) if wanted."""
    to = str(fault.option("to", call.values["mbx"]))
    return redirect_to(call, to, host=fault.option("host", None), mixed_case=bool(fault.option("mixed_case", False)))


def _item_errors(tenant: Tenant, call: Call, fault: Fault, answer: Answer) -> Answer | None:
    """Items (C(items); by default the first of the answer) fail with C(code) instead of being exported."""
    wanted = fault.option("items", None)

    def spoil(value: list[dict[str, t.Any]]) -> list[dict[str, t.Any]]:
        chosen = set(wanted) if wanted is not None else {value[0]["itemId"]} if value else set()
        code, text = str(fault.option("code", "ErrorCorruptData")), str(fault.option("message", "Data is corrupt."))
        spelling = str(fault.option("spelling", tenant.settings.export_error_spelling))
        return [item_error(one["itemId"], code, text, spelling) if one["itemId"] in chosen else one for one in value]

    return _changed(answer, spoil)


def _items_missing(tenant: Tenant, call: Call, fault: Fault, answer: Answer) -> Answer | None:
    """Items are left out without a word: C(items), or the last C(count) (default 1; C("all")) of groups larger than C(over)."""
    wanted, count = fault.option("items", None), fault.option("count", 1)

    def drop(value: list[dict[str, t.Any]]) -> list[dict[str, t.Any]]:
        if len(value) <= int(fault.option("over", 0)):
            return value
        if wanted is not None:
            return [one for one in value if one["itemId"] not in wanted]
        return [] if count == "all" else value[: max(0, len(value) - int(count))]

    return _changed(answer, drop)


def _items_damaged(tenant: Tenant, call: Call, fault: Fault, answer: Answer) -> Answer | None:
    """Streams of C(items) (by default of all) are C(how): truncated (valid base64 of half a stream), not_base64, flipped."""
    wanted = fault.option("items", None)
    damage = _DAMAGES[str(fault.option("how", "truncated"))]

    def spoil(value: list[dict[str, t.Any]]) -> list[dict[str, t.Any]]:
        chosen = {one["itemId"] for one in value} if wanted is None else set(wanted)
        return [{**one, "data": damage(one["data"])} if one["itemId"] in chosen and "data" in one else one for one in value]

    return _changed(answer, spoil)


def _truncated(data: str) -> str:
    stream = base64.b64decode(data)
    return base64.b64encode(stream[: len(stream) // 2]).decode()


def _flipped(data: str) -> str:
    stream = base64.b64decode(data)
    return base64.b64encode(bytes([stream[0] ^ 0x80]) + stream[1:]).decode()


_DAMAGES: dict[str, t.Callable[[str], str]] = {
    "truncated": _truncated,
    "not_base64": lambda data: data[:40] + "*" + data[41:],
    "flipped": _flipped,
}


def _wrong_mailbox(tenant: Tenant, call: Call, fault: Fault) -> Answer:
    return wrong_mailbox(str(fault.option("expected", "MBX:00000000-0000-0000-0000-000000000000@" + tenant.tenant_id)))


def _import_expired(tenant: Tenant, call: Call, fault: Fault) -> Answer:
    status = int(fault.option("status", tenant.settings.import_expired_status))
    return error_answer(call, GraphError(status, "ErrorAccessDenied", "The import session has expired."))


def _import_answer_lost(tenant: Tenant, call: Call, fault: Fault, answer: Answer) -> Answer | None:
    """The item is there, the answer is not: C(how) is reset (the default), 503, 500 or 504."""
    fault.options.setdefault("how", "reset")
    spoil = GENERAL["answer_lost"].after
    return None if spoil is None else spoil(tenant, call, fault, answer)


def _changed(answer: Answer, change: t.Callable[[list[dict[str, t.Any]]], list[dict[str, t.Any]]]) -> Answer | None:
    if not isinstance(answer.body, bytes):
        return None
    body = json.loads(answer.body)
    value = change(body["value"])
    if value == body["value"]:
        return None
    answer.body = json_bytes({**body, "value": value})
    return answer


EXCHANGE_EFFECTS: dict[str, Effect] = {
    "redirected": Effect(_redirected, defaults={"operation": _READS}),
    "export_item_error": Effect(after=_item_errors, defaults=_EXPORT),
    "export_item_missing": Effect(after=_items_missing, defaults=_EXPORT),
    "export_damaged": Effect(after=_items_damaged, defaults=_EXPORT),
    "import_wrong_mailbox": Effect(_wrong_mailbox, defaults=_IMPORT),
    "import_expired": Effect(_import_expired, defaults=_IMPORT),
    "import_answer_lost": Effect(after=_import_answer_lost, defaults=_IMPORT),
}

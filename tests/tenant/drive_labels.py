# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Retention labels of drive items (facts A4): what carries one may refuse to be changed or deleted."""

from __future__ import annotations

import typing as t

from .call import Answer, GraphError, json_answer
from .drive_lookup import item_of
from .drive_store import item_not_found
from .drive_view import stamp

if t.TYPE_CHECKING:
    from .call import Call
    from .drive_store import Item
    from .drive_tree import Drive
    from .state import Tenant

Json = dict[str, t.Any]
# What a label that keeps its items allows: the settings of a label that control gives are laid over these.
RETAIN: Json = {
    "behaviorDuringRetentionPeriod": "retain",
    "isContentUpdateAllowed": False,
    "isDeleteAllowed": False,
    "isLabelUpdateAllowed": True,
    "isMetadataUpdateAllowed": True,
    "isRecordLocked": False,
}


def label_item(drive: Drive, item: Item, name: str, settings: Json, by: Json) -> None:
    """Puts a label on an item."""
    item.more.label = {
        "name": name,
        "isLabelAppliedExplicitly": True,
        "labelAppliedBy": by,
        "labelAppliedDateTime": stamp(drive.now()),
        "retentionSettings": {**RETAIN, **settings},
    }


def get_label(tenant: Tenant, call: Call) -> Answer:
    """C(GET .../retentionLabel). Raises GraphError 404 for an item without one."""
    label = _labelled(tenant, call)[1].more.label
    if label is None:
        raise item_not_found()
    return json_answer({"@odata.context": f"{call.root}/$metadata#retentionLabel", **label})


def set_label(tenant: Tenant, call: Call) -> Answer:
    """C(PATCH .../retentionLabel) with the name of a label that control has made."""
    drive, item = _labelled(tenant, call)
    name = call.json().get("name")
    settings = tenant.drive_labels.get(str(name))
    if settings is None:
        raise GraphError(400, "invalidRequest", f"The label '{name}' does not exist.")
    _refuse_if_fixed(item)
    label_item(drive, item, str(name), settings, {"application": {"id": call.client_id, "displayName": "SharePoint App"}})
    return json_answer({"@odata.context": f"{call.root}/$metadata#retentionLabel", **(item.more.label or {})})


def delete_label(tenant: Tenant, call: Call) -> Answer:
    """C(DELETE .../retentionLabel): 204."""
    _drive, item = _labelled(tenant, call)
    _refuse_if_fixed(item)
    item.more.label = None
    return Answer(204)


def _labelled(tenant: Tenant, call: Call) -> tuple[Drive, Item]:
    drive = tenant.drives.drive(call)
    return drive, item_of(drive, call)


def _refuse_if_fixed(item: Item) -> None:
    label = item.details.label if item.details is not None else None
    if label is not None and not label["retentionSettings"]["isLabelUpdateAllowed"]:
        raise GraphError(403, "accessDenied", "The retention label of the item cannot be changed.")

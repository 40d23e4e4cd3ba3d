# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Licences: what people are given, what service plans come with it, and what the tenant has bought (facts D3)."""

from __future__ import annotations

import typing as t

from .call import json_answer
from .ids import stable_guid
from .mail_items import now
from .message_view import stamp

if t.TYPE_CHECKING:
    from .call import Answer, Call
    from .directory_state import DirectoryObject
    from .state import Tenant

Json = dict[str, t.Any]
STANDARD = "O365_BUSINESS_PREMIUM"
BOUGHT = 25  # units of each licence, unless control says otherwise or more are in use


class Plan(t.NamedTuple):
    """A service plan; C(service) as in assignedPlans."""

    id: str
    name: str
    service: str


class Sku(t.NamedTuple):
    """What can be bought."""

    id: str
    plans: tuple[Plan, ...]


_EXCHANGE_STANDARD = Plan("9aaf7827-d63c-4b61-89c3-182f06f82e5c", "EXCHANGE_S_STANDARD", "exchange")
_EXCHANGE_ENTERPRISE = Plan("efb87545-963c-4e0d-99df-69c6916d9eb0", "EXCHANGE_S_ENTERPRISE", "exchange")
_EXCHANGE_DESKLESS = Plan("4a82b400-a79f-41a4-b4e2-e94f5787b113", "EXCHANGE_S_DESKLESS", "exchange")
_SHAREPOINT_STANDARD = Plan("c7699d2e-19aa-44de-8edf-1736da088ca1", "SHAREPOINTSTANDARD", "SharePoint")
_SHAREPOINT_ENTERPRISE = Plan("5dbe027f-2339-4123-9542-606e4d348a72", "SHAREPOINTENTERPRISE", "SharePoint")
_SHAREPOINT_DESKLESS = Plan("902b47e5-dcb2-4fdc-858b-c63a90a2bdb9", "SHAREPOINTDESKLESS", "SharePoint")
_ONEDRIVE_STANDARD = Plan("13696edf-5a08-49f6-8134-03083ed8ba30", "ONEDRIVESTANDARD", "SharePoint")
_OFFICE_ONLINE = Plan("e95bec33-7c88-4a70-8e19-b10bd9d0c014", "SHAREPOINTWAC", "MicrosoftOffice")  # no drive comes with it
SKUS: dict[str, Sku] = {
    STANDARD: Sku("f245ecc8-75af-4f8e-b61f-27d8114de5f3", (_EXCHANGE_STANDARD, _SHAREPOINT_STANDARD, _OFFICE_ONLINE)),
    "SPE_E3": Sku("05e9a617-0261-4cee-bb44-138d3ef5d965", (_EXCHANGE_ENTERPRISE, _SHAREPOINT_ENTERPRISE, _OFFICE_ONLINE)),
    "DESKLESSPACK": Sku("4b585984-651b-448a-9e53-3b10f069cf7f", (_EXCHANGE_DESKLESS, _SHAREPOINT_DESKLESS, _OFFICE_ONLINE)),
    "EXCHANGESTANDARD": Sku("4b9405b0-7788-4568-add1-99614e613b69", (_EXCHANGE_STANDARD,)),
    "WACONEDRIVESTANDARD": Sku("e6778190-713e-4e4f-9119-8b8238de25df", (_ONEDRIVE_STANDARD, _OFFICE_ONLINE)),
}


def licence_rows(name: str, moment: str | None = None) -> Json:
    """C(assignedLicenses) and C(assignedPlans) of somebody who has that licence and no other."""
    sku = SKUS[name]
    rows = [_row(plan, "Enabled", moment or stamp(now())) for plan in sku.plans]
    return {"assignedLicenses": [{"skuId": sku.id, "disabledPlans": []}], "assignedPlans": rows}


def give_licence(entry: DirectoryObject, name: str, moment: str | None = None) -> None:
    """One licence more; rows of plans taken away earlier stay, as they do in the directory."""
    new = licence_rows(name, moment)
    for key, rows in new.items():
        entry.properties[key] = [*entry.properties.get(key, ()), *rows]


def take_licences(entry: DirectoryObject, moment: str | None, status: str) -> None:
    """All licences are gone; the rows of their plans stay with C(status), changed at C(moment)."""
    entry.properties["assignedLicenses"] = []
    rows = entry.properties.get("assignedPlans", ())
    entry.properties["assignedPlans"] = [
        {**row, "capabilityStatus": status, "assignedDateTime": moment or stamp(now())} if row["capabilityStatus"] == "Enabled" else row
        for row in rows
    ]


def list_skus(tenant: Tenant, call: Call) -> Answer:
    """C(GET /subscribedSkus): what was bought, and how much of it is in use."""
    value = []
    for name, sku in SKUS.items():
        users = [entry for entry in tenant.directory.all("user") if _has(entry, sku)]
        bought = tenant.licences_bought.get(name, max(BOUGHT, len(users)))
        value.append(
            {
                "id": f"{tenant.tenant_id}_{sku.id}",
                "accountName": tenant.domain.partition(".")[0],
                "appliesTo": "User",
                "capabilityStatus": "Enabled",
                "consumedUnits": len(users),
                "prepaidUnits": {"enabled": bought, "suspended": 0, "warning": 0, "lockedOut": 0},
                "servicePlans": [_service_plan(plan) for plan in sku.plans],
                "skuId": sku.id,
                "skuPartNumber": name,
            }
        )
    return json_answer({"@odata.context": f"{call.root}/$metadata#subscribedSkus", "value": value})


def licence_details(tenant: Tenant, call: Call) -> Answer:
    """C(GET /users/{user}/licenseDetails)."""
    entry = tenant.directory.user(call.values["user"])
    value = [
        {
            "id": stable_guid("licence", entry.id, sku.id),
            "skuId": sku.id,
            "skuPartNumber": name,
            "servicePlans": [_service_plan(plan) for plan in sku.plans],
        }
        for name, sku in SKUS.items()
        if _has(entry, sku)
    ]
    return json_answer({"@odata.context": f"{call.root}/$metadata#users('{entry.id}')/licenseDetails", "value": value})


def _has(entry: DirectoryObject, sku: Sku) -> bool:
    return any(row["skuId"] == sku.id for row in entry.properties.get("assignedLicenses", ()))


def _row(plan: Plan, status: str, moment: str) -> Json:
    return {"assignedDateTime": moment, "capabilityStatus": status, "service": plan.service, "servicePlanId": plan.id}


def _service_plan(plan: Plan) -> Json:
    return {"servicePlanId": plan.id, "servicePlanName": plan.name, "provisioningStatus": "Success", "appliesTo": "User"}

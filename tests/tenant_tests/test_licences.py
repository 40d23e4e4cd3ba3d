# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Licences: plans of people, what the tenant has bought (facts D1, D3, H.10)."""

from __future__ import annotations

import typing as t

if t.TYPE_CHECKING:
    from tenant_tests.support import Client

    from tenant.control import ControlClient

SELECT = "$select=id,assignedPlans,assignedLicenses"


def plans(client: Client, user: str) -> dict[str, list[tuple[str, str]]]:
    """(state, moment) of the plans by service."""
    found: dict[str, list[tuple[str, str]]] = {}
    for row in client.get(f"/users/{user}?{SELECT}").json()["assignedPlans"]:
        found.setdefault(row["service"], []).append((row["capabilityStatus"], row["assignedDateTime"]))
    return found


def test_whoever_has_a_mailbox_has_a_licence_for_mail_and_drive(client: Client, control: ControlClient, adele: str) -> None:
    nobody = control.add_user("nobody@contoso.com", mailbox=False)
    assert {service: rows[0][0] for service, rows in plans(client, adele).items()} == {
        "exchange": "Enabled",
        "SharePoint": "Enabled",
        "MicrosoftOffice": "Enabled",
    }
    assert plans(client, nobody) == {}
    listed = client.all(f"/users?{SELECT}")
    assert [len(one["assignedLicenses"]) for one in listed] == [1, 0]


def test_plans_taken_away_stay_as_rows_beside_those_that_come_later(client: Client, control: ControlClient, adele: str) -> None:
    control.take_licences(adele, since="2026-01-01T00:00:00Z")
    assert plans(client, adele)["SharePoint"] == [("Deleted", "2026-01-01T00:00:00Z")]
    assert client.get(f"/users/{adele}?{SELECT}").json()["assignedLicenses"] == []
    control.give_licence(adele, "SPE_E3", since="2026-02-01T00:00:00Z")
    assert plans(client, adele)["SharePoint"] == [("Deleted", "2026-01-01T00:00:00Z"), ("Enabled", "2026-02-01T00:00:00Z")]
    control.take_licences(adele, status="Suspended")
    assert [state for state, _moment in plans(client, adele)["SharePoint"]] == ["Deleted", "Suspended"]


def test_the_tenant_lists_what_was_bought_and_what_is_in_use(client: Client, control: ControlClient, adele: str) -> None:
    control.give_licence(adele, "SPE_E3")
    control.buy_licences("SPE_E3", 1500)
    skus = {one["skuPartNumber"]: one for one in client.page("/subscribedSkus")["value"]}
    assert (skus["SPE_E3"]["consumedUnits"], skus["SPE_E3"]["prepaidUnits"]["enabled"]) == (1, 1500)
    assert (skus["O365_BUSINESS_PREMIUM"]["consumedUnits"], skus["DESKLESSPACK"]["consumedUnits"]) == (1, 0)
    assert "SHAREPOINTENTERPRISE" in [plan["servicePlanName"] for plan in skus["SPE_E3"]["servicePlans"]]
    held = client.page(f"/users/{adele}/licenseDetails")["value"]
    assert [one["skuPartNumber"] for one in held] == ["O365_BUSINESS_PREMIUM", "SPE_E3"]
    assert client.get("/subscribedSkus", token=client.log_in(**control.add_app(roles=["User.Read.All"]))).status == 403

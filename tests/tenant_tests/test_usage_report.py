# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The usage reports (facts 11, 14.59)."""

from __future__ import annotations

import csv
import typing as t

if t.TYPE_CHECKING:
    from tenant_tests.support import Client

    from tenant.control import ControlClient

REPORT = "/reports/getMailboxUsageDetail(period='D7')"
DRIVES = "/reports/getOneDriveUsageAccountDetail(period='D30')"


def rows_of(client: Client, report: str = REPORT) -> list[dict[str, str]]:
    reply = client.raw("GET", client.get(report).headers["Location"])
    assert reply.status == 200
    return list(csv.DictReader(reply.body.decode("utf-8-sig").splitlines()))


def test_the_report_is_a_redirect_to_a_table_that_takes_no_token(client: Client, control: ControlClient, adele: str) -> None:
    control.deliver(adele, "inbox", b"Subject: Here\r\n\r\n" + b"x" * 100)
    control.add_user("bruno@contoso.com")
    control.create_archive(adele)
    reply = client.get(REPORT)
    assert (reply.status, reply.headers["Location"].startswith("https://reports.office.com/data/download/")) == (302, True)
    assert client.get(reply.headers["Location"]).status == 401
    rows = rows_of(client)
    assert [(row["User Principal Name"], row["Item Count"], row["Has Archive"]) for row in rows] == [
        ("adele.vance@contoso.com", "1", "TRUE"),
        ("bruno@contoso.com", "0", "FALSE"),
    ]
    assert (int(rows[0]["Storage Used (Byte)"]) > 100, rows[0]["Report Period"]) == (True, "7")


def test_the_tenants_privacy_setting_conceals_names(client: Client, control: ControlClient, adele: str) -> None:
    control.settings(conceal_report_names=True)
    assert "@" not in rows_of(client)[0]["User Principal Name"]


def test_the_report_of_drives_tells_files_and_bytes_of_each_owner(client: Client, control: ControlClient, adele: str) -> None:
    control.add_user("bruno@contoso.com")
    control.create_drive(adele, quota=5_000_000)
    control.put_file(adele, "/Plans/a.txt", b"x" * 100)
    control.put_file(adele, "/b.bin", seed=1, size=3_000_000)
    (row,) = rows_of(client, DRIVES)
    assert row["Owner Principal Name"] == "adele.vance@contoso.com"
    assert row["Site URL"].endswith("/personal/adele_vance_contoso_com")
    told = [row[name] for name in ("File Count", "Storage Used (Byte)", "Storage Allocated (Byte)", "Is Deleted", "Report Period")]
    assert told == ["2", "3000100", "5000000", "False", "30"]
    control.settings(conceal_report_names=True)
    assert "@" not in rows_of(client, DRIVES)[0]["Owner Principal Name"]
    control.settings(conceal_report_names=False)
    control.remove_user(adele)
    assert rows_of(client, DRIVES)[0]["Is Deleted"] == "True"


def test_unknown_links_and_periods_lead_nowhere(client: Client, control: ControlClient, adele: str) -> None:
    assert client.raw("GET", "https://reports.office.com/data/download/x").status == 404
    assert client.get("/reports/getMailboxUsageDetail(period='D1')").status == 400
    token = client.log_in(**control.add_app(roles=["User.Read.All"]))
    assert client.get(REPORT, token=token).status == 403

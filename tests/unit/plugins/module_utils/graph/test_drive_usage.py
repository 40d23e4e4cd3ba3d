# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How much is in drives, by a report that may be missing, concealed or broken."""

from __future__ import annotations

import pytest
from unit.plugins.module_utils.graph.fakes import Answer, Scene, refusal

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.clouds import CLOUDS
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.drive_usage import DriveUsage, drive_usage
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.errors import Cancelled, LinkRefused
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.links import report_address

LINK = Answer(302, b"", headers={"Location": "https://reportsweu.office.com/data/download/secret"})
COLUMNS = "Report Refresh Date,Site URL,Owner Display Name,Is Deleted,File Count,Storage Used (Byte),Owner Principal Name,Report Period"
ROWS = (
    "2026-11-20,https://x,Anna,False,120,5000,Anna@contoso.com,7",
    '2026-11-20,https://x,"Berta, who left",True,9,900,berta@contoso.com,7',
    "2026-11-20,https://x,Carla,False,,,carla@contoso.com,7",
    "2026-11-20,https://x,Dora,False,7,70,dora@contoso.com,7",
)
OWNERS = ("anna@contoso.com", "BERTA@contoso.com", "carla@contoso.com")


def report(*rows: str, columns: str = COLUMNS) -> Answer:
    return Answer(200, "\r\n".join(["\ufeff" + columns, *rows]).encode())


def test_the_drives_of_the_members_are_added_up_for_two_requests_and_without_a_token_for_the_second() -> None:
    scene = Scene(LINK, report(*ROWS))
    assert drive_usage(scene.client, OWNERS) == DriveUsage(2, 120, 5000)
    first, second = scene.sender.requests
    assert first.target == "/v1.0/reports/getOneDriveUsageAccountDetail(period='D7')"
    assert (second.host, second.target) == ("reportsweu.office.com", "/data/download/secret")
    assert "Authorization" not in second.headers


def test_a_report_with_concealed_names_says_nothing_of_single_users() -> None:
    concealed = "2026-11-20,6D5A,7C1B,False,120,5000,9F86D081884C7D659A2FEAA0C55AD015,7"
    assert drive_usage(Scene(LINK, report(concealed)).client, OWNERS) is None


@pytest.mark.parametrize(
    "script",
    [
        (refusal(403, "S2SUnauthorized", "Invalid permission."),),
        (refusal(404, "x"),),
        (Answer(302, b""),),
        (Answer(200, {}),),
        (Answer(302, b"", headers={"Location": "https://evil.example/x"}),),
        (LINK, Answer(404, b"gone")),
        (LINK, Answer(200, b"\xff" * 50, cut=True)),
        (LINK, report("a,b", columns="One,Other")),
        (LINK, Answer(200, b"")),
        (refusal(503, "x"),) * 3,
    ],
)
def test_an_estimate_is_worth_no_failure(script: tuple[Answer, ...]) -> None:
    scene = Scene(*script)
    start = scene.clock.seconds
    assert drive_usage(scene.client, OWNERS) is None
    assert scene.clock.seconds - start < 60.0


def test_a_cancelled_run_is_not_told_that_nothing_is_known() -> None:
    scene = Scene()
    scene.client.cancel()
    with pytest.raises(Cancelled):
        drive_usage(scene.client, OWNERS)


@pytest.mark.parametrize("link", ["https://evil.office.com/x", "https://reports.office.com.evil.example/x", "http://reports.office.com/x"])
def test_inv10_reports_come_from_their_hosts_only(link: str) -> None:
    with pytest.raises(LinkRefused):
        report_address(CLOUDS["global"], link)
    with pytest.raises(LinkRefused):
        report_address(CLOUDS["china"], "https://reports.office.com/x")

# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""People are told what happened and what to do, by mail and by webhook, and no secret goes where it should not."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest

from ansible_collections.tenantvault.m365_backup.plugins.module_utils._errors import BackupError, InputError
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.results import Outcome
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.report.mailing import MailRefused, MailServer, send_mail
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.report.notices import Notice, Subject, newest_happening, notice_of
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.report.notifying import Mailing, Ways, check_ways, send_notice
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.report.webhook import Webhook, WebhookRefused, post_notice
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.report.receivers import (
    PASSWORD,
    REFUSED,
    USER,
    authority_file,
    free_port,
    mail_server,
    web_server,
)
from ansible_collections.tenantvault.m365_backup.tests.unit.plugins.module_utils.report.records import (
    DAY,
    HOUR,
    LOST,
    NOON,
    did,
    member,
    ran,
    source,
)

NOTICE = Notice(subject="[m365_backup] run of Verkäufe: failed", body="Ä short text.\n", document={"plan": "sales", "outcome": "failed"})
SENDER, ADMIN = "backup@contoso.com", "it@contoso.com"


def told(state_path: Path, verb: str = "run", *, has_failed: bool = True) -> Notice:
    about = Subject(plan="sales", title="Sales", verb=verb, host="backup1", has_failed=has_failed)
    return notice_of(about, newest_happening(state_path, "sales", verb))


def test_a_partial_run_is_told_with_its_first_findings_and_what_to_do(tmp_path: Path) -> None:
    ran(tmp_path, NOON - DAY, member("anna", source(last=NOON)))
    ran(tmp_path, NOON, member("anna", source(last=NOON, outcome=Outcome.PARTIAL, findings=[LOST] * 30)), member("bob", source(last=NOON)))
    notice = told(tmp_path)
    assert notice.subject == "[m365_backup] run of Sales on backup1: partial"
    assert "The run of the plan Sales (sales) on the backup host backup1 ended partial." in notice.body
    assert "The first 10 of 30 findings:\n  - anna@x.example, mail: message AAMk: The service could not give it." in notice.body
    assert notice.body.count("  - ") == 10
    assert "journalctl -t m365-backup M365_PLAN=sales" in notice.body
    assert (notice.document["outcome"], notice.document["finding_count"], notice.document["has_record"]) == ("partial", 30, True)


def test_a_run_that_failed_before_it_began_is_told_by_why(tmp_path: Path) -> None:
    ran(tmp_path, NOON - DAY, member("anna", source(last=NOON)))
    did(tmp_path, NOON, "run", outcome="failed", sentence="The client secret has expired.")
    assert "ended failed." in told(tmp_path).body
    assert "The client secret has expired." in told(tmp_path).body


def test_a_run_is_told_by_its_own_end_though_another_was_refused_beside_it(tmp_path: Path) -> None:
    did(tmp_path, NOON + HOUR, "run", outcome="failed", sentence="A run of sales is going on.")
    assert "A run of sales is going on." in told(tmp_path).body
    ran(tmp_path, NOON, member("anna", source(last=NOON, outcome=Outcome.PARTIAL, findings=[LOST])), ended=NOON + 3 * HOUR)
    notice = told(tmp_path)
    assert notice.document["outcome"] == "partial"
    assert "A run of sales is going on." not in notice.body


def test_a_task_that_was_killed_left_no_record_and_that_is_said(tmp_path: Path) -> None:
    assert told(tmp_path, "prune").document["outcome"] == "failed"
    did(tmp_path, NOON, "prune", sentence="3 of 30 restore points removed.")
    notice = told(tmp_path, "prune")
    assert (notice.document["outcome"], notice.document["has_record"]) == ("failed", False)
    assert "It left no record" in notice.body
    assert "The last one that left a record:" in notice.body


def test_a_good_end_is_told_where_that_is_wanted(tmp_path: Path) -> None:
    assert told(tmp_path, has_failed=False).document["outcome"] == "unknown"
    ran(tmp_path, NOON, member("anna", source(last=NOON)))
    notice = told(tmp_path, has_failed=False)
    assert notice.subject.endswith("complete")
    assert notice.body.endswith("What to do:\n  1. Nothing.\n")


def test_damage_is_told_with_the_warning_not_to_prune(tmp_path: Path) -> None:
    did(tmp_path, NOON, outcome="damaged", finding_count=1, findings=({"object": "pack ab", "reason": "is gone"},))
    body = told(tmp_path, "verify").body
    assert "found damage." in body
    assert "Do not prune." in body
    assert "  - pack ab: is gone" in body


@pytest.mark.filterwarnings("ignore:Requiring AUTH")
@pytest.mark.parametrize("is_tls_first", [False, True], ids=["starttls", "tls"])
def test_mail_goes_over_tls_with_a_login(tmp_path: Path, is_tls_first: bool) -> None:
    authority, trusted = authority_file(tmp_path)
    with mail_server(authority, is_tls_first=is_tls_first, wants_login=True) as server:
        security = "tls" if is_tls_first else "starttls"
        client = MailServer(host="127.0.0.1", port=server.port, security=security, user=USER, password=PASSWORD, ca_file=trusted)
        assert send_mail(client, SENDER, [ADMIN, "ops@contoso.com"], NOTICE, NOON) == ()
        (mail,) = server.mails
    assert (mail["Subject"], mail["From"], mail["To"]) == (NOTICE.subject, SENDER, f"{ADMIN}, ops@contoso.com")
    assert mail.get_content().splitlines() == NOTICE.body.splitlines()
    assert mail["Auto-Submitted"] == "auto-generated"
    assert server.has_tls == [True]
    assert PASSWORD not in repr(client)


def test_a_wrong_password_is_told_without_it(tmp_path: Path) -> None:
    authority, trusted = authority_file(tmp_path)
    with mail_server(authority, wants_login=True) as server:
        client = MailServer(host="127.0.0.1", port=server.port, user=USER, password="wrong and secret", ca_file=trusted)
        with pytest.raises(MailRefused, match=f"does not accept the user {USER}") as caught:
            send_mail(client, SENDER, [ADMIN], NOTICE, NOON)
    assert "wrong and secret" not in str(caught.value)
    assert (set(server.logins), server.mails) == ({False}, [])


def test_a_certificate_that_nobody_vouches_for_is_refused_before_anything_is_said(tmp_path: Path) -> None:
    authority, _trusted = authority_file(tmp_path)
    with mail_server(authority, wants_login=True) as server:
        client = MailServer(host="127.0.0.1", port=server.port, user=USER, password=PASSWORD)
        with pytest.raises(MailRefused, match="no TLS is possible"):
            send_mail(client, SENDER, [ADMIN], NOTICE, NOON)
    assert server.logins == []


def test_a_server_without_tls_gets_no_mail_unless_that_is_allowed_and_never_a_password() -> None:
    with mail_server() as server:
        with pytest.raises(MailRefused, match="STARTTLS"):
            send_mail(MailServer(host="127.0.0.1", port=server.port), SENDER, [ADMIN], NOTICE, NOON)
        plain = MailServer(host="127.0.0.1", port=server.port, security="none")
        assert send_mail(plain, SENDER, [ADMIN, REFUSED], NOTICE, NOON) == (REFUSED,)
        assert len(server.mails) == 1
        with pytest.raises(MailRefused, match=f"takes no mail for {REFUSED}"):
            send_mail(plain, SENDER, [REFUSED], NOTICE, NOON)
        with pytest.raises(InputError, match="in clear"):
            send_mail(MailServer(host="127.0.0.1", port=server.port, security="none", user=USER), SENDER, [ADMIN], NOTICE, NOON)
    with pytest.raises(MailRefused, match="did not take the mail"):
        send_mail(plain, SENDER, [ADMIN], NOTICE, NOON)


def test_no_header_can_be_smuggled_in_by_an_address() -> None:
    with mail_server() as server:
        plain = MailServer(host="127.0.0.1", port=server.port, security="none")
        with pytest.raises(InputError, match="cannot be written"):
            send_mail(plain, SENDER, ["it@contoso.com\nBcc: all@contoso.com"], NOTICE, NOON)
        assert server.mails == []


def test_a_webhook_gets_the_words_the_facts_and_the_token() -> None:
    with web_server() as server:
        post_notice(Webhook(url=server.url, token="t0ken"), NOTICE, lambda _seconds: None)
        ((path, headers, document),) = server.posts
    assert (path, headers["Authorization"], headers["Content-Type"]) == ("/secret-path", "Bearer t0ken", "application/json")
    assert document == {"text": f"{NOTICE.subject}\n\n{NOTICE.body}", "plan": "sales", "outcome": "failed"}


@pytest.mark.parametrize(
    ("answers", "pauses", "failure"),
    [
        ([503, 429], [2.0, 8.0], None),
        ([500, 500, 500], [2.0, 8.0], "HTTP 500"),
        ([404], [], "HTTP 404"),
        ([302], [], "HTTP 302"),
    ],
)
def test_a_webhook_is_tried_again_where_that_may_help(answers: list[int], pauses: list[float], failure: str | None) -> None:
    slept: list[float] = []
    with web_server(*answers) as server:
        hook = Webhook(url=server.url)
        if failure is None:
            post_notice(hook, NOTICE, slept.append)
        else:
            with pytest.raises(WebhookRefused, match=failure) as caught:
                post_notice(hook, NOTICE, slept.append)
            assert "secret-path" not in str(caught.value) + repr(hook)
        assert {path for path, _headers, _document in server.posts} == {"/secret-path"}
    assert slept == pauses


def test_a_webhook_that_cannot_be_reached_or_is_none_is_named_by_its_host_alone() -> None:
    slept: list[float] = []
    with pytest.raises(WebhookRefused, match=r"webhook at 127\.0\.0\.1 did not take the notice: it cannot be reached") as caught:
        post_notice(Webhook(url=f"https://127.0.0.1:{free_port()}/secret-path"), NOTICE, slept.append)
    assert "secret-path" not in str(caught.value)
    assert slept == [2.0, 8.0]
    with pytest.raises(InputError, match="address of the webhook is none"):
        list(check_ways(Ways(mail=None, webhook=Webhook(url="secret-path"))))


@pytest.mark.parametrize(
    ("url", "warned"), [("http://chat.contoso.com/x", True), ("http://127.0.0.1/x", False), ("https://c.com/x", False)]
)
def test_a_webhook_in_clear_is_warned_about(url: str, warned: bool) -> None:
    assert bool(list(check_ways(Ways(mail=None, webhook=Webhook(url=url))))) is warned


def test_mail_without_a_sender_is_refused_before_anything_is_sent() -> None:
    ways = Ways(mail=Mailing(server=MailServer(host="x"), sender="", recipients=(ADMIN,)), webhook=None)
    with pytest.raises(InputError, match="needs a sender"):
        list(check_ways(ways))


def test_when_one_way_fails_the_other_one_is_tried_and_the_failure_told() -> None:
    gone = Mailing(server=MailServer(host="127.0.0.1", port=free_port(), security="none"), sender=SENDER, recipients=(ADMIN,))
    quiet: t.Callable[[float], None] = [].append
    with web_server() as server:
        with pytest.raises(MailRefused):
            send_notice(Ways(mail=gone, webhook=Webhook(url=server.url)), NOTICE, now=NOON + HOUR, sleep=quiet)
        assert len(server.posts) == 1
    with web_server(404) as server, pytest.raises(BackupError, match=r"did not take the mail.*did not take the notice"):
        send_notice(Ways(mail=gone, webhook=Webhook(url=server.url)), NOTICE, now=NOON, sleep=quiet)

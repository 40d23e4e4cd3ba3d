#!/usr/bin/python
# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: m365_backup_notify
short_description: Tell people by mail or a webhook what became of a task of a plan
version_added: 1.0.0
description:
  - Takes the newest record that a run, prune, verification, drill, restore or scan of the plan has left on this host, and sends what it
    says, with the first findings and with what to do, by mail, to a webhook, or both.
  - Use it in a C(rescue) section or let a systemd unit start it when a scheduled task has failed, as the role
    P(tenantvault.m365_backup.group_backup#role) does.
  - Without a recipient and without a webhook nothing is sent, and the result says so. So it may be a part of every setup.
  - When one of the two ways fails, the other one is tried all the same, and then the task fails.
author:
  - tenantvault contributors (@tenantvault)
extends_documentation_fragment:
  - tenantvault.m365_backup._attributes
  - tenantvault.m365_backup._attributes.m365
  - tenantvault.m365_backup._budget
  - tenantvault.m365_backup._connection
  - tenantvault.m365_backup._passphrase
  - tenantvault.m365_backup._plan
  - tenantvault.m365_backup._state
  - tenantvault.m365_backup._storage
attributes:
  check_mode:
    support: full
    details: Nothing is sent, and the result has what would be.
  diff_mode:
    support: N/A
    details: Nothing on the host is changed.
  idempotent:
    support: none
    details: Each task sends what it is asked to send.
options:
  task:
    description:
      - What has happened to the plan.
    type: str
    choices: [run, prune, verify, drill, restore, scan]
    default: run
  failed:
    description:
      - Whether the task is known to have failed, which is why people are told.
      - It matters when the newest record does not say so, as after a task that was killed. Set it to V(false) to tell of any end.
    type: bool
    default: true
  mail_to:
    description:
      - The addresses to write to.
      - If not given, the environment variable E(M365_NOTIFY_MAIL_TO) is used, with commas between them.
    type: list
    elements: str
  mail_from:
    description:
      - The address of the sender. Needed for mail.
      - If not given, the environment variable E(M365_NOTIFY_MAIL_FROM) is used.
    type: str
  smtp_host:
    description:
      - The mail server.
      - If not given, the environment variable E(M365_NOTIFY_SMTP_HOST) is used.
    type: str
    default: localhost
  smtp_port:
    description:
      - Its port. By default 587 for V(starttls), 465 for V(tls) and 25 for V(none) in O(smtp_security).
      - If not given, the environment variable E(M365_NOTIFY_SMTP_PORT) is used.
    type: int
  smtp_security:
    description:
      - V(starttls) begins in clear and changes to TLS before anything is said, V(tls) speaks TLS from the beginning. Either checks the
        certificate, and fails when there is no TLS.
      - V(none) sends in clear, and never a password. It is for a mail server on the same host.
      - If not given, the environment variable E(M365_NOTIFY_SMTP_SECURITY) is used.
    type: str
    choices: [starttls, tls, none]
    default: starttls
  smtp_user:
    description:
      - Whom to log in as at the mail server. By default nobody logs in.
      - If not given, the environment variable E(M365_NOTIFY_SMTP_USER) is used.
    type: str
  smtp_password:
    description:
      - The password of O(smtp_user).
      - Mutually exclusive with O(smtp_password_file).
    type: str
  smtp_password_file:
    description:
      - A file on the host that runs the module with the password and nothing else.
      - If neither is given, the environment variable E(M365_NOTIFY_SMTP_PASSWORD_FILE) is used.
    type: path
  webhook_url:
    description:
      - The address that gets the notice as JSON in a C(POST) request. Its key C(text) has everything in words, as chats want it; the other
        keys are those of RV(notice).
      - It is treated as a secret. No redirect is followed.
      - Mutually exclusive with O(webhook_url_file).
    type: str
  webhook_url_file:
    description:
      - A file on the host that runs the module with the address and nothing else.
      - If neither is given, the environment variable E(M365_NOTIFY_WEBHOOK_URL_FILE) is used.
    type: path
  webhook_token_file:
    description:
      - A file on the host that runs the module with a bearer token for the webhook.
      - If not given, the environment variable E(M365_NOTIFY_WEBHOOK_TOKEN_FILE) is used.
    type: path
  ca_file:
    description:
      - Certificates in PEM form to check mail server and webhook against, instead of the public ones.
      - If not given, the environment variable E(M365_NOTIFY_CA_FILE) is used.
    type: path
notes:
  - The options for the connection and the repository are accepted so that the same C(module_defaults) serve all modules of the action
    group.
  - The notice names members, and findings with the names of items. It holds no secret.
seealso:
  - module: tenantvault.m365_backup.m365_backup_report
  - name: Monitoring
    link: ansible_collections.tenantvault.m365_backup.docsite.monitoring
    description: Metrics, alert rules, the journal, notices and the page.
"""

EXAMPLES = r"""
- name: Tell the administrators when the backup fails
  block:
    - name: Back up everybody in the plan
      tenantvault.m365_backup.m365_backup_run:
        plan: sales-and-marketing
        passphrase_file: /etc/m365_backup/passphrase
  rescue:
    - name: Write to them
      tenantvault.m365_backup.m365_backup_notify:
        plan: sales-and-marketing
        mail_to: [it@contoso.com]
        mail_from: backup@contoso.com
        smtp_host: smtp.contoso.com
        smtp_user: backup@contoso.com
        smtp_password_file: /etc/m365_backup/credentials/smtp_password

    - name: Let the play fail
      ansible.builtin.fail:
        msg: "{{ ansible_failed_result.msg }}"

- name: Post into a chat how the last verification ended
  tenantvault.m365_backup.m365_backup_notify:
    plan: Sales and Marketing
    task: verify
    failed: false
    webhook_url_file: /etc/m365_backup/credentials/webhook_url
"""

RETURN = r"""
notice:
  description: What was sent, or would be.
  type: dict
  returned: success
  sample:
    plan: sales
    title: Sales
    task: run
    host: backup1
    outcome: partial
    has_record: true
    start: "2026-11-23T22:30:00+00:00"
    end: "2026-11-23T22:34:12+00:00"
    sentence: "The run 20261123T223000Z-1f0c3a ended partial: 41 members, 2,040 items, 1.4 MiB stored, 1 finding."
    finding_count: 1
    findings: ["bob@example.com, mail: message AAMkAGI2: The service could not give this message."]
  contains:
    plan:
      description: The name of the plan.
      type: str
      returned: always
    title:
      description: Its title.
      type: str
      returned: always
    task:
      description: The task.
      type: str
      returned: always
    host:
      description: The backup host.
      type: str
      returned: always
    outcome:
      description: V(complete), V(partial), V(failed), V(damaged), or V(unknown) where there is no record and nobody has seen a failure.
      type: str
      returned: always
    has_record:
      description: Whether the task has left a record of what is told.
      type: bool
      returned: always
    start:
      description: When the task of the newest record began, V(null) without one.
      type: str
      returned: always
    end:
      description: When it ended.
      type: str
      returned: always
    sentence:
      description: What it did.
      type: str
      returned: always
    finding_count:
      description: How many findings it had.
      type: int
      returned: always
    findings:
      description: The first ten.
      type: list
      elements: str
      returned: always
subject:
  description: The subject of the mail.
  type: str
  returned: success
  sample: "[m365_backup] run of Sales on backup1: partial"
body:
  description: Its text.
  type: str
  returned: success
  sample: The run of the plan Sales (sales) on the backup host backup1 ended partial.
sent_to:
  description: Where it went, V(mail) and V(webhook); empty when nothing is set up.
  type: list
  elements: str
  returned: success
  sample: [mail]
msg:
  description: What was sent where, in a sentence.
  type: str
  returned: success
  sample: "Sent by mail to it@contoso.com: [m365_backup] run of Sales on backup1: partial"
"""

import datetime
import os
import socket
import time
import typing as t
from pathlib import Path

from ansible.module_utils.basic import env_fallback

from ansible_collections.tenantvault.m365_backup.plugins.module_utils._arguments import (
    ArgumentSpec,
    group_arguments,
    plan_reference_arguments,
    run_module,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils._parameters import plan_store, read_secret
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.report.mailing import SECURITIES, STARTTLS, MailServer
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.report.notices import (
    TASKS,
    Subject,
    newest_happening,
    notice_of,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.report.notifying import Mailing, Ways, check_ways, send_notice
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.report.webhook import Webhook

if t.TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule


def _from(variable: str) -> tuple[t.Any, list[str]]:
    return (env_fallback, [f"M365_NOTIFY_{variable}"])


OPTIONS = ArgumentSpec(
    options={
        "task": {"type": "str", "choices": list(TASKS), "default": "run"},
        "failed": {"type": "bool", "default": True},
        "mail_to": {"type": "list", "elements": "str", "fallback": _from("MAIL_TO")},
        "mail_from": {"type": "str", "fallback": _from("MAIL_FROM")},
        "smtp_host": {"type": "str", "default": "localhost", "fallback": _from("SMTP_HOST")},
        "smtp_port": {"type": "int", "fallback": _from("SMTP_PORT")},
        "smtp_security": {"type": "str", "choices": list(SECURITIES), "default": STARTTLS, "fallback": _from("SMTP_SECURITY")},
        "smtp_user": {"type": "str", "fallback": _from("SMTP_USER")},
        "smtp_password": {"type": "str", "no_log": True},
        "smtp_password_file": {"type": "path", "no_log": False},
        "webhook_url": {"type": "str", "no_log": True},
        "webhook_url_file": {"type": "path", "no_log": False},
        "webhook_token_file": {"type": "path", "no_log": False},
        "ca_file": {"type": "path", "fallback": _from("CA_FILE")},
    },
    mutually_exclusive=(("smtp_password", "smtp_password_file"), ("webhook_url", "webhook_url_file")),
)


def run(module: AnsibleModule) -> dict[str, t.Any]:
    """Do what the task declares."""
    params = module.params
    plan = plan_store(params).find(params["plan"]).plan
    ways = _ways(params)
    for warning in check_ways(ways):
        module.warn(warning)
    about = Subject(plan=plan.name, title=plan.title, verb=params["task"], host=socket.gethostname(), has_failed=params["failed"])
    notice = notice_of(about, newest_happening(Path(params["state_path"]), plan.name, params["task"]))
    if not module.check_mode:
        now = datetime.datetime.now(datetime.timezone.utc)
        for warning in send_notice(ways, notice, now=now, sleep=time.sleep):
            module.warn(warning)
    return {
        "changed": not ways.is_empty,
        "notice": notice.document,
        "subject": notice.subject,
        "body": notice.body,
        "sent_to": ways.names,
        "msg": ways.sentence(notice, is_check=module.check_mode),
    }


def _ways(params: dict[str, t.Any]) -> Ways:
    mail = None
    recipients = tuple(address.strip() for address in params["mail_to"] or () if address.strip())
    if recipients:
        server = MailServer(
            host=params["smtp_host"],
            port=params["smtp_port"],
            security=params["smtp_security"],
            user=params["smtp_user"] or None,
            password=_secret(params, "smtp_password"),
            ca_file=params["ca_file"],
        )
        mail = Mailing(server=server, sender=params["mail_from"] or "", recipients=recipients)
    url = _secret(params, "webhook_url")
    webhook = None if url is None else Webhook(url=url, token=_secret(params, "webhook_token"), ca_file=params["ca_file"])
    return Ways(mail=mail, webhook=webhook)


def _secret(params: dict[str, t.Any], option: str) -> str | None:
    """Of the task, else of the file that the task names, else of the file that the environment names."""
    given: str | None = params.get(option)
    path = params[f"{option}_file"] or (None if given else os.environ.get(f"M365_NOTIFY_{option.upper()}_FILE"))
    return read_secret(path, f"{option}_file") if path else given or None


def main() -> None:
    """Entry point of the module."""
    run_module(OPTIONS.merge(group_arguments(), plan_reference_arguments()), run, needs_libraries=False)


if __name__ == "__main__":
    main()

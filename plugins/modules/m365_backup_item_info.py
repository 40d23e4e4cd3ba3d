#!/usr/bin/python
# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: m365_backup_item_info
short_description: Find messages, events, contacts, files and other items in the restore points of a group backup plan
version_added: 1.0.0
description:
  - Looks for items by member, folder, subject, sender, recipient, time, size or the name of an attachment, in one restore
    point of a plan, in several, or in all of them.
  - Says of each item in which of these restore points it is, so that one that was deleted is found with the last one that has it.
    Of a file it also says what it was like in each of them.
  - Says of each item what the malware scan has found in it.
  - Only the catalogues in the repository are read, not the items. No connection to Microsoft 365 is needed, and nothing is changed.
  - The RV(matches[].id) that are returned are what O(tenantvault.m365_backup.m365_backup_restore#module:item_ids) takes.
author:
  - tenantvault contributors (@tenantvault)
extends_documentation_fragment:
  - tenantvault.m365_backup._attributes
  - tenantvault.m365_backup._attributes.m365
  - tenantvault.m365_backup._budget
  - tenantvault.m365_backup._connection
  - tenantvault.m365_backup._items
  - tenantvault.m365_backup._passphrase
  - tenantvault.m365_backup._plan
  - tenantvault.m365_backup._state
  - tenantvault.m365_backup._storage
attributes:
  check_mode:
    support: full
    details: Nothing is changed in either mode. In check mode not even a lock is put into the repository.
  diff_mode:
    support: N/A
    details: Nothing is changed.
  idempotent:
    support: N/A
    details: Nothing is changed.
options:
  members:
    description:
      - Whose items to look for, by user principal names or object ids. They may have left the group or the tenant.
      - By default those of all members.
    type: list
    elements: str
    default: []
  sources:
    description:
      - What to look into. By default everything that the restore points have.
    type: list
    elements: str
    choices: [mail, calendar, contacts, tasks, settings, archive, onedrive]
    default: []
  folder:
    description:
      - Only items in this folder and below it, for example V(Inbox/Projects). Upper and lower case do not matter.
      - It may also be a calendar, a folder of contacts, a list of tasks, or a folder of a OneDrive such as V(Documents/Reports).
    type: str
  snapshots:
    description:
      - The restore points to look into. Each is V(latest), V(all), or the first eight or more characters of a snapshot's id,
        or a time with its zone such as V(2026-05-17T08:00:00+02:00) for the last restore point before it.
      - What an interrupted run has left is looked into when its id is given, or when there is nothing else.
      - The default is the newest one, which answers what could be restored now.
    type: list
    elements: str
    default: [latest]
  snapshots_after:
    description:
      - Of O(snapshots), only those that were made at or after this time with its zone.
    type: str
  snapshots_before:
    description:
      - Of O(snapshots), only those that were made before this time with its zone.
    type: str
  verdict:
    description:
      - Only items of which the malware scan says this. The newest of what was said when the item was backed up and what a later scan again
        has said of its content counts.
      - V(clean) means that an engine has said so of all of it. V(infected) also finds files of which only an earlier version is infected.
        V(unscannable) is what no engine could look into, such as an encrypted archive, V(unscanned) what was stored while no engine
        answered, and V(not_scanned) what no plan has asked to scan, or what is known of no longer.
      - The directories of all items that match the other options are read for it, so it takes longer than the other options.
    type: str
    choices: [clean, infected, unscannable, unscanned, not_scanned]
  limit:
    description:
      - How many items to list, the newest ones first. RV(item_count) counts all of them.
      - The default keeps the result readable. Every item costs about one KiB of memory on the way to Ansible.
    type: int
    default: 100
  lock_timeout:
    description:
      - How many seconds to wait while a prune has the repository for itself.
      - The default is ten minutes, which most prunes need less than.
    type: int
    default: 600
seealso:
  - module: tenantvault.m365_backup.m365_backup_restore
"""

EXAMPLES = r"""
- name: Find the invoice that Alice has deleted some time ago
  tenantvault.m365_backup.m365_backup_item_info:
    plan: sales-and-marketing
    passphrase_file: /etc/m365_backup/passphrase
    members: [alice@contoso.com]
    snapshots: [all]
    subject: invoice
    attachment: .pdf
  register: found

- name: Restore what was found from the last restore point that has it
  tenantvault.m365_backup.m365_backup_restore:
    plan: sales-and-marketing
    passphrase_file: /etc/m365_backup/passphrase
    member: alice@contoso.com
    sources: [mail]
    snapshot: "{{ found.matches[0].last_snapshot.id }}"
    item_ids: ["{{ found.matches[0].id }}"]
    target_path: /srv/restore

- name: Which restore point has the report as it was before somebody spoilt it?
  tenantvault.m365_backup.m365_backup_item_info:
    plan: sales-drives
    passphrase_file: /etc/m365_backup/passphrase
    members: [alice@contoso.com]
    snapshots: [all]
    folder: Documents/Reports
    subject: forecast.xlsx
  register: found

- name: Restore it as it was first
  tenantvault.m365_backup.m365_backup_restore:
    plan: sales-drives
    passphrase_file: /etc/m365_backup/passphrase
    member: alice@contoso.com
    snapshot: "{{ found.matches[0].states[0].last_snapshot.id }}"
    item_ids: ["{{ found.matches[0].id }}"]
    target_path: /srv/restore

- name: Which items that anybody has are infected, and in which restore points are they?
  tenantvault.m365_backup.m365_backup_item_info:
    plan: sales-and-marketing
    passphrase_file: /etc/m365_backup/passphrase
    snapshots: [all]
    verdict: infected

- name: Who in the group has received mail from this address in May?
  tenantvault.m365_backup.m365_backup_item_info:
    plan: sales-and-marketing
    passphrase_file: /etc/m365_backup/passphrase
    sources: [mail]
    sender: phisher@example.com
    after: "2026-05-01T00:00:00+02:00"
    before: "2026-06-01T00:00:00+02:00"
    limit: 1000
"""

RETURN = r"""
matches:
  description: The newest of the items that were found, as many as O(limit) says.
  type: list
  elements: dict
  returned: success or partial failure
  contains:
    member:
      description: The user principal name of the member.
      type: str
      sample: alice@contoso.com
    member_id:
      description: The object id of the member.
      type: str
      sample: 8f0c2b5e-6a0e-4c1c-9f3c-2a7d4f3f0b11
    source:
      description: What the item belongs to, such as V(mail).
      type: str
      sample: mail
    folder:
      description: The folder of the item in the newest of the restore points that have it.
      type: str
      sample: Inbox/Projects
    id:
      description: The id of the item.
      type: str
      sample: AAkALgAAAAAAHYQDEapmEc2byACqAC-EWg0A
    subject:
      description: The subject, the title of an event or a task, or the name of a contact or a file.
      type: str
      sample: Invoice 4711
    sender:
      description: Who sent the message, organises the event, or has last changed the file.
      type: str
      sample: Ben Brown <ben@fabrikam.com>
    recipients:
      description: The recipients of a message, the attendees of an event, or the addresses of a contact.
      type: list
      elements: str
      sample: [alice@contoso.com]
    received:
      description: When the item came in or was made, or when a file was last changed.
      type: str
      sample: "2026-05-17T08:12:05Z"
    start:
      description: When an event begins, or the first one of a series.
      type: str
      sample:
    end:
      description: When an event ends, or the first one of a series.
      type: str
      sample:
    size:
      description: The size of the item as it is stored, in bytes.
      type: int
      sample: 74211
    has_attachments:
      description: Whether the item has attachments.
      type: bool
      sample: true
    attachments:
      description: Their names, as far as they are known.
      type: list
      elements: str
      sample: [invoice-4711.pdf]
    categories:
      description: The categories of the item.
      type: list
      elements: str
      sample: []
    message_id:
      description: The internet message id of a message.
      type: str
      sample: <4711@fabrikam.com>
    first_snapshot:
      description: The oldest restore point, of those that were looked into, that has the item.
      type: dict
      sample: {"id": "3bd1f5d3f0f6b4a9c8c5f6dd1f0e2c4a1b2c3d4e5f60718293a4b5c6d7e8f901", "time": "2026-05-18T22:30:07+00:00"}
    last_snapshot:
      description: The newest one that has it.
      type: dict
      sample: {"id": "9c1e0a77d0f6b4a9c8c5f6dd1f0e2c4a1b2c3d4e5f60718293a4b5c6d7e8f902", "time": "2026-06-17T22:30:05+00:00"}
    snapshot_count:
      description: How many of the restore points that were looked into have the item.
      type: int
      sample: 31
    snapshots:
      description: The ids of these, oldest first; of more than a hundred the newest hundred.
      type: list
      elements: str
      sample: [3bd1f5d3f0f6b4a9c8c5f6dd1f0e2c4a1b2c3d4e5f60718293a4b5c6d7e8f901]
    modified:
      description: When the item was last changed, where that is known.
      type: str
      sample: "2026-05-17T08:12:05Z"
    verdict:
      description: What the malware scan says of the item as it is in the newest restore point that has it; see O(verdict).
      type: str
      sample: clean
    scan:
      description: How it came to that.
      type: dict
      contains:
        names:
          description: What was found, in the words of the engine.
          type: list
          elements: str
        reason:
          description: Why it could not be scanned.
          type: str
        engine:
          description: Which engine said so, V(clamav) or V(yara).
          type: str
        database:
          description: With which version of what it looks for.
          type: str
        time:
          description: When.
          type: str
        infected_versions:
          description: How many earlier versions of a file are infected.
          type: int
      sample:
        {"names": [], "reason": "", "engine": "clamav", "database": "1.4.6/27463", "time": "2026-05-18T22:31:12Z", "infected_versions": 0}
    states:
      description:
        - What a file was like in the restore points that have it, the oldest first; of more than a hundred states the newest hundred.
        - Each has another name, folder, content or time than the others. Empty for what is no file.
      type: list
      elements: dict
      contains:
        path:
          description: The path of the file in the OneDrive.
          type: str
          sample: Documents/Reports/forecast.xlsx
        size:
          description: Its size in bytes.
          type: int
          sample: 18211
        modified:
          description: When it was last changed.
          type: str
          sample: "2026-05-17T08:12:05Z"
        modified_by:
          description: By whom.
          type: str
          sample: Ben Brown
        hash:
          description: The quickXorHash of its content as Microsoft 365 stated it.
          type: str
          sample: aCgDG9jwBhDc4Q1yawMZAAAAAAA=
        first_snapshot:
          description: The oldest of the restore points that have the file so.
          type: dict
          sample: {"id": "3bd1f5d3f0f6b4a9c8c5f6dd1f0e2c4a1b2c3d4e5f60718293a4b5c6d7e8f901", "time": "2026-05-18T22:30:07+00:00"}
        last_snapshot:
          description: The newest one.
          type: dict
          sample: {"id": "9c1e0a77d0f6b4a9c8c5f6dd1f0e2c4a1b2c3d4e5f60718293a4b5c6d7e8f902", "time": "2026-06-17T22:30:05+00:00"}
        snapshot_count:
          description: How many have it so.
          type: int
          sample: 30
item_count:
  description: How many items were found, whether they are listed or not.
  type: int
  returned: success or partial failure
  sample: 1
total_size:
  description: The size of all of them in bytes.
  type: int
  returned: success or partial failure
  sample: 74211
truncated:
  description: Whether there are more items than RV(matches) lists.
  type: bool
  returned: success or partial failure
  sample: false
members:
  description: How many items were found of each member and source.
  type: list
  elements: dict
  returned: success or partial failure
  sample:
    - {"member": "alice@contoso.com", "member_id": "8f0c2b5e-6a0e-4c1c-9f3c-2a7d4f3f0b11", "source": "mail", "item_count": 1, "size": 742}
snapshots:
  description: The restore points that were looked into, oldest first, each with its id and time.
  type: list
  elements: dict
  returned: success or partial failure
  sample: [{"id": "3bd1f5d3f0f6b4a9c8c5f6dd1f0e2c4a1b2c3d4e5f60718293a4b5c6d7e8f901", "time": "2026-05-18T22:30:07+00:00"}]
finding_count:
  description: How much of the repository could not be looked at.
  type: int
  returned: success or partial failure
  sample: 0
findings:
  description: The first hundred of these, each with kind, object, reason, code and request_id.
  type: list
  elements: dict
  returned: success or partial failure
  sample: []
msg:
  description: What was found, in a sentence.
  type: str
  returned: always
  sample: "1 item (72.5 KiB) found in 31 snapshots of the plan sales-and-marketing."
"""

import contextlib
import typing as t

from ansible_collections.tenantvault.m365_backup.plugins.module_utils._arguments import (
    ArgumentSpec,
    ReportedFailure,
    group_arguments,
    item_filter_arguments,
    plan_reference_arguments,
    run_module,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils._errors import InputError
from ansible_collections.tenantvault.m365_backup.plugins.module_utils._parameters import plan_store, read_passphrase, storage_credentials
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.item_filter_options import filter_of, moment_of
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.item_verdicts import ScanState
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.source_words import SOURCES
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.repository_access import open_plan_repository
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.item_search import Wish, search
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.search_result import search_result

if t.TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

OPTIONS = ArgumentSpec(
    options={
        "members": {"type": "list", "elements": "str", "default": []},
        "sources": {"type": "list", "elements": "str", "choices": list(SOURCES), "default": []},
        "folder": {"type": "str"},
        "snapshots": {"type": "list", "elements": "str", "default": ["latest"]},
        "snapshots_after": {"type": "str"},
        "snapshots_before": {"type": "str"},
        "verdict": {"type": "str", "choices": ["clean", "infected", "unscannable", "unscanned", "not_scanned"]},
        "limit": {"type": "int", "default": 100},
        "lock_timeout": {"type": "int", "default": 600},
    },
)


def run(module: AnsibleModule) -> dict[str, t.Any]:
    """Do what the task declares."""
    params = module.params
    if params["limit"] < 1:
        raise InputError("A list of no item says nothing.", hint="Let limit be at least 1.")
    stored = plan_store(params).find(params["plan"])
    wish = Wish(
        plan_name=stored.plan.name,
        snapshots=tuple(params["snapshots"]),
        snapshots_after=moment_of(params["snapshots_after"]),
        snapshots_before=moment_of(params["snapshots_before"]),
        members=tuple(params["members"]),
        sources=tuple(params["sources"]),
        folder=params["folder"],
        item_filter=filter_of(params),
        verdict=None if params["verdict"] is None else ScanState(params["verdict"]),
        limit=params["limit"],
    )
    repository = open_plan_repository(stored, read_passphrase(params, stored.plan), storage_credentials(params))
    with contextlib.nullcontext() if module.check_mode else repository.reading(lock_timeout=params["lock_timeout"]):
        found = search(repository, wish)
    for warning in found.warnings:
        module.warn(warning)
    result = search_result(found, stored.plan.name)
    if found.findings:
        raise ReportedFailure(result.pop("msg"), result=result)
    return result


def main() -> None:
    """Entry point of the module."""
    run_module(OPTIONS.merge(group_arguments(), item_filter_arguments(), plan_reference_arguments()), run)


if __name__ == "__main__":
    main()

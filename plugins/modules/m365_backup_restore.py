#!/usr/bin/python
# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: m365_backup_restore
short_description: Restore a member's mailbox or OneDrive, or parts of it, from a group backup plan
version_added: 1.0.0
description:
  - Restores what a restore point of a plan has of one member, or a part of it. The part is named by O(sources), by
    O(folder), and by what is known of single items, such as O(subject) or O(after).
  - With O(target_path), items become files below a folder of the host. No connection to Microsoft 365 is needed.
  - With O(target_mailbox), items are created in a mailbox, of the member or of somebody else, with their original dates
    and states. By default they go below a new folder that has the time of the restore point in its name, and nothing
    that is in the mailbox is touched.
  - With O(target_drive), files are created in a OneDrive, of the member or of somebody else, with their folders and times,
    and by default below such a new folder, too.
  - A restore that was interrupted is simply run again. It goes on where it was, and creates nothing twice.
  - Nobody is told of a restore. No invitation, cancellation, notification or read receipt is sent; for that, events are
    restored without attendees as such, and name them in their text.
  - What the service does not let anybody restore exactly is listed with its reason in
    R(the guide on mailboxes,ansible_collections.tenantvault.m365_backup.docsite.restore_into_mailboxes) and
    R(the guide on OneDrive,ansible_collections.tenantvault.m365_backup.docsite.onedrive).
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
  - tenantvault.m365_backup._progress
  - tenantvault.m365_backup._state
  - tenantvault.m365_backup._storage
attributes:
  check_mode:
    support: full
    details: Looks into the mailbox or the OneDrive and says what would be restored, skipped or replaced, and for how long the
      service makes it take at least. Nothing is written.
  diff_mode:
    support: none
    details: The content of mail and files does not belong into a diff; RV(sources) counts what was restored.
  idempotent:
    support: full
options:
  member:
    description:
      - Whose mailbox or OneDrive to restore, by user principal name or object id. It may be someone who has left the group or the tenant.
    type: str
    required: true
  snapshot:
    description:
      - The restore point. V(latest), or the first eight or more characters of a snapshot's id, or a time with its zone such
        as V(2026-05-17T08:00:00+02:00) for the last restore point before it.
      - The default is the newest one, which most restores want. To run an interrupted restore again, name the snapshot
        that it used, for a newer one is another restore.
    type: str
    default: latest
  sources:
    description:
      - What to restore.
      - Without it, everything that the restore point has of the member, with two exceptions. V(settings) are restored into
        a mailbox only when they are named here, because they change what the mailbox does. V(tasks) are restored into files
        only, because Microsoft Graph has no application permission to write them.
    type: list
    elements: str
    choices: [mail, calendar, contacts, tasks, settings, archive, onedrive]
    default: []
  folder:
    description:
      - Restore this folder and everything below it, for example V(Inbox/Projects). Upper and lower case do not matter.
      - It may also be a calendar, a folder of contacts, or a list of tasks. Without it, all folders are restored.
    type: str
  target_path:
    description:
      - Restore into this folder of the host, below a folder with the member's name. It is created where it does not exist.
    type: path
  file_format:
    description:
      - How to write the files of O(target_path).
      - V(files) writes one file an item, C(.eml) for messages, C(.ics) for events and tasks, C(.vcf) for contacts, C(.json)
        for settings, and C(.fts) for items of the archive mailbox, with an C(.eml) beside it where it can be converted.
      - V(maildir) and V(mboxrd) are ways to keep the messages of a folder together that mail programs read; the other
        sources are written as with V(files).
      - V(zip) writes one archive a member that has the same content as V(files).
    type: str
    choices: [files, maildir, mboxrd, zip]
    default: files
  target_mailbox:
    description:
      - Restore into the mailbox of this user, by user principal name or object id. It may be another one than O(member).
      - The application needs the permissions C(Mail.ReadWrite), C(Calendars.ReadWrite), C(Contacts.ReadWrite),
        C(MailboxSettings.ReadWrite) and C(MailboxItem.ImportExport.All) with C(MailboxItem.Read.All) and
        C(MailboxFolder.ReadWrite.All), each for its source. It need not be the application that makes the backups.
    type: str
  target_drive:
    description:
      - Restore into the OneDrive of this user, by user principal name or object id. It may be another one than O(member).
      - The OneDrive must be there. Microsoft Graph does not let an application make one; it comes into being when its user
        opens it for the first time.
      - The application needs the permission C(Files.ReadWrite.All). It need not be the application that makes the backups.
      - What is made belongs to the application; nobody can set who has made a file or changed it last.
    type: str
  placement:
    description:
      - Where in O(target_mailbox) or O(target_drive) the items go.
      - V(new_folder) puts them below O(target_folder), so that nothing is mixed with what is there.
      - V(original) puts each into the folder that it came from, which is made anew if it was deleted. In the mailbox of
        somebody else, the folder of the same role or name is taken. In a OneDrive, it is the folder of the same path.
    type: str
    choices: [new_folder, original]
    default: new_folder
  target_folder:
    description:
      - The name of the folder that receives what is restored, with O(placement=new_folder). Calendars cannot lie in
        folders; their names begin with it. In a OneDrive it may be a path, such as V(From Bob/Projects).
      - The default has the time of the restore point in its name. A restore that is run again goes on in the same folder.
    type: str
  conflict_policy:
    description:
      - What to do with an item that is there already, in the folder that it goes to.
      - V(skip) leaves what is there as it is, and restores only what is missing.
      - V(copy) restores the item beside it.
      - V(replace) restores the item and then deletes what was there. Events that have attendees are left as they are,
        because deleting them would send cancellations.
      - An item is recognised by its id, by the mark of an earlier restore, or by its internet message id, its C(iCalUId), or
        the name and addresses of a contact. What this very restore has put there counts as restored, whatever the policy.
      - In a OneDrive, a name is there once in a folder. A file of the same name with the same content is left, whatever the
        policy. With V(copy), the other one gets a name such as C(Plan (restored 2026-11-22 223007).docx). With V(replace), the
        restored content becomes the newest version of the file that is there, so nothing that it was is lost.
    type: str
    choices: [skip, copy, replace]
    default: skip
  permissions:
    description:
      - Whether people and groups get the access to files and folders in O(target_drive) again that they had when the
        restore point was made. It must have been backed up. They are invited without a mail.
      - Sharing links do not come back, because each new one has another address.
      - Microsoft lets an application share 300 times in five minutes, and each time costs five resource units.
    type: bool
    default: false
  versions:
    description:
      - Whether files that are created in O(target_drive) get their earlier versions again, as many as the restore point has.
        They are uploaded one after the other, from the oldest to the newest, which costs as much as so many files.
    type: bool
    default: false
  include_infected:
    description:
      - Whether also what the malware scan has found to be infected is restored. Without it, such items are refused, each is one of the
        RV(findings) with the code C(infected), everything else is restored, and the task fails at its end.
      - With O(target_path), whatever O(file_format) says, they are written into a zip file of their own beside the rest,
        C(<member>.infected.zip), which is encrypted with AES-256, and whose password is C(infected). So nothing opens them by mistake, and
        no virus scanner of the host takes them away. C(unzip) of Linux does not know this encryption; 7-Zip and C(bsdtar) do.
      - With O(target_mailbox) and O(target_drive) they are restored as they are. Microsoft 365 may refuse or block them.
      - Of a file in a OneDrive its newest content counts. An earlier version that is infected is left out by itself with O(versions).
      - What the scan could not look into, or never looked at, is restored, and counted in RV(scan).
    type: bool
    default: false
  switch_on:
    description:
      - Which of the V(sources=settings) that act on their own are switched on as they were. The others are restored, and
        stay off until somebody switches them on.
    type: list
    elements: str
    choices: [automatic_replies, rules]
    default: []
  archive_target:
    description:
      - Where the items of an archive mailbox go. V(archive) is the archive mailbox of O(target_mailbox), V(primary) a folder
        of its ordinary mailbox.
      - The default is the ordinary mailbox, because it is always there and the service is known to take them.
    type: str
    choices: [primary, archive]
    default: primary
  lock_timeout:
    description:
      - How many seconds to wait while a prune has the repository for itself.
      - The default is ten minutes, which most prunes need less than.
    type: int
    default: 600
seealso:
  - module: tenantvault.m365_backup.m365_backup_run
  - module: tenantvault.m365_backup.m365_backup_item_info
"""

EXAMPLES = r"""
- name: Restore a folder of Alice's mailbox into files
  tenantvault.m365_backup.m365_backup_restore:
    plan: sales-and-marketing
    passphrase_file: /etc/m365_backup/passphrase
    member: alice@contoso.com
    folder: Inbox/Projects
    target_path: /srv/restore

- name: Say how long it takes to give Alice back her mailbox as it was on a Monday morning
  tenantvault.m365_backup.m365_backup_restore:
    plan: sales-and-marketing
    passphrase_file: /etc/m365_backup/passphrase
    tenant_id: contoso.onmicrosoft.com
    client_id: "{{ m365_restore_client_id }}"
    client_secret: "{{ m365_restore_client_secret }}"
    member: alice@contoso.com
    snapshot: "2026-11-23T08:00:00+01:00"
    target_mailbox: alice@contoso.com
    placement: original
  check_mode: true

- name: Put the deleted invoices of the last quarter back where they were
  tenantvault.m365_backup.m365_backup_restore:
    plan: sales-and-marketing
    passphrase_file: /etc/m365_backup/passphrase
    tenant_id: contoso.onmicrosoft.com
    client_id: "{{ m365_restore_client_id }}"
    client_secret: "{{ m365_restore_client_secret }}"
    member: alice@contoso.com
    sources: [mail]
    subject: invoice
    after: "2026-07-01T00:00:00+02:00"
    before: "2026-10-01T00:00:00+02:00"
    target_mailbox: alice@contoso.com
    placement: original

- name: Give the calendars and contacts of someone who has left to his successor
  tenantvault.m365_backup.m365_backup_restore:
    plan: sales-and-marketing
    passphrase_file: /etc/m365_backup/passphrase
    tenant_id: contoso.onmicrosoft.com
    client_id: "{{ m365_restore_client_id }}"
    client_secret: "{{ m365_restore_client_secret }}"
    member: bob@contoso.com
    sources: [calendar, contacts]
    target_mailbox: alice@contoso.com
    target_folder: From Bob

- name: Say what it takes to give Alice the project folder of someone who has left
  tenantvault.m365_backup.m365_backup_restore:
    plan: sales-onedrive
    passphrase_file: /etc/m365_backup/passphrase
    tenant_id: contoso.onmicrosoft.com
    client_id: "{{ m365_restore_client_id }}"
    client_secret: "{{ m365_restore_client_secret }}"
    member: bob@contoso.com
    folder: Documents/Projects
    target_drive: alice@contoso.com
    target_folder: From Bob
  check_mode: true

- name: Hand an infected message to those who look into it, in an encrypted zip file
  tenantvault.m365_backup.m365_backup_restore:
    plan: sales-and-marketing
    passphrase_file: /etc/m365_backup/passphrase
    member: alice@contoso.com
    sources: [mail]
    message_id: <4711@fabrikam.com>
    target_path: /srv/restore
    include_infected: true

- name: Put the documents back that were encrypted on Monday
  tenantvault.m365_backup.m365_backup_restore:
    plan: sales-onedrive
    passphrase_file: /etc/m365_backup/passphrase
    tenant_id: contoso.onmicrosoft.com
    client_id: "{{ m365_restore_client_id }}"
    client_secret: "{{ m365_restore_client_secret }}"
    member: alice@contoso.com
    snapshot: "2026-11-23T08:00:00+01:00"
    target_drive: alice@contoso.com
    placement: original
    conflict_policy: replace
"""

RETURN = r"""
snapshot_id:
  description: The id of the restore point that was used.
  type: str
  returned: success or partial failure
  sample: 3bd1f5d3f0f6b4a9c8c5f6dd1f0e2c4a1b2c3d4e5f60718293a4b5c6d7e8f901
snapshot_time:
  description: When it was made.
  type: str
  returned: success or partial failure
  sample: "2026-11-22T22:30:07+00:00"
member:
  description: The user principal name of the member.
  type: str
  returned: success or partial failure
  sample: alice@contoso.com
target:
  description: The folder of the host, or the place in the mailbox or OneDrive, that the items are in now.
  type: str
  returned: success or partial failure
  sample: /srv/restore/alice@contoso.com
restored:
  description: How many items were created where nothing of them was, or would be in check mode.
  type: int
  returned: success or partial failure
  sample: 204
copied:
  description: How many were created beside an item that was there, with O(conflict_policy=copy).
  type: int
  returned: success or partial failure
  sample: 0
replaced:
  description: How many took the place of an item that was there, with O(conflict_policy=replace).
  type: int
  returned: success or partial failure
  sample: 0
kept:
  description: How many were left as the mailbox or OneDrive has them, with O(conflict_policy=skip).
  type: int
  returned: success or partial failure
  sample: 12
unchanged:
  description: How many an earlier start of the same restore had put there, or were there as files with the same content.
  type: int
  returned: success or partial failure
  sample: 0
restored_bytes:
  description: The size of what was created.
  type: int
  returned: success or partial failure
  sample: 23868000
new_folders:
  description: How many folders were made in a OneDrive or for its files, empty ones too, or would be in check mode.
  type: int
  returned: success or partial failure
  sample: 0
folders:
  description: How many items were created of each folder of the backup, of the 500 folders with the most.
  type: dict
  returned: success or partial failure
  sample: {"Inbox/Projects": 204}
sources:
  description:
    - For each source the same counts, its target, its folders and its findings.
    - For V(onedrive) also C(mended), how many files and folders that were there got their name or their times; C(shared), how
      many people and groups were given access to a file or folder; and C(renamed), the first hundred of C(renamed_count) files
      and folders that could not keep their name or place, each with C(original), C(restored) and C(reason).
  type: dict
  returned: success or partial failure
  sample: {"mail": {"target": "Restored 2026-11-22 223007", "restored": 204, "copied": 0, "replaced": 0, "kept": 12, "unchanged": 0}}
scan:
  description:
    - What the malware scan has said of the chosen items; all of them count, also those that were there already.
    - The newest of what was said when an item was backed up and what a later scan again has said of its content counts.
  type: dict
  returned: success or partial failure
  contains:
    refused:
      description: How many are infected and were not restored.
      type: int
    infected:
      description: How many are infected and were restored, with O(include_infected=true).
      type: int
    unscannable:
      description: Into how many no engine could look, such as encrypted archives. They are restored.
      type: int
    unscanned:
      description: How many were stored while no engine answered, and not scanned since. They are restored.
      type: int
  sample: {"refused": 0, "infected": 0, "unscannable": 3, "unscanned": 0}
infected_archive:
  description: The zip file with what is infected, empty where there is none.
  type: str
  returned: success or partial failure
  sample: ""
estimate:
  description:
    - What the restore into a mailbox or OneDrive would cost at least, in C(items), C(upload_bytes), C(requests) and
      C(minutes_at_least), for a OneDrive also in C(resource_units).
    - Exchange Online takes 150 MB of uploads in five minutes and 10,000 requests in ten minutes for each app and mailbox.
      OneDrive takes as many resource units in a minute as O(tenant_licenses) says, and 400 GB in an hour.
  type: dict
  returned: in check mode, with a mailbox or a OneDrive as the target
  sample: {"items": 204, "upload_bytes": 23868000, "requests": 210, "minutes_at_least": 0}
finding_count:
  description: How many items, or whole sources, could not be restored.
  type: int
  returned: success or partial failure
  sample: 0
findings:
  description: The first hundred of them, each with kind, object, reason, code and request_id.
  type: list
  elements: dict
  returned: success or partial failure
  sample: []
msg:
  description: What the restore did, in a sentence.
  type: str
  returned: always
  sample: "204 messages (22.8 MiB) of alice@contoso.com are restored into /srv/restore/alice@contoso.com."
"""

import dataclasses
import typing as t
from pathlib import Path

from ansible_collections.tenantvault.m365_backup.plugins.module_utils._arguments import (
    ArgumentSpec,
    ReportedFailure,
    group_arguments,
    item_filter_arguments,
    metered,
    noted_as,
    plan_reference_arguments,
    progress_arguments,
    run_module,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils._errors import InputError
from ansible_collections.tenantvault.m365_backup.plugins.module_utils._parameters import (
    connection_settings,
    plan_store,
    read_passphrase,
    storage_credentials,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.item_filter_options import filter_of
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.repository_access import open_plan_repository
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.conflict import Policy
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.run import (
    IntoDrive,
    IntoFiles,
    IntoMailbox,
    Wanted,
    restore,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.sentences import failure_sentence, restore_sentence
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.source_choice import SOURCES

if t.TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

OPTIONS = ArgumentSpec(
    options={
        "member": {"type": "str", "required": True},
        "snapshot": {"type": "str", "default": "latest"},
        "sources": {"type": "list", "elements": "str", "choices": list(SOURCES), "default": []},
        "folder": {"type": "str"},
        "target_path": {"type": "path"},
        "file_format": {"type": "str", "choices": ["files", "maildir", "mboxrd", "zip"], "default": "files"},
        "target_mailbox": {"type": "str"},
        "target_drive": {"type": "str"},
        "placement": {"type": "str", "choices": ["new_folder", "original"], "default": "new_folder"},
        "target_folder": {"type": "str"},
        "conflict_policy": {"type": "str", "choices": [policy.value for policy in Policy], "default": Policy.SKIP.value},
        "permissions": {"type": "bool", "default": False},
        "versions": {"type": "bool", "default": False},
        "include_infected": {"type": "bool", "default": False},
        "switch_on": {"type": "list", "elements": "str", "choices": ["automatic_replies", "rules"], "default": []},
        "archive_target": {"type": "str", "choices": ["primary", "archive"], "default": "primary"},
        "lock_timeout": {"type": "int", "default": 600},
    },
    mutually_exclusive=(("target_path", "target_mailbox", "target_drive"), ("target_path", "target_folder")),
    required_one_of=(("target_path", "target_mailbox", "target_drive"),),
)


def run(module: AnsibleModule) -> dict[str, t.Any]:
    """Do what the task declares."""
    params = module.params
    target = _target(params)
    stored = plan_store(params).find(params["plan"])
    repository = open_plan_repository(stored, read_passphrase(params, stored.plan), storage_credentials(params))
    wanted = Wanted(
        plan_name=stored.plan.name,
        snapshot=params["snapshot"],
        member=params["member"],
        sources=tuple(params["sources"]),
        folder=params["folder"],
        item_filter=filter_of(params),
        target=target,
        includes_infected=params["include_infected"],
    )
    with metered(module, "restore") as meter:
        result = restore(
            dataclasses.replace(wanted, advance=meter),
            repository,
            settings_of=lambda: connection_settings(params),
            lock_timeout=params["lock_timeout"],
            is_check=module.check_mode,
        )
    for warning in result.warnings:
        module.warn(warning)
    answer: dict[str, t.Any] = {"changed": result.is_changed, **result.as_dict()}
    if module.check_mode and not isinstance(wanted.target, IntoFiles):
        answer["estimate"] = result.estimate.as_dict()
    if result.findings:
        raise ReportedFailure(failure_sentence(result), result=answer)
    return {**answer, "msg": restore_sentence(result, is_check=module.check_mode)}


def _target(params: dict[str, t.Any]) -> IntoFiles | IntoMailbox | IntoDrive:
    if params["target_drive"] is None and (unfit := [name for name in ("permissions", "versions") if params[name]]):
        raise InputError(
            f"Only a OneDrive takes {' and '.join(unfit)}, and the restore does not go into one.",
            hint=f"Leave {' and '.join(unfit)} out, or restore into a OneDrive with target_drive.",
        )
    if params["target_path"] is not None:
        return IntoFiles(path=Path(params["target_path"]), file_format=params["file_format"])
    is_original, policy = params["placement"] == "original", Policy(params["conflict_policy"])
    if params["target_drive"] is not None:
        return IntoDrive(
            drive=params["target_drive"],
            folder=params["target_folder"],
            is_original=is_original,
            policy=policy,
            permissions=params["permissions"],
            versions=params["versions"],
        )
    return IntoMailbox(
        mailbox=params["target_mailbox"],
        folder=params["target_folder"],
        is_original=is_original,
        policy=policy,
        switch_on=frozenset(params["switch_on"]),
        into_archive=params["archive_target"] == "archive",
    )


def main() -> None:
    """Entry point of the module."""
    run_module(
        OPTIONS.merge(group_arguments(), item_filter_arguments(), plan_reference_arguments(), progress_arguments()),
        noted_as("restore", run),
    )


if __name__ == "__main__":
    main()

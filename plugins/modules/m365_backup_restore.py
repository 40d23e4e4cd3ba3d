#!/usr/bin/python
# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: m365_backup_restore
short_description: Restore the mail of a member from a group backup plan
version_added: 1.0.0
description:
  - Restores the messages of one member, all of them or those of one folder, from any restore point of a plan.
  - With O(target_path), messages become files with the ending C(.eml) below a folder of the host. Files that are there
    with the same content are left alone, so an interrupted restore is simply run again. No connection to Microsoft 365 is needed.
  - With O(target_mailbox), messages are created in a mailbox below a new folder, with their original dates, and not as
    drafts. Nothing that is in the mailbox is touched. Running the task again with the same O(target_folder) creates
    the messages once more.
author:
  - tenantvault contributors (@tenantvault)
extends_documentation_fragment:
  - tenantvault.m365_backup._attributes
  - tenantvault.m365_backup._attributes.m365
  - tenantvault.m365_backup._connection
  - tenantvault.m365_backup._passphrase
  - tenantvault.m365_backup._plan
  - tenantvault.m365_backup._state
  - tenantvault.m365_backup._storage
attributes:
  check_mode:
    support: full
    details: Counts what would be restored. Nothing is written.
  diff_mode:
    support: none
    details: The content of mail does not belong into a diff; RV(folders) counts what was restored.
  idempotent:
    support: partial
    details: A restore into files is idempotent. A restore into a mailbox creates its messages every time.
options:
  member:
    description:
      - Whose mail to restore, by user principal name or object id. It may be someone who has left the group or the tenant.
    type: str
    required: true
  snapshot:
    description:
      - The restore point. V(latest), or the first eight or more characters of a snapshot's id, or a time with its zone such
        as V(2026-05-17T08:00:00+02:00) for the last restore point before it.
      - The default is the newest one, which most restores want.
    type: str
    default: latest
  folder:
    description:
      - Restore this folder and everything below it, for example V(Inbox/Projects). Upper and lower case do not matter.
      - Without it, all folders are restored.
    type: str
  target_path:
    description:
      - Restore into this folder of the host, below a folder with the member's name. It is created where it does not exist.
    type: path
  target_mailbox:
    description:
      - Restore into the mailbox of this user, by user principal name or object id. It may be another one than O(member).
      - The application needs the permission C(Mail.ReadWrite) for this.
    type: str
  target_folder:
    description:
      - The folder of the mailbox that receives what is restored. It is created where it does not exist.
      - The default has the time of the restore in its name, so that nothing is mixed with what is there.
    type: str
  lock_timeout:
    description:
      - How many seconds to wait while a prune has the repository for itself.
      - The default is ten minutes, which most prunes need less than.
    type: int
    default: 600
seealso:
  - module: tenantvault.m365_backup.m365_backup_run
"""

EXAMPLES = r"""
- name: Restore a folder of Alice's mailbox into files
  tenantvault.m365_backup.m365_backup_restore:
    plan: sales-and-marketing
    passphrase_file: /etc/m365_backup/passphrase
    member: alice@contoso.com
    folder: Inbox/Projects
    target_path: /srv/restore

- name: Give Alice back her mail as it was on a Monday morning, in her own mailbox
  tenantvault.m365_backup.m365_backup_restore:
    plan: sales-and-marketing
    passphrase_file: /etc/m365_backup/passphrase
    tenant_id: contoso.onmicrosoft.com
    client_id: "{{ m365_client_id }}"
    client_secret: "{{ m365_client_secret }}"
    member: alice@contoso.com
    snapshot: "2026-11-23T08:00:00+01:00"
    target_mailbox: alice@contoso.com
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
  description: The folder of the host, or of the mailbox, that the messages are in now.
  type: str
  returned: success or partial failure
  sample: /srv/restore/alice@contoso.com
restored:
  description: How many messages were written, or would be in check mode.
  type: int
  returned: success or partial failure
  sample: 204
unchanged:
  description: How many were there already with the same content.
  type: int
  returned: success or partial failure
  sample: 0
restored_bytes:
  description: The size of what was written.
  type: int
  returned: success or partial failure
  sample: 23868000
folders:
  description: How many messages were written of each folder.
  type: dict
  returned: success or partial failure
  sample: {"Inbox/Projects": 204}
finding_count:
  description: How many messages could not be restored.
  type: int
  returned: success or partial failure
  sample: 0
findings:
  description: The first hundred messages that could not be restored, each with kind, object, reason, code and request_id.
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

import datetime
import typing as t
from pathlib import Path

from ansible_collections.tenantvault.m365_backup.plugins.module_utils._arguments import (
    ArgumentSpec,
    ReportedFailure,
    connection_arguments,
    connection_settings,
    passphrase_arguments,
    plan_reference_arguments,
    plan_store,
    read_passphrase,
    run_module,
    state_arguments,
    storage_arguments,
    storage_credentials,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.repository_access import open_plan_repository
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.run import Wanted, restore
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.sentences import failure_sentence, restore_sentence

if t.TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

OPTIONS = ArgumentSpec(
    options={
        "member": {"type": "str", "required": True},
        "snapshot": {"type": "str", "default": "latest"},
        "folder": {"type": "str"},
        "target_path": {"type": "path"},
        "target_mailbox": {"type": "str"},
        "target_folder": {"type": "str"},
        "lock_timeout": {"type": "int", "default": 600},
    },
    mutually_exclusive=(("target_path", "target_mailbox"),),
    required_one_of=(("target_path", "target_mailbox"),),
    required_by={"target_folder": ("target_mailbox",)},
)


def run(module: AnsibleModule) -> dict[str, t.Any]:
    """Do what the task declares."""
    params = module.params
    stored = plan_store(params).find(params["plan"])
    repository = open_plan_repository(stored, read_passphrase(params, stored.plan), storage_credentials(params))
    result = restore(
        Wanted(
            plan_name=stored.plan.name,
            snapshot=params["snapshot"],
            member=params["member"],
            folder=params["folder"],
            target_path=None if params["target_path"] is None else Path(params["target_path"]),
            target_member=params["target_mailbox"],
            target_folder=params["target_folder"],
        ),
        repository,
        settings_of=lambda: connection_settings(params),
        now=datetime.datetime.now(datetime.timezone.utc),
        lock_timeout=params["lock_timeout"],
        is_check=module.check_mode,
    )
    for warning in result.warnings:
        module.warn(warning)
    changed = result.restored > 0
    if result.findings:
        raise ReportedFailure(failure_sentence(result), result={"changed": changed, **result.as_dict()})
    return {"changed": changed, **result.as_dict(), "msg": restore_sentence(result, is_check=module.check_mode)}


def main() -> None:
    """Entry point of the module."""
    run_module(
        OPTIONS.merge(connection_arguments(), passphrase_arguments(), plan_reference_arguments(), state_arguments(), storage_arguments()),
        run,
    )


if __name__ == "__main__":
    main()

#!/usr/bin/python
# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: m365_backup_run
short_description: Run a group backup plan now
version_added: 1.0.0
description:
  - Backs up the mailboxes of every member of a stored plan into the plan's repository and leaves one restore point with
    the whole group. Mail, calendars, contacts, tasks, settings and, if the plan says so, archive mailboxes are its sources.
    The first run reads everything, each later one only what has changed.
  - The members are resolved anew at every run, so people who joined a group are covered. Whoever is no member any more stays in each
    new restore point with the last state, and is shown in RV(leavers) once and in RV(former) afterwards.
  - Before anything is read, the members are compared with the newest restore point of the plan. When more of them would leave at once
    than C(max_member_loss_percent) of the plan allows, or a group that had members has none, the task fails and says so.
    See O(confirm).
  - A source that cannot be read keeps its last good state and does not disturb the others. An item that cannot be read
    is named in the result and asked for again by the next run.
  - When nothing has changed since the last run, nothing is written and the task reports C(changed=false).
  - An interrupted run is continued by the next one from its last checkpoint.
  - On a host, one run of a plan goes on at a time; another one that is begun meanwhile fails at once and changes nothing. Several hosts may
    run a plan at the same time, see O(shards) and R(several hosts, ansible_collections.tenantvault.m365_backup.docsite.several_hosts).
  - If the plan has a malware scan, contents are scanned before they come into the restore point, each once for each version of the
    signatures. The engine has to find a harmless test virus before anything is read, in check mode, too.
author:
  - tenantvault contributors (@tenantvault)
extends_documentation_fragment:
  - tenantvault.m365_backup._attributes
  - tenantvault.m365_backup._attributes.m365
  - tenantvault.m365_backup._budget
  - tenantvault.m365_backup._connection
  - tenantvault.m365_backup._passphrase
  - tenantvault.m365_backup._plan
  - tenantvault.m365_backup._progress
  - tenantvault.m365_backup._state
  - tenantvault.m365_backup._storage
attributes:
  check_mode:
    support: full
    details: Asks Microsoft 365 what has changed and counts it. No item is read in full and nothing is written.
  diff_mode:
    support: none
    details: The counts of each member say what changed; the content of mail does not belong into a diff.
  idempotent:
    support: full
    details: The mailboxes of a tenant change all the time, and so does the result.
options:
  confirm:
    description:
      - What this task may do although it looks like a mistake.
      - V(member_loss) lets the run go on when more members leave at once than C(max_member_loss_percent) of the plan allows, or all of a
        group. Add it once, after you have seen whom the failed task has named. Nothing that is stored of them is removed by it.
      - Check mode fails in the same way without it.
    type: list
    elements: str
    choices: [member_loss]
    default: []
  fail_on_partial:
    description:
      - Whether the task fails when the run stored most but not all, so that a schedule or a pipeline notices.
      - The default is V(true), because a backup with findings is not a success. Set it to V(false) where you look at
        RV(outcome) yourself. A run in which no mailbox could be read fails in any case, and so does one that a signal has stopped.
    type: bool
    default: true
  lock_timeout:
    description:
      - How many seconds to wait while a prune has the repository for itself.
      - The default is ten minutes, which most prunes need less than.
    type: int
    default: 600
  max_minutes:
    description:
      - Have the run end after so many minutes, wherever it is. Nothing more is read then, what was read is kept as a checkpoint,
        and the next run goes on from there. The run is V(partial) and says so in RV(stopped).
      - The same happens when the window of the plan closes in which the run was begun, and when the task gets SIGTERM or SIGINT,
        as when its systemd service is stopped.
      - Ending takes some seconds, because what is on its way is stored first.
    type: int
  shard:
    description:
      - Which of O(shards) this host is. The run reads only the members that are its share, and the restore point that it leaves has the
        whole group all the same, with what the others have left.
      - RV(members) are then those of the share.
    type: str
  shards:
    description:
      - The names of all hosts that share the members of the plan, such as the names of a group in the inventory. Every host gets
        the same list, in any order, with its own name in O(shard).
      - Who backs up whom follows from the object ids of the members and these names, so that the hosts need not ask one another. A host
        that is added takes over only its share, and when one is taken off the list, only its members go to the others.
      - The repository of the plan must be one that all of them reach, mostly an object store.
      - O(hosts_at_once) is at least their number.
    type: list
    elements: str
  workers:
    description:
      - How many processes read members at the same time. Each takes about 150 MB of memory and at most one core.
      - Without it a run takes one for each core of this host, and fewer where they would not pay, as when little can have
        changed since the last run. Microsoft's limits count for each mailbox, so more processes do not ask any mailbox for more.
      - Use V(1) where memory is short.
    type: int
seealso:
  - module: tenantvault.m365_backup.m365_group_backup_plan
  - module: tenantvault.m365_backup.m365_backup_restore
  - module: tenantvault.m365_backup.m365_backup_scan
  - module: tenantvault.m365_backup.m365_malware_scanner_info
  - module: tenantvault.m365_backup.m365_backup_prune
"""

EXAMPLES = r"""
- name: Back up everybody in the plan
  tenantvault.m365_backup.m365_backup_run:
    plan: sales-and-marketing
    tenant_id: contoso.onmicrosoft.com
    client_id: "{{ m365_client_id }}"
    client_secret: "{{ m365_client_secret }}"
    passphrase_file: /etc/m365_backup/passphrase

- name: Go on with a large first backup for an hour
  tenantvault.m365_backup.m365_backup_run:
    plan: Sales and Marketing
    passphrase_file: /etc/m365_backup/passphrase
    max_minutes: 60
    fail_on_partial: false

- name: Back up the share of each host of the play
  tenantvault.m365_backup.m365_backup_run:
    plan: Sales and Marketing
    passphrase_file: /etc/m365_backup/passphrase
    shard: "{{ inventory_hostname }}"
    shards: "{{ groups['backup_hosts'] }}"

- name: See how much a run would have to read now
  tenantvault.m365_backup.m365_backup_run:
    plan: Sales and Marketing
    passphrase_file: /etc/m365_backup/passphrase
  check_mode: true
  register: preview
"""

RETURN = r"""
run_id:
  description: The id of the run, which its record and its restore point carry.
  type: str
  returned: success or partial failure
  sample: 20261123T223000Z-1f0c3a
plan:
  description: The name of the plan.
  type: str
  returned: success or partial failure
  sample: sales-and-marketing
outcome:
  description:
    - V(complete) when everything was stored, V(partial) when something was not, V(failed) when no mailbox could be read.
    - It is V(complete) as well when everything was stored and the plan has the task fail for malware.
  type: str
  returned: success or partial failure
  sample: complete
stopped:
  description:
    - Why the run ended before it was through, V(signal), V(window) or V(max_minutes); null when it was through.
    - What it did not come to the end of is named in RV(members), each source as a finding with the code V(stopped). It keeps its last
      good state until the next run.
  type: str
  returned: success or partial failure
  sample: null
snapshot_id:
  description:
    - The id of the restore point; null when nothing had changed, and in check mode.
    - That of a checkpoint when the run was stopped, or null if nothing was read by then.
  type: str
  returned: success or partial failure
  sample: 3bd1f5d3f0f6b4a9c8c5f6dd1f0e2c4a1b2c3d4e5f60718293a4b5c6d7e8f901
restore_point:
  description:
    - The first id of the restore point that has what the run has read. It is that of an earlier run when nothing had changed, and null
      when there is none.
  type: str
  returned: success or partial failure
  sample: 3bd1f5d3f0f6b4a9c8c5f6dd1f0e2c4a1b2c3d4e5f60718293a4b5c6d7e8f901
start:
  description: When the run began, in UTC.
  type: str
  returned: success or partial failure
  sample: "2026-11-23T22:30:00+00:00"
end:
  description: When the run ended, in UTC.
  type: str
  returned: success or partial failure
  sample: "2026-11-23T22:34:12+00:00"
counts:
  description: Items of all members together. In check mode, what a run would do.
  type: dict
  returned: success or partial failure
  sample:
    added: 20
    fetched: 20
    fetched_bytes: 2340000
    moved: 5
    removed: 5
    stored_bytes: 1420000
    total: 2040
    updated: 5
  contains:
    total:
      description: How many the restore point holds.
      type: int
      returned: always
    added:
      description: New ones.
      type: int
      returned: always
    updated:
      description: Changed ones, such as read or flagged.
      type: int
      returned: always
    moved:
      description: Those that are in another folder now.
      type: int
      returned: always
    removed:
      description: Those that are gone from the mailbox. Older restore points keep them.
      type: int
      returned: always
    fetched:
      description: How many were read from Microsoft 365 in full.
      type: int
      returned: always
    fetched_bytes:
      description: Their size.
      type: int
      returned: always
    stored_bytes:
      description: What they added to the repository, compressed and without what it had already.
      type: int
      returned: always
members:
  description: Each member with the outcome, the counts and the findings of each source.
  type: list
  elements: dict
  returned: success or partial failure
  sample:
    - id: 7c9f5a52-7a4e-4e43-9d63-1f0a5f4f9a10
      principal_name: alice@contoso.com
      display_name: Alice Lind
      kind: user
      is_blocked: false
      is_licensed: true
      outcome: complete
      sources: {"mail": {"outcome": "complete", "total": 204, "added": 2, "findings": []}}
  contains:
    id:
      description: The object id in the directory.
      type: str
      returned: always
    principal_name:
      description: The user principal name.
      type: str
      returned: always
    display_name:
      description: The display name.
      type: str
      returned: always
    kind:
      description: V(user), V(shared), V(room), V(equipment) or V(other); null where nobody could tell.
      type: str
      returned: always
    is_blocked:
      description: Whether the user cannot sign in. What is in Microsoft 365 is backed up all the same.
      type: bool
      returned: always
    is_licensed:
      description: Whether the user has a licence for what the plan backs up; null where nobody could tell.
      type: bool
      returned: always
    outcome:
      description: V(complete), V(partial) or V(failed).
      type: str
      returned: always
    sources:
      description:
        - Each source, such as C(mail), with its outcome, the counts as above, C(finding_count),
          C(findings) (the first hundred, each with kind, object, reason, code and request_id),
          C(left_out) (folders that are never backed up, such as the outbox), C(last_success) and C(availability).
        - The C(availability) of an archive is V(backed_up), V(no_archive), V(not_available_in_this_cloud) or V(refused) with the
          code of the service. It is V(no_mailbox) for members without a mailbox, and mostly empty for other sources.
        - That of a OneDrive is V(no_drive) for a member who has none, V(no_sharepoint_licence) in a tenant without SharePoint, and
          V(drive_locked) where an administrator has locked it. None of these is a failure, unless the drive is in the repository
          already; then the source fails, and keeps its last good state.
        - A file that Microsoft does not deliver is a finding of the kind V(skipped), with V(malware), V(locked) or V(notebook_part) as
          its code. It is asked for again by each run.
        - With a malware scan C(scan) has the counts of the source as in RV(scan). Contents that were stored without a scan are one finding
          with the code V(unscanned).
      type: dict
      returned: always
joiners:
  description: Members that the newest restore point did not have, or had as leavers. After the first run these are all members.
  type: list
  elements: dict
  returned: success or partial failure
  sample:
    - id: 0d6c3c3b-2f50-4a1d-8a26-1d9f0a7d2c11
      principal_name: dora@contoso.com
      display_name: Dora Ek
      mail: dora@contoso.com
      via: [group Sales]
      kind: user
      is_blocked: false
      is_licensed: true
  contains:
    id:
      description: The object id in the directory.
      type: str
      returned: always
    principal_name:
      description: The user principal name.
      type: str
      returned: always
    via:
      description: The declared entries that cover the member.
      type: list
      elements: str
      returned: always
leavers:
  description:
    - Those who were members in the newest restore point and are none any more. What is stored of them stays, in the new restore
      point, too, until the plan's policy for leavers or a task removes it.
  type: list
  elements: dict
  returned: success or partial failure
  sample:
    - id: 5b1f3a52-7a4e-4e43-9d63-1f0a5f4f9a77
      principal_name: bob@contoso.com
      display_name: Bob Ray
      left: "2026-11-23T22:30:00+00:00"
      reason: deleted
      deleted: "2026-11-23T09:12:44+00:00"
      expires: "2027-11-23T22:30:00+00:00"
  contains:
    id:
      description: The object id that the account has or had in the directory.
      type: str
      returned: always
    principal_name:
      description: The last user principal name.
      type: str
      returned: always
    display_name:
      description: The last display name.
      type: str
      returned: always
    left:
      description: When a run found that the member had left, in UTC.
      type: str
      returned: always
    reason:
      description:
        - V(not_selected), V(excluded), V(guest), V(unlicensed) or V(mailbox_kind) by what the selection of the plan says, V(deleted) for
          an account that can still be restored in Entra, V(purged) for one that cannot; null where nobody could tell.
      type: str
      returned: always
    deleted:
      description: When Entra deleted the account, null where it did not.
      type: str
      returned: always
    expires:
      description: From when on a prune removes what is stored of the member, null where no date is set.
      type: str
      returned: always
former:
  description: Those who have left before, as in RV(leavers).
  type: list
  elements: dict
  returned: success or partial failure
  sample: []
unresolved:
  description: Sentences about declared entries that the directory does not know any more. With any the run is V(partial).
  type: list
  elements: str
  returned: success or partial failure
  sample: []
stored_bytes:
  description: By how much the run made the repository larger, in bytes, with the structure around the messages.
  type: int
  returned: success or partial failure
  sample: 1530211
requests:
  description: How many requests were sent to Microsoft 365.
  type: int
  returned: success or partial failure
  sample: 143
throttled_seconds:
  description: How long the run waited because Microsoft 365 asked it to.
  type: float
  returned: success or partial failure
  sample: 0.0
scan:
  description: What the malware scan did. In check mode, which engine there is.
  type: dict
  returned: success or partial failure, for plans with a malware scan
  sample:
    engine: clamav
    engine_version: 1.4.6
    database: 1.4.6/27463
    database_released: "2026-11-23T08:26:01Z"
    scanned: 19
    known: 1
    clean: 19
    infected: 1
    unscannable: 0
    unscanned: 0
    scanned_bytes: 2310000
    flagged:
      - member: alice@contoso.com
        source: mail
        folder: Inbox
        name: Your invoice
        verdict: infected
        names: [Win.Test.EICAR_HDB-1]
        engine: clamav
        database: 1.4.6/27463
        time: "2026-11-23T22:31:40Z"
  contains:
    engine:
      description: V(clamav) or V(yara).
      type: str
      returned: always
    engine_version:
      description: The version of the program.
      type: str
      returned: always
    database:
      description: The version of its signatures or rules. When it changes, contents that come by are scanned anew.
      type: str
      returned: always
    database_released:
      description: When the signatures were made, empty if nobody knows.
      type: str
      returned: always
    scanned:
      description: How many contents the engine looked at. A message is one content, a file of a drive and each earlier version, too.
      type: int
      returned: always
    known:
      description: How many contents had a verdict of these signatures already.
      type: int
      returned: always
    clean:
      description: In how many of these nothing was found.
      type: int
      returned: always
    infected:
      description: In how many of these malware was found.
      type: int
      returned: always
    unscannable:
      description: How many of these the engine could not look into, or not into everything, for a reason that the entry gives.
      type: int
      returned: always
    unscanned:
      description:
        - How many contents were stored without a scan because the engine did not answer. It can only happen where the plan has
          V(backup_unscanned), makes the run V(partial), and the next run scans them.
      type: int
      returned: always
    scanned_bytes:
      description: How many bytes the engine looked at.
      type: int
      returned: always
    flagged:
      description:
        - The first hundred items that are not clean, infected ones first, each with C(member), C(source), C(folder), C(name), and C(part)
          where it is an attachment or an earlier version; then C(verdict), the C(names) of what was found or the C(reason),
          C(engine), C(database) and C(time).
        - An item is named by the run that stores it, and after an interrupted run by the next one.
      type: list
      elements: dict
      returned: always
estimate:
  description: What a run would have to read of OneDrives, and how long that takes at least by the limits of Microsoft.
  type: dict
  returned: in check mode, for plans of type C(onedrive)
  sample: {files: 1200, bytes: 1903427000, resource_units: 1200, minutes_at_least: 1}
  contains:
    files:
      description: How many files are new or have other content.
      type: int
      returned: always
    bytes:
      description: Their size.
      type: int
      returned: always
    resource_units:
      description: What reading them costs of what Microsoft allows the app, see O(tenant_licenses).
      type: int
      returned: always
    minutes_at_least:
      description: How long that takes at least, on any hardware.
      type: int
      returned: always
msg:
  description: What the run did, in a sentence.
  type: str
  returned: always
  sample: "12 members backed up: 20 added, 5 updated, 5 moved, 5 removed; 2,448 items of theirs in the restore point, 1.5 MiB stored."
"""

import dataclasses
import typing as t
from pathlib import Path

from ansible_collections.tenantvault.m365_backup.plugins.module_utils._arguments import (
    ArgumentSpec,
    ReportedFailure,
    group_arguments,
    metered,
    noted_as,
    plan_reference_arguments,
    progress_arguments,
    run_module,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils._parameters import (
    connection_settings,
    plan_store,
    read_passphrase,
    storage_credentials,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.results import Outcome
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.run import back_up
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.scan_sentences import refused_sentence
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.sentences import failure_sentence, run_sentence
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.stopping import StopReason
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.guards import Guard
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.shards import share_of

if t.TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

    from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.results import RunResult
    from ansible_collections.tenantvault.m365_backup.plugins.module_utils.report.progress import Meter

OPTIONS = ArgumentSpec(
    options={
        "confirm": {"type": "list", "elements": "str", "choices": [Guard.MEMBER_LOSS.value], "default": []},
        "fail_on_partial": {"type": "bool", "default": True},
        "lock_timeout": {"type": "int", "default": 600},
        "max_minutes": {"type": "int"},
        "shard": {"type": "str"},
        "shards": {"type": "list", "elements": "str"},
        "workers": {"type": "int"},
    },
    required_together=(("shard", "shards"),),
)


def run(module: AnsibleModule) -> dict[str, t.Any]:
    """Do what the task declares."""
    with metered(module, "run") as meter:
        result = _back_up(module, meter)
    for warning in result.warnings:
        module.warn(warning)
    is_bad = result.outcome is Outcome.FAILED or (result.outcome is Outcome.PARTIAL and module.params["fail_on_partial"])
    if is_bad or (result.stopped is not None and result.stopped.reason is StopReason.SIGNAL):
        raise ReportedFailure(failure_sentence(result), result=result.as_dict())
    if result.refused:
        raise ReportedFailure(refused_sentence(result), result=result.as_dict())
    if result.outcome is Outcome.PARTIAL:
        module.warn(failure_sentence(result))
    return {**result.as_dict(), "msg": run_sentence(result, is_check=module.check_mode)}


def _back_up(module: AnsibleModule, meter: Meter) -> RunResult:
    settings = connection_settings(module.params)
    share = share_of(module.params["shard"], module.params["shards"])
    if share is not None:
        settings = dataclasses.replace(settings, hosts_at_once=max(settings.hosts_at_once, len(share.names)))
    return back_up(
        module.params["plan"],
        store=plan_store(module.params),
        state_path=Path(module.params["state_path"]),
        settings=settings,
        passphrase_of=lambda plan: read_passphrase(module.params, plan),
        is_check=module.check_mode,
        lock_timeout=module.params["lock_timeout"],
        credentials=storage_credentials(module.params),
        workers=module.params["workers"],
        confirmed=module.params["confirm"],
        max_minutes=module.params["max_minutes"],
        meter=meter,
        share=share,
    )


def main() -> None:
    """Entry point of the module."""
    run_module(OPTIONS.merge(group_arguments(), plan_reference_arguments(), progress_arguments()), noted_as("run", run))


if __name__ == "__main__":
    main()

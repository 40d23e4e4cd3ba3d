#!/usr/bin/python
# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: m365_backup_scan
short_description: Scan stored backups for malware with today's signatures
version_added: 1.0.0
description:
  - Has the restore points of a group backup plan scanned by a malware engine. Signatures of today find what nobody knew when the items were
    backed up.
  - Each content is scanned once by a version of the engine's database, whichever restore points, members and plans share it, and whoever
    has scanned it. When neither the backups nor the database have changed, there is nothing to do.
  - Verdicts are kept in the repository. They are saved every few minutes, so the next task goes on where one was interrupted. Restores
    and listings go by the newest verdict of a content.
  - Nothing is ever removed from a backup. See R(the guide,ansible_collections.tenantvault.m365_backup.docsite.malware) for what infected
    items mean, and for what an engine cannot find.
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
    details:
      - Tests the engine and says how much there is to scan, in RV(remaining) and RV(remaining_bytes). It writes nothing and takes no lock,
        so it also works with a read-only copy.
      - What stored verdicts say already is in the result, too.
  diff_mode:
    support: none
    details: What was found is in the result.
  idempotent:
    support: full
    details: Scans nothing when the engine's database has judged everything.
options:
  snapshots:
    description:
      - Which restore points to scan. V(all), V(latest), the beginning of an id of at least 8 characters, or a time with its zone, which
        means the last one before it.
    type: list
    elements: str
    default: [all]
  snapshots_after:
    description:
      - Of these, only restore points made at or after this time, in ISO 8601 with its zone.
    type: str
  snapshots_before:
    description:
      - Of these, only restore points made before this time, in ISO 8601 with its zone.
    type: str
  members:
    description:
      - Whose items to scan, by user principal name or object id. Everybody's if empty.
    type: list
    elements: str
    default: []
  sources:
    description:
      - Which sources to scan. All if empty. Settings of a mailbox hold nothing that an engine could look at.
    type: list
    elements: str
    choices: [mail, calendar, contacts, tasks, archive, onedrive]
    default: []
  engine:
    description:
      - Which engine scans. V(clamav) is a daemon C(clamd). V(yara) is built in and looks for your rules. V(auto) takes clamd when it
        answers, otherwise YARA if there are rules.
      - If not given, it is what the plan says in C(malware_scan). A plan that does not scan while it backs up can be scanned
        by this module all the same; then V(auto) is the default.
      - What another engine has found stays infected, whatever this one says. Verdicts of the same engine are replaced by newer ones, so
        with V(yara) give the rules of the plan as well if it scans with V(yara).
      - An engine that does not find the test virus EICAR is not used; the task fails.
    type: str
    choices: [auto, clamav, yara]
  socket:
    description:
      - Where clamd listens, as a path or as C(tcp://host:port).
      - If not given, it is what the plan says, and V(/run/clamav/clamd.ctl) when it says nothing.
    type: str
  rules:
    description:
      - Files and folders with YARA rules.
      - If not given, they are what the plan says.
    type: list
    elements: path
  size_limit_mb:
    description:
      - Contents larger than this many MiB are not scanned. They are reported as C(unscannable), and scanned when a later task has a
        higher limit.
      - If not given, it is what the plan says, and V(200) when it says nothing.
    type: int
  max_minutes:
    description:
      - After so many minutes the scan ends in good order, and the next task goes on from there. RV(remaining) says how much is left.
      - Without it, the scan ends when everything is scanned.
    type: int
  fail_on:
    description:
      - When infected contents make the task fail.
      - V(new) means those that no scan had found before. V(any) means all of the restore points that are looked at. With V(nothing),
        look at RV(newly_infected) in a later task.
      - All verdicts are kept in any case. What a task found that was killed is no longer V(new) to the next one.
    type: str
    choices: [new, any, nothing]
    default: new
  lock_timeout:
    description:
      - How many seconds to wait while a prune or a repair has the repository for itself.
    type: int
    default: 600
notes:
  - Scanning stored backups does not connect to the tenant. The options for the connection are accepted so that the same
    C(module_defaults) serve all modules of the action group.
  - As many contents are scanned at once as the host has cores. The engine's CPU sets the pace, and clamd manages some 200 messages a second
    and core. With an object store, all contents that are to be scanned are downloaded.
seealso:
  - module: tenantvault.m365_backup.m365_backup_item_info
  - module: tenantvault.m365_backup.m365_backup_restore
  - module: tenantvault.m365_backup.m365_backup_run
  - module: tenantvault.m365_backup.m365_group_backup_plan
"""

EXAMPLES = r"""
- name: Every night scan for some hours what today's signatures have not seen
  tenantvault.m365_backup.m365_backup_scan:
    plan: sales-and-marketing
    max_minutes: 240
    passphrase: "{{ m365_backup_passphrase }}"

- name: Say how much there would be to scan
  tenantvault.m365_backup.m365_backup_scan:
    plan: sales-and-marketing
    passphrase_file: /etc/m365_backup/passphrase
  check_mode: true

- name: Look for a new threat with rules of your own before a mailbox is restored
  tenantvault.m365_backup.m365_backup_scan:
    plan: Sales and Marketing
    members: [adele@contoso.com]
    snapshots: [latest]
    engine: yara
    rules: [/etc/m365_backup/incident-4711.yar]
    fail_on: any
"""

RETURN = r"""
plan:
  description: The name of the plan.
  type: str
  returned: success or a failure with a result
  sample: sales-and-marketing
repository:
  description: The location of the repository.
  type: str
  returned: success or a failure with a result
  sample: /srv/backup/m365
engine:
  description: Which engine scanned, V(clamav) or V(yara).
  type: str
  returned: success or a failure with a result
  sample: clamav
engine_version:
  description: Its version.
  type: str
  returned: success or a failure with a result
  sample: "1.4.6"
database:
  description: The version of what it looks for. Contents are scanned again when this changes.
  type: str
  returned: success or a failure with a result
  sample: 1.4.6/27463
database_released:
  description: When its signatures were made. Empty when nobody knows.
  type: str
  returned: success or a failure with a result
  sample: "2026-10-01T08:26:04Z"
snapshots:
  description: The restore points that were looked at, oldest first.
  type: list
  elements: dict
  returned: success or a failure with a result
  contains:
    id:
      description: The id.
      type: str
      returned: always
    time:
      description: When it was made.
      type: str
      returned: always
  sample:
    - id: 3bd1f5d3f0f6b4a9c8c5f6dd1f0e2c4a1b2c3d4e5f60718293a4b5c6d7e8f901
      time: "2026-10-01T20:30:07+00:00"
contents:
  description: How many different contents they hold. What several items or restore points share counts once.
  type: int
  returned: success or a failure with a result
  sample: 231205
contents_bytes:
  description: Their size in bytes.
  type: int
  returned: success or a failure with a result
  sample: 18253611008
known:
  description: How many of them the engine's database had judged before.
  type: int
  returned: success or a failure with a result
  sample: 190000
scanned:
  description: How many were scanned by this task.
  type: int
  returned: success or a failure with a result
  sample: 41205
scanned_bytes:
  description: Their size in bytes.
  type: int
  returned: success or a failure with a result
  sample: 3221225472
remaining:
  description: How many still need a scan by this database. In check mode that is what there is to do.
  type: int
  returned: success or a failure with a result
  sample: 0
remaining_bytes:
  description: Their size in bytes.
  type: int
  returned: success or a failure with a result
  sample: 0
stopped:
  description: V(signal) if somebody ended the task while it scanned. Then it fails, and what it had scanned is kept. Otherwise null.
  type: str
  returned: success or a failure with a result
  sample: null
unreadable:
  description: How many the repository has lost. They are named in RV(findings).
  type: int
  returned: success or a failure with a result
  sample: 0
clean:
  description: How many contents are clean by the verdict of this database.
  type: int
  returned: success or a failure with a result
  sample: 231190
infected:
  description: How many contents are infected by the verdict of this database.
  type: int
  returned: success or a failure with a result
  sample: 3
unscannable:
  description: How many contents the engine could not look into, such as encrypted archives.
  type: int
  returned: success or a failure with a result
  sample: 12
newly_infected:
  description: How many are infected that were not so by the verdict before, or had none.
  type: int
  returned: success or a failure with a result
  sample: 1
no_longer_infected:
  description: How many were infected by the verdict before and are not by this one, such as after a false alarm was withdrawn.
  type: int
  returned: success or a failure with a result
  sample: 0
flagged:
  description:
    - The items that are not clean. Infected ones come first, and of these the new ones. At most a hundred of each task;
      M(tenantvault.m365_backup.m365_backup_item_info) lists all.
  type: list
  elements: dict
  returned: success or a failure with a result
  contains:
    member:
      description: Whose item it is, by user principal name.
      type: str
      returned: always
    member_id:
      description: The object id of the member.
      type: str
      returned: always
    display_name:
      description: The display name of the member.
      type: str
      returned: always
    source:
      description: Where it lies, such as V(mail) or V(onedrive).
      type: str
      returned: always
    folder:
      description: The folder, by the names from the top.
      type: str
      returned: always
    name:
      description: The subject of a message or the name of a file.
      type: str
      returned: always
    part:
      description: The attachment or the earlier version that has the content. Empty when it is the item itself.
      type: str
      returned: always
    received:
      description: When the message came in, the event begins, or the file was last changed.
      type: str
      returned: always
    id:
      description: The id of the item. Empty when its record cannot be read.
      type: str
      returned: always
    description:
      description: The item in words.
      type: str
      returned: always
    size:
      description: The size of the content in bytes.
      type: int
      returned: always
    verdict:
      description: V(infected) or V(unscannable).
      type: str
      returned: always
    names:
      description: What was found, by the names of the engine.
      type: list
      elements: str
      returned: always
    reason:
      description: Why the content could not be looked into.
      type: str
      returned: always
    engine:
      description: Which engine said so.
      type: str
      returned: always
    database:
      description: With which database.
      type: str
      returned: always
    time:
      description: When.
      type: str
      returned: always
    previous_verdict:
      description: The verdict before. Empty when there was none. The same as RV(flagged[].verdict) when it is no news.
      type: str
      returned: always
    previous_names:
      description: What was found then.
      type: list
      elements: str
      returned: always
    first_snapshot:
      description: The first of RV(snapshots) that has the item with this content, with its id and time.
      type: dict
      returned: always
    last_snapshot:
      description: The last one.
      type: dict
      returned: always
  sample:
    - member: adele@contoso.com
      member_id: 87d349ed-44d7-43e1-9a83-5f2406dee5bd
      display_name: Adele Vance
      source: mail
      folder: Inbox
      name: Your invoice
      part: ""
      received: 2026-05-17 08:12:05 UTC
      id: AAMkAGI2THVSAAA=
      description: the message "Your invoice" in Inbox of Adele Vance (adele@contoso.com), received 2026-05-17 08:12:05 UTC
      size: 81920
      verdict: infected
      names: [Win.Trojan.Agent-1]
      reason: ""
      engine: clamav
      database: 1.4.6/27463
      time: "2026-10-01T22:14:09Z"
      previous_verdict: clean
      previous_names: []
      first_snapshot:
        id: 81d4c0f3a5b6978812fe34dc56ba7890a1b2c3d4e5f60718293a4b5c6d7e8f90
        time: "2026-05-17T20:30:05+00:00"
      last_snapshot:
        id: 3bd1f5d3f0f6b4a9c8c5f6dd1f0e2c4a1b2c3d4e5f60718293a4b5c6d7e8f901
        time: "2026-10-01T20:30:07+00:00"
cleared:
  description: Items that were infected by the verdict before and are not any more, described as in RV(flagged). At most a hundred.
  type: list
  elements: dict
  returned: success or a failure with a result
  sample: []
finding_count:
  description: How much could not be looked at, because the repository is damaged. Then the task fails.
  type: int
  returned: success or a failure with a result
  sample: 0
findings:
  description: What that is. At most a hundred.
  type: list
  elements: dict
  returned: success or a failure with a result
  contains:
    kind:
      description: V(failed).
      type: str
      returned: always
    object:
      description: The item, folder or restore point.
      type: str
      returned: always
    reason:
      description: Why, and what to do.
      type: str
      returned: always
    code:
      description: A word for the reason, if there is one.
      type: str
      returned: always
    request_id:
      description: Always empty.
      type: str
      returned: always
  sample: []
msg:
  description: What was scanned and found, in some sentences.
  type: str
  returned: always
  sample: "41,205 contents (3.0 GiB) of 27 snapshots of the plan sales scanned with clamav, database 1.4.6/27463;
    190,000 were judged by it before. None is infected."
"""

import dataclasses
import datetime
import socket
import time
import typing as t

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
from ansible_collections.tenantvault.m365_backup.plugins.module_utils._errors import InputError
from ansible_collections.tenantvault.m365_backup.plugins.module_utils._parameters import plan_store, read_passphrase, storage_credentials
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.item_filter_options import moment_of
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.scan_again_result import scan_result
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.scan_walk import SCANNED_SOURCES
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.scanning_again import Scanned, Task, open_and_scan
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.model import MalwareScan, ScanEngine
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.repository_access import open_plan_repository
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.restore.snapshot_choice import choose_snapshots

if t.TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

    from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.scanning_again import Chooser

FAIL_ON = ("new", "any", "nothing")

OPTIONS = ArgumentSpec(
    options={
        "snapshots": {"type": "list", "elements": "str", "default": ["all"]},
        "snapshots_after": {"type": "str"},
        "snapshots_before": {"type": "str"},
        "members": {"type": "list", "elements": "str", "default": []},
        "sources": {"type": "list", "elements": "str", "choices": list(SCANNED_SOURCES), "default": []},
        "engine": {"type": "str", "choices": [engine.value for engine in ScanEngine]},
        "socket": {"type": "str"},
        "rules": {"type": "list", "elements": "path"},
        "size_limit_mb": {"type": "int"},
        "max_minutes": {"type": "int"},
        "fail_on": {"type": "str", "choices": list(FAIL_ON), "default": FAIL_ON[0]},
        "lock_timeout": {"type": "int", "default": 600},
    },
)


def run(module: AnsibleModule) -> dict[str, t.Any]:
    """Do what the task declares."""
    params = module.params
    stored = plan_store(params).find(params["plan"])
    settings = _settings(params, stored.plan.malware_scan)
    task = Task(
        plan=stored.plan.name,
        members=tuple(params["members"]),
        sources=tuple(params["sources"]),
        seconds=None if params["max_minutes"] is None else 60.0 * params["max_minutes"],
        hostname=socket.gethostname(),
        now=_now,
        clock=time.monotonic,
        lock_timeout=params["lock_timeout"],
        is_check=module.check_mode,
    )
    repository = open_plan_repository(stored, read_passphrase(params, stored.plan), storage_credentials(params))
    with metered(module, "scan") as meter:
        found = open_and_scan(repository, settings, dataclasses.replace(task, advance=meter), _chooser(stored.plan.name, params))
    for warning in found.warnings:
        module.warn(warning)
    result = {"plan": stored.plan.name, "repository": stored.plan.repository}
    result |= scan_result(found, stored.plan.name, is_check=module.check_mode)
    if _is_failure(found, result, params["fail_on"]):
        raise ReportedFailure(result.pop("msg"), result=result)
    return result


def _settings(params: t.Mapping[str, t.Any], declared: MalwareScan) -> MalwareScan:
    """What the plan declares, with what the task says otherwise. Raises InputError."""
    for option in ("size_limit_mb", "max_minutes"):
        if params[option] is not None and params[option] < 1:
            raise InputError(f"With {option} {params[option]} nothing could be scanned.", hint=f"Let {option} be at least 1.")
    given = {name: params[name] for name in ("socket", "size_limit_mb") if params[name] is not None}
    if params["engine"] is not None:
        given["engine"] = ScanEngine(params["engine"])
    if params["rules"] is not None:
        given["rules"] = tuple(params["rules"])
    return dataclasses.replace(declared, **given)


def _chooser(plan_name: str, params: t.Mapping[str, t.Any]) -> Chooser:
    after, before = moment_of(params["snapshots_after"]), moment_of(params["snapshots_before"])
    return lambda listed, warn: choose_snapshots(listed, plan_name, params["snapshots"], after, before, warn)


def _is_failure(found: Scanned, result: t.Mapping[str, t.Any], fail_on: str) -> bool:
    infected = {"new": result["newly_infected"], "any": result["infected"], "nothing": 0}[fail_on]
    return found.down is not None or bool(result["finding_count"] or infected)


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.timezone.utc)


def main() -> None:
    """Entry point of the module."""
    run_module(OPTIONS.merge(group_arguments(), plan_reference_arguments(), progress_arguments()), noted_as("scan", run))


if __name__ == "__main__":
    main()

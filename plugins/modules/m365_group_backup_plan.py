#!/usr/bin/python
# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: m365_group_backup_plan
short_description: Declare which users of a Microsoft 365 tenant are backed up, how, and where to
version_added: 1.0.0
description:
  - Stores a group backup plan on the backup host and makes sure that its repository exists.
    The plan says who is backed up, what of them, when, for how long, and where to.
  - Everything is checked before anything is written. Users and groups are looked up in the directory of the tenant,
    the passphrase is tried on a repository that exists already, and the folders are checked to be writable.
  - Together with an encrypted repository it can make a recovery key, a second secret that opens it. It is handed out once, either through
    O(recovery_key_file) or through O(return_recovery_key). Without either there is none, and a warning says so; nothing secret is written
    to the host or to a log unasked.
  - The passphrase of a new repository must not be one that can be guessed. Repetitions, sequences, runs over a keyboard and
    well-known words are refused. A repository that exists is opened with the passphrase that it has.
  - The plan does not back up anything by itself. Run it with M(tenantvault.m365_backup.m365_backup_run).
  - Members are looked up again in each run, so that people who join a group later are covered without touching the plan. People who
    leave keep their backup as O(leavers) says.
  - Who joins and who leaves is told in comparison with the newest restore point of the plan. What would lose many members, backups that are
    there or the encryption stops the task, in check mode, too, until O(confirm) says that it is meant.
author:
  - tenantvault contributors (@tenantvault)
extends_documentation_fragment:
  - tenantvault.m365_backup._attributes
  - tenantvault.m365_backup._attributes.m365
  - tenantvault.m365_backup._budget
  - tenantvault.m365_backup._connection
  - tenantvault.m365_backup._passphrase
  - tenantvault.m365_backup._recovery
  - tenantvault.m365_backup._selection
  - tenantvault.m365_backup._state
  - tenantvault.m365_backup._storage
attributes:
  check_mode:
    support: full
    details:
      - The directory and a repository that exists are read in check mode, too. No repository is created.
      - What needs O(confirm) fails in check mode as it would without.
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  title:
    description:
      - The name under which people know the plan. It is free text of up to 120 characters.
      - Required unless O(state=absent) and O(name) is given.
    type: str
  name:
    description:
      - The stable name of the plan, which identifies it in file names and in the tags of its snapshots.
        It has small letters, digits, hyphens and underscores.
      - By default it is derived from the title, so V(Sales & Marketing) becomes V(sales-marketing).
      - To give a plan a new title and keep its history, declare its old name together with the new title.
    type: str
  backup_type:
    description:
      - What is backed up of each member, either V(mailbox) or V(onedrive). A plan has exactly one backup type.
        Declare a second plan for the other one.
      - Of V(onedrive) it is the default drive of each member, which people know as their OneDrive. A member without one is reported
        and is no failure; the drive is looked for again once a day.
      - Required if O(state=present).
    type: str
  schedule:
    description:
      - When the plan is to run. Without a schedule it runs only when a task or a job runs it.
    type: dict
    suboptions:
      every:
        description:
          - How often the plan runs. One of V(hourly), V(daily), V(weekly), V(monthly), or an interval that fits evenly into a day,
            such as V(15 minutes) or V(6 hours).
          - Exactly one of O(schedule.every) and O(schedule.calendar) is needed.
        type: str
      at:
        description:
          - The time of day, in quotes, such as V("22:30"). Without quotes YAML reads it as a number.
          - For intervals it is the first time of each day and less than one interval after midnight, where the default is V("00:00").
          - Else the default is V("23:00"), after the working day and outside the hours that changes of daylight saving time skip or repeat.
        type: str
      weekday:
        description:
          - The days of the week for O(schedule.every=weekly), in English, such as V(friday).
          - The default is V(sunday), when the fewest changes are made.
        type: list
        elements: str
      day:
        description:
          - The day of the month for O(schedule.every=monthly), V(1) to V(28) or V(last), so that no month is left out.
          - The default is V(1).
        type: str
      timezone:
        description:
          - The time zone of the schedule, and of the days, weeks and months that O(retention) counts, such as V(Europe/Berlin).
          - The default is V(UTC), since it means the same on each host and has no changes of daylight saving time.
        type: str
      calendar:
        description:
          - A calendar expression of systemd without a time zone, such as V(Mon..Fri *-*-* 22:30), for what O(schedule.every) cannot say.
        type: str
      window:
        description:
          - The hours of the day in which the plan may work. Runs start inside them only, and a run that is still at work at the end stops
            cleanly, keeps what it has read, and leaves the rest to the next run.
          - With a window and without O(schedule.at), daily, weekly and monthly plans run at its start.
        type: dict
        suboptions:
          start:
            description: The time of day from which on runs may start, in quotes, such as V("20:00").
            type: str
          end:
            description: The time of day at which runs stop, in quotes, such as V("06:00"). It may be on the next day.
            type: str
      spread_minutes:
        description:
          - Lets the plan run up to this many minutes later, V(0) to V(1439), so that plans with the same time do not start at once. By how
            many minutes is computed from the name of the plan and stays the same, so the next run is known exactly.
          - It cannot be combined with O(schedule.calendar). The default is V(0).
        type: int
  retention:
    description:
      - Which restore points M(tenantvault.m365_backup.m365_backup_prune) keeps. A restore point stays when at least one rule keeps it.
      - Without retention everything is kept forever, since nothing should be deleted that nobody decided to delete.
      - The rules are those of C(restic forget). As long as there are fewer hours, days, weeks, months or years than a rule asks for,
        the oldest restore point stays, too.
      - The last good state of each member stays whatever the rules say, also of members that have left as long as O(leavers) says so.
    type: dict
    suboptions:
      keep_last:
        description: Keep this many of the newest restore points.
        type: int
      keep_hourly:
        description: Keep the newest restore point of each of the last hours that have one, for this many hours.
        type: int
      keep_daily:
        description: Keep the newest restore point of each of the last days that have one, for this many days.
        type: int
      keep_weekly:
        description: Keep the newest restore point of each of the last weeks that have one, for this many weeks. Weeks begin on Monday.
        type: int
      keep_monthly:
        description: Keep the newest restore point of each of the last months that have one, for this many months.
        type: int
      keep_yearly:
        description: Keep the newest restore point of each of the last years that have one, for this many years.
        type: int
      keep_days:
        description: Keep each restore point that is not more than this many days older than the newest one.
        type: int
      minimum_age_days:
        description:
          - Keep everything until it is this many days old, whatever the other rules say. At least one of them is needed, too.
        type: int
      forever:
        description: Keep everything. It cannot be combined with other rules.
        type: bool
  leavers:
    description:
      - What becomes of the backups of people who are no members any more, because they left a group or the tenant, or are excluded.
      - Without it they stay until somebody removes them, since nothing should be deleted that nobody decided to delete.
        R(People who leave,ansible_collections.tenantvault.m365_backup.docsite.leavers) tells the whole story.
    type: dict
    suboptions:
      policy:
        description:
          - With V(keep_until_removed_by_hand), the default, they stay in each new restore point until a task with
            O(tenantvault.m365_backup.m365_backup_prune#module:remove_members) removes them.
          - With V(keep_forever) no task removes them either.
          - With V(expire_after_days) M(tenantvault.m365_backup.m365_backup_prune) removes them from all restore points O(leavers.days) days
            after they left.
        type: str
      days:
        description: After how many days the backups of leavers go. It is needed with O(leavers.policy=expire_after_days), and only there.
        type: int
  max_member_loss_percent:
    description:
      - How much of the members may be gone between two runs, V(0) to V(100). When more are gone, or when a group that had members is empty
        all of a sudden, the task and each run stop until O(confirm) has V(member_loss). One member may always leave.
      - The default is V(20), which is more than people leave in a day and less than a mistake in a group or a filter takes.
    type: int
  sources:
    description:
      - What of each mailbox is backed up. The default is everything, since what was left out is missed only when it is gone.
      - V(mail) are all mail folders, V(calendar) all calendars of the user with series and attachments, V(contacts) all contact
        folders with photos, V(tasks) the lists of To Do, and V(settings) automatic replies, working hours, inbox rules and categories.
      - Each one needs a permission of the application. Leave a source out when the application shall not have it.
        What was backed up before a source was left out stays in the repository.
      - It concerns O(backup_type=mailbox) only.
    type: list
    elements: str
    choices: [mail, calendar, contacts, tasks, settings]
  recoverable_items:
    description:
      - Whether mail that users have deleted from their deleted items is backed up, too, as long as Exchange keeps it.
      - The default is V(false), because each message would be in the backup a second time when it is deleted, and because
        these folders are large where a mailbox is on hold.
    type: bool
    default: false
  archive_mailboxes:
    description:
      - Whether the archive mailboxes of the members are backed up, too. Microsoft offers them through its import and export API only,
        which the global cloud has.
      - The result says for each member whether the archive was backed up, does not exist, or was refused. It needs permissions of its own.
      - The default is V(false), because most people have no archive.
    type: bool
    default: false
  versions:
    description:
      - How many earlier versions of each file are backed up with it, V(0) to V(500).
      - Versions are read when a file is read. Each file then costs two more of the resource units that Microsoft allows, and one or two
        for each version that is new. With one version of each file, a first backup takes about five times as long.
      - A higher number than before has the next run list the drives anew and read the versions of all files.
      - It concerns O(backup_type=onedrive) only. The default is V(0), since restore points keep what files were like at each run.
    type: int
  permissions:
    description:
      - Whether it is backed up who may do what with files and folders that are shared.
      - Each shared item whose permissions have changed costs five of the resource units that Microsoft allows, as much as five files.
        What is not shared costs nothing more.
      - The application needs the permission C(Sites.FullControl.All), without which Microsoft does not say that permissions have changed.
      - When it is switched on, the next run lists the drives anew.
      - It concerns O(backup_type=onedrive) only. The default is V(false).
    type: bool
  encryption:
    description:
      - How the repository is protected.
    type: dict
    suboptions:
      enabled:
        description:
          - Whether the repository is encrypted with your passphrase. That is the default, since backups hold all mail of your people.
          - When it is V(false), the repository is locked with a passphrase that is published in the source of this collection,
            so that everybody who can read the folder can read the backups. It cannot be switched later for the same repository.
        type: bool
        default: true
  malware_scan:
    description:
      - Whether contents are scanned for malware while they are backed up, as V(true) or V(false), or as a dictionary with the keys
        below. A dictionary means V(true), unless its C(enabled) is V(false). The default is off.
      - Messages are scanned as MIME, items of archive mailboxes as the MIME that can be made of their export streams, events, contacts
        and tasks by their texts and attachments, and files of a OneDrive with their earlier versions. Each content is scanned once for
        each version of the signatures, whatever number of items have it.
      - Infected items are stored, since a verdict may be wrong. They are marked in every listing, and neither restored nor exported
        unless asked for. R(Malware in backups,ansible_collections.tenantvault.m365_backup.docsite.malware) tells the whole story.
      - C(enabled) (V(true) or V(false)) switches the scan off without a loss of the other keys.
      - C(engine) is V(clamav) for the daemon clamd, V(yara) for rules of your own that are applied inside the run, or V(auto), the
        default, for clamd when it answers, else for YARA when there are C(rules).
      - C(socket) is where clamd listens, as an absolute path or as V(tcp://host:port). The default is V(/run/clamav/clamd.ctl), where
        Debian and Ubuntu have it. On Red Hat Enterprise Linux and its kin it is V(/run/clamd.scan/clamd.sock).
      - C(rules) is a list of files and folders with YARA rules on the backup host. They need the Python library C(boreal-python), 1.3 or
        later, and Python 3.11 or later.
      - C(on_infected) is V(keep_and_report), the default, for a warning and an entry in the result, or V(fail_run) for a run that stores
        everything and then fails.
      - C(on_unscannable) has the same choices for what the engine cannot look into, such as encrypted archives and what is over a limit.
      - C(on_scanner_down) says what becomes of contents when the engine does not answer. With V(fail), the default, they are not stored,
        the members concerned fail and keep what they had, and the next run tries again. With V(backup_unscanned) they are stored, the run
        ends V(partial), and the next run scans them.
      - C(size_limit_mb) is the size in MiB over which contents are not scanned, but count as unscannable. The default is V(200). The limits
        of clamd have to be at least as high (C(StreamMaxLength), C(MaxFileSize), C(MaxScanSize)).
    type: raw
  repository:
    description:
      - Where the backups are stored, either the absolute path of a folder on the backup host, or a place in an object store
        with an S3 API as V(s3://bucket/prefix). A folder is created if it is missing. A bucket is not.
      - It is a repository of restic in format 2, which C(restic) can read with the same passphrase. Several plans can share one.
      - Required if O(state=present).
    type: path
  s3:
    description:
      - How the object store of O(repository) is reached. It can only be given when O(repository) begins with V(s3://).
      - The credentials are no part of the plan. See O(s3_access_key_id).
    type: dict
    suboptions:
      endpoint:
        description:
          - The address of the service, such as V(https://s3.example.com:9000), without the bucket.
          - If not given, the environment variables E(AWS_ENDPOINT_URL_S3) and E(AWS_ENDPOINT_URL) are used, then the C(endpoint_url)
            of the AWS profile. Without any it is AWS itself.
        type: str
      region:
        description:
          - The region of the bucket.
          - If not given, the environment variables E(AWS_REGION) and E(AWS_DEFAULT_REGION) are used, then the C(region) of the AWS profile,
            and at last V(us-east-1), which is what most services other than AWS expect.
        type: str
      path_style:
        description:
          - Whether the bucket is named in the path of a request, as in C(https://host/bucket), and not in the name of the host.
          - By default it is V(true) where an endpoint is given, and V(false) for AWS itself.
        type: bool
      ca_bundle:
        description:
          - A file on the backup host with certificates in PEM format that are trusted besides those of the system.
            The option O(ca_bundle) does not count here, since it is for the connection to the tenant.
          - If not given, the environment variable E(AWS_CA_BUNDLE) is used, then the C(ca_bundle) of the AWS profile.
        type: path
      profile:
        description:
          - The AWS profile to take credentials and the settings above from, as far as they are not given.
            It is read from the files of the user that runs the module.
          - If not given, the environment variable E(AWS_PROFILE) names it. See O(s3_access_key_id) for the order.
        type: str
  confirm:
    description:
      - What the task may do although it looks like a mistake. It stops for each of them otherwise, before anything is written.
      - V(member_loss) for losing more members than O(max_member_loss_percent), in comparison with the newest restore point.
      - V(shorter_retention) for a O(retention) or a O(leavers) by which restore points that are there go earlier than before.
      - V(encryption_off) for going on without encryption in another repository.
      - V(orphaned_data) for another O(repository) or O(backup_type) while there are restore points that nothing would add to or prune any
        more. A repository that cannot be looked into counts as one with restore points.
    type: list
    elements: str
    choices: [member_loss, shorter_retention, encryption_off, orphaned_data]
    default: []
  state:
    description:
      - V(present) makes sure that the plan is stored as declared and that its repository exists.
      - V(absent) removes the stored plan from this host. The repository and all backups in it stay.
    type: str
    choices: [present, absent]
    default: present
seealso:
  - module: tenantvault.m365_backup.m365_directory_info
  - module: tenantvault.m365_backup.m365_group_backup_plan_info
  - module: tenantvault.m365_backup.m365_backup_run
  - module: tenantvault.m365_backup.m365_backup_prune
  - module: tenantvault.m365_backup.m365_backup_restore
  - module: tenantvault.m365_backup.m365_backup_scan
  - module: tenantvault.m365_backup.m365_malware_scanner_info
"""

EXAMPLES = r"""
- name: Back up the mailboxes of two departments every night
  tenantvault.m365_backup.m365_group_backup_plan:
    title: Sales and Marketing
    groups:
      - Sales
      - marketing@example.com
    users:
      - ceo@example.com
    backup_type: mailbox
    schedule:
      every: daily
      at: "22:30"
      timezone: Europe/Berlin
    retention:
      keep_daily: 14
      keep_weekly: 8
      keep_monthly: 24
    repository: /srv/backup/m365
    recovery_key_file: /root/sales-and-marketing.recovery-key
    passphrase: "{{ m365_backup_passphrase }}"
    tenant_id: "{{ m365_tenant_id }}"
    client_id: "{{ m365_client_id }}"
    client_secret: "{{ m365_client_secret }}"

- name: Make the repository, and keep its recovery key in a vault instead of a file
  tenantvault.m365_backup.m365_group_backup_plan:
    title: Sales and Marketing
    groups:
      - Sales
    backup_type: mailbox
    repository: /srv/backup/m365
    passphrase: "{{ m365_backup_passphrase }}"
    return_recovery_key: true
  register: applied
  no_log: true

- name: Store the recovery key
  community.hashi_vault.vault_kv2_write:
    path: m365_backup/sales-and-marketing
    data:
      recovery_key: "{{ applied.recovery_key }}"
  when: applied.recovery_key is defined
  no_log: true

- name: Back up everybody but contractors and meeting rooms, and forget leavers after half a year
  tenantvault.m365_backup.m365_group_backup_plan:
    title: Everybody
    all_users: true
    licensed_only: true
    mailbox_kinds: [user, shared]
    exclude:
      user_filter: employeeType eq 'Contractor'
      groups:
        - Test accounts
    backup_type: mailbox
    schedule:
      every: daily
      window:
        start: "20:00"
        end: "06:00"
      spread_minutes: 60
      timezone: Europe/Berlin
    retention:
      keep_daily: 30
      keep_monthly: 12
      minimum_age_days: 14
    leavers:
      policy: expire_after_days
      days: 180
    max_member_loss_percent: 10
    repository: /srv/backup/everybody
    passphrase: "{{ m365_backup_passphrase }}"

- name: Make the retention shorter, and say that it is meant
  tenantvault.m365_backup.m365_group_backup_plan:
    title: Sales and Marketing
    groups:
      - Sales
    backup_type: mailbox
    retention:
      keep_daily: 7
    repository: /srv/backup/m365
    passphrase: "{{ m365_backup_passphrase }}"
    confirm:
      - shorter_retention

- name: Scan everything with clamd, let the run fail when there is malware, and back up even while clamd is down
  tenantvault.m365_backup.m365_group_backup_plan:
    title: Finance
    groups:
      - Finance
    backup_type: onedrive
    versions: 5
    malware_scan:
      engine: clamav
      on_infected: fail_run
      on_scanner_down: backup_unscanned
    repository: /srv/backup/finance
    passphrase: "{{ m365_backup_passphrase }}"

- name: Give the plan a new title and keep its history
  tenantvault.m365_backup.m365_group_backup_plan:
    name: sales-and-marketing
    title: Growth
    groups:
      - Sales
      - marketing@example.com
    backup_type: mailbox
    repository: /srv/backup/m365
    passphrase_file: /etc/m365_backup/passphrase

- name: Remove the plan from this host and keep its backups
  tenantvault.m365_backup.m365_group_backup_plan:
    name: sales-and-marketing
    state: absent
"""

RETURN = r"""
plan:
  description:
    - The plan with all defaults filled in, in the shape of the module's options.
    - In check mode it is the plan as it would be stored.
  type: dict
  returned: success and O(state=present)
  sample:
    name: sales-and-marketing
    title: Sales and Marketing
    users: [ceo@example.com]
    groups: [marketing@example.com, Sales]
    administrative_units: []
    user_filter: null
    on_premises_ous: []
    all_users: false
    exclude: {groups: [Test accounts]}
    licensed_only: false
    include_guests: false
    mailbox_kinds: [user, shared, room, equipment, other]
    backup_type: mailbox
    schedule: {every: daily, at: "22:30", timezone: Europe/Berlin}
    retention: {keep_daily: 14, keep_weekly: 8, keep_monthly: 24}
    leavers: {policy: keep_until_removed_by_hand}
    max_member_loss_percent: 20
    sources: [mail, calendar, contacts, tasks, settings]
    recoverable_items: false
    archive_mailboxes: false
    versions: null
    permissions: null
    encryption: {enabled: true}
    malware_scan: {enabled: false}
    repository: /srv/backup/m365
    s3: null
  contains:
    name:
      description: The stable name.
      type: str
      returned: success
    title:
      description: The title.
      type: str
      returned: success
    users:
      description: The declared users, sorted.
      type: list
      elements: str
      returned: success
    groups:
      description: The declared groups, sorted.
      type: list
      elements: str
      returned: success
    administrative_units:
      description: The declared administrative units, sorted.
      type: list
      elements: str
      returned: success
    user_filter:
      description: The filter over users, or V(none) for a plan without one.
      type: str
      returned: success
    on_premises_ous:
      description: The declared organizational units, sorted.
      type: list
      elements: str
      returned: success
    all_users:
      description: Whether the plan covers every user of the tenant, except for those who are excluded.
      type: bool
      returned: success
    exclude:
      description: Who is excluded, in the ways that were declared, or V(none) if nobody is.
      type: dict
      returned: success
    licensed_only:
      description: Whether users without a licence for what is backed up are left out.
      type: bool
      returned: success
    include_guests:
      description: Whether guests are members.
      type: bool
      returned: success
    mailbox_kinds:
      description: The kinds of mailboxes that are members, or V(none) for a plan of drives.
      type: list
      elements: str
      returned: success
    backup_type:
      description: The backup type.
      type: str
      returned: success
    schedule:
      description:
        - The schedule with its defaults, or V(none) for a plan without one. It has a window and a spread only if they were declared.
      type: dict
      returned: success
    retention:
      description: The rules that are set.
      type: dict
      returned: success
    leavers:
      description: What becomes of the backups of people who are no members any more, with the keys of O(leavers).
      type: dict
      returned: success
    max_member_loss_percent:
      description: How much of the members may be gone between two runs.
      type: int
      returned: success
    sources:
      description: What of each mailbox is backed up.
      type: list
      elements: str
      returned: success
    recoverable_items:
      description: Whether mail that users have deleted for good is backed up as long as Exchange keeps it.
      type: bool
      returned: success
    archive_mailboxes:
      description: Whether archive mailboxes are backed up.
      type: bool
      returned: success
    versions:
      description: How many earlier versions of each file are backed up, or V(none) for a plan of mailboxes.
      type: int
      returned: success
    permissions:
      description: Whether permissions of shared items are backed up, or V(none) for a plan of mailboxes.
      type: bool
      returned: success
    encryption:
      description: Whether the repository is encrypted with your passphrase, as C(enabled).
      type: dict
      returned: success
    malware_scan:
      description: Whether and how contents are scanned, with the keys of O(malware_scan). Only C(enabled) where nothing was declared.
      type: dict
      returned: success
    repository:
      description: The location of the repository.
      type: str
      returned: success
    s3:
      description: How the object store is reached, as far as it was declared, or V(none) if nothing was.
      type: dict
      returned: success
members:
  description: The users that the plan covers now, sorted by sign-in name.
  type: list
  elements: dict
  returned: success and O(state=present)
  sample:
    - id: 5a1f3c0e-8c1d-4b8e-9a55-0f3f6f8f2f11
      principal_name: alice@example.com
      display_name: Alice Example
      mail: alice@example.com
      via: [group Sales]
      kind: user
      is_blocked: false
      is_licensed: true
  contains:
    id:
      description: The object id in the directory.
      type: str
      returned: success
    principal_name:
      description: The sign-in name.
      type: str
      returned: success
    display_name:
      description: The name that people see.
      type: str
      returned: success
    mail:
      description: The mail address, or V(none) for a user without one.
      type: str
      returned: success
    via:
      description: The declared entries through which the plan covers this user, such as C(user alice@example.com) or C(group Sales).
      type: list
      elements: str
      returned: success
    kind:
      description: The kind of the mailbox, or V(none) where nobody could tell. See O(mailbox_kinds).
      type: str
      returned: success
    is_blocked:
      description: Whether the user is blocked from signing in, which changes nothing about the backup.
      type: bool
      returned: success
    is_licensed:
      description: Whether the user has a licence for what the plan backs up, or V(none) where the application may not see it.
      type: bool
      returned: success
joiners:
  description:
    - Those of the members whom the newest restore point of the plan does not have, or has as somebody who left. Before the first run
      these are all members. They have the keys of RV(members).
  type: list
  elements: dict
  returned: success and O(state=present)
leavers:
  description:
    - Those whom the newest restore point has as members, and whom the plan does not cover any more. The next run marks them as such.
  type: list
  elements: dict
  returned: success and O(state=present)
  sample:
    - id: 0d6a1bb1-5b1a-4a41-8f0e-3c2f0f7a9a01
      principal_name: dave@example.com
      display_name: Dave Example
      left: null
      reason: deleted
      deleted: "2026-03-02T08:12:44+00:00"
      expires: null
  contains:
    id:
      description: The object id in the directory.
      type: str
      returned: success
    principal_name:
      description: The sign-in name.
      type: str
      returned: success
    display_name:
      description: The name that people see.
      type: str
      returned: success
    left:
      description: When a run found that the user is no member any more, or V(none) where none has run since.
      type: str
      returned: success
    reason:
      description:
        - Why, or V(none) where nobody could tell. One of V(not_selected), V(excluded), V(guest), V(unlicensed), V(mailbox_kind),
          V(deleted) for accounts that can be restored in Entra, and V(purged) for those that are gone.
      type: str
      returned: success
    deleted:
      description: When Entra deleted the account, or V(none).
      type: str
      returned: success
    expires:
      description: From when on prune removes the backup of the user, or V(none) where O(leavers) names no days.
      type: str
      returned: success
former:
  description: Those who had left already when the newest restore point was made, with the keys of RV(leavers).
  type: list
  elements: dict
  returned: success and O(state=present)
left_out:
  description: Users who are chosen and no members all the same.
  type: list
  elements: dict
  returned: success and O(state=present)
  sample:
    - id: 9e0f5a6c-0f0b-4f3a-8c55-2b1f8d7e6a10
      principal_name: gil_partner.example#EXT#@example.com
      display_name: Gil Guest
      via: [group Sales]
      reason: guest
      by: []
  contains:
    id:
      description: The object id in the directory.
      type: str
      returned: success
    principal_name:
      description: The sign-in name.
      type: str
      returned: success
    display_name:
      description: The name that people see.
      type: str
      returned: success
    via:
      description: The declared entries that choose this user.
      type: list
      elements: str
      returned: success
    reason:
      description: Why the user is no member, V(excluded), V(guest), V(unlicensed) or V(mailbox_kind).
      type: str
      returned: success
    by:
      description: The entries of O(exclude) that exclude this user. It is empty for other reasons.
      type: list
      elements: str
      returned: success
seats:
  description:
    - Who uses a seat, over all plans in the repository. Each user uses one, whatever number of plans covers the user.
      Shared, room and equipment mailboxes are free, and people who left are counted by themselves.
    - For this plan it counts the members as they are now, for the others those of their newest restore points.
  type: dict
  returned: success and O(state=present)
  sample:
    used: 42
    free: 3
    leavers: 1
    free_by_kind: {room: 1, shared: 2}
    plans: {sales-and-marketing: {used: 42, in_several_plans: 0, free: 3, leavers: 1}}
    table:
      - "plan                 seats  in several plans  free mailboxes  leavers"
      - "sales-and-marketing     42                 0               3        1"
      - "all plans               42                 0               3        1"
  contains:
    used:
      description: How many seats are used.
      type: int
      returned: success
    free:
      description: How many mailboxes are free.
      type: int
      returned: success
    leavers:
      description: How many users have left all plans, and still have a backup.
      type: int
      returned: success
    free_by_kind:
      description: How many mailboxes are free, by kind.
      type: dict
      returned: success
    plans:
      description: The same for each plan by itself, and how many of its seats another plan needs, too, as C(in_several_plans).
      type: dict
      returned: success
    table:
      description: All of it as the lines of a table.
      type: list
      elements: str
      returned: success
retention:
  description: What the rules of O(retention) mean.
  type: dict
  returned: success and O(state=present)
  contains:
    explanation:
      description: The rules in words.
      type: str
      returned: success
    forecast:
      description:
        - What there would be now if the plan had run by its schedule all the time, as the number of C(restore_points), the time of the
          C(oldest) and an C(explanation). It is V(none) without a schedule, and where everything is kept.
      type: dict
      returned: success
    snapshots:
      description: What the rules make of the restore points of the plan, oldest first.
      type: list
      elements: dict
      returned: when the rules are other ones than before, or the plan is new on this host, and there are restore points
      contains:
        id:
          description: The id of the restore point.
          type: str
          returned: always
        time:
          description: When it was made, in the time zone of the plan.
          type: str
          returned: always
        kept:
          description: Whether the next prune keeps it.
          type: bool
          returned: always
        is_checkpoint:
          description: Whether it is what an interrupted run has left.
          type: bool
          returned: always
        holds:
          description: The labels of the holds that protect it.
          type: list
          elements: str
          returned: always
        reasons:
          description: Why it is kept, or why it goes.
          type: list
          elements: str
          returned: always
    snapshots_kept:
      description: How many of them the next prune keeps.
      type: int
      returned: when RV(retention.snapshots) is
    snapshots_removed:
      description: How many of them the next prune removes.
      type: int
      returned: when RV(retention.snapshots) is
first_backup:
  description:
    - What the first backup will cost at least, by the usage report of Microsoft, which is some days old.
    - It is missing when the app may not read the report (it takes the permission C(Reports.Read.All)), in clouds without reports, and when
      the tenant conceals names in reports, as Microsoft 365 does unless an administrator decides otherwise.
    - For OneDrives a run in check mode counts exactly.
  type: dict
  returned: success, while the first backup is to come
  sample: {mailboxes: 412, item_count: 9840000, bytes: 1203427000000, requests: 9878220, archives: 0, minutes_at_least: 210}
  contains:
    mailboxes:
      description: How many mailboxes of members the report names.
      type: int
      returned: for mailboxes
    item_count:
      description: How many items of every kind are in them, with recoverable items where the plan has them backed up.
      type: int
      returned: for mailboxes
    requests:
      description: How many requests it takes to read them.
      type: int
      returned: for mailboxes
    archives:
      description: How many of them have an archive that the plan has backed up. It comes on top, since no report tells its size.
      type: int
      returned: for mailboxes
    files:
      description: How many files there are to read.
      type: int
      returned: for OneDrives
    resource_units:
      description: What reading them costs of what Microsoft allows the app, see O(tenant_licenses).
      type: int
      returned: for OneDrives
    bytes:
      description: The size of the items or files.
      type: int
      returned: always
    minutes_at_least:
      description:
        - How long that takes at least, on any hardware.
        - Of mailboxes the largest decides. Microsoft allows an app four requests at a time and 10,000 in ten minutes for each, and answers
          in a tenth of a second when nothing is slow.
      type: int
      returned: always
repository:
  description: The repository of the plan.
  type: dict
  returned: success
  sample: {path: /srv/backup/m365, id: 0f7c27f3e3b7bb47f0a6f8f4f1a8a5b3f4b6c1e0d2a35be5a87c9a4a1d1b2c3d, created: true}
  contains:
    path:
      description: Where it is.
      type: str
      returned: success
    id:
      description: The id that restic shows for it. It is missing in check mode when there is no repository yet.
      type: str
      returned: when there is a repository and O(state=present)
    created:
      description: Whether the task created it, or would create it without check mode.
      type: bool
      returned: success
recovery_key_file:
  description: The file that holds the recovery key of the new repository, or would in check mode.
  type: str
  returned: when the task created the repository and O(recovery_key_file) is given
  sample: /root/sales-and-marketing.recovery-key
recovery_key:
  description: The recovery key of the new repository. It is not shown again.
  type: str
  returned: when the task created the repository, O(return_recovery_key) is V(true), and not in check mode
  sample: ST1E-FEN9-BS2S-WX9C-57HF-3F7V-5Z7Q-7K0T-ZBPC-0BN3-9PA9-PKN2-P67T-G4Q9
schedule:
  description:
    - When the plan runs, for people, for systemd and for AWX. M(tenantvault.m365_backup.m365_group_backup_plan_info) shows the same.
  type: dict
  returned: success and O(state=present) and O(schedule) is given
  sample:
    explanation: every day at 22:30 Europe/Berlin
    on_calendar: ["*-*-* 22:30:00 Europe/Berlin"]
    next: ["2026-03-02T22:30:00+01:00", "2026-03-03T22:30:00+01:00", "2026-03-04T22:30:00+01:00"]
    longest_gap_hours: 25.0
    catches_up: true
    rrule: DTSTART;TZID=Europe/Berlin:20260101T223000 RRULE:FREQ=DAILY;INTERVAL=1
    rrule_reason: null
  contains:
    explanation:
      description: The schedule in words.
      type: str
      returned: success
    on_calendar:
      description: The schedule as calendar expressions of systemd, one or more for the C(OnCalendar) lines of a timer.
      type: list
      elements: str
      returned: success
    next:
      description: When the plan runs next, up to five times from the time of the task on.
      type: list
      elements: str
      returned: success
    longest_gap_hours:
      description: The longest time between two runs, or V(none) for a calendar that ends.
      type: float
      returned: success
    catches_up:
      description: >-
        Whether a run that was missed, such as while the host was off, is to be made up for later. Not with a window, since it would
        begin outside of it.
      type: bool
      returned: always
    rrule:
      description: The schedule as a rule for a job template of AWX, or V(none) where AWX cannot say it.
      type: str
      returned: success
    rrule_reason:
      description: Why AWX cannot say it, or V(none) where it can.
      type: str
      returned: success
needs_confirmation:
  description: What stopped the task, in the words of O(confirm).
  type: list
  elements: dict
  returned: when the task failed because something was not confirmed
  contains:
    word:
      description: What to add to O(confirm) if it is meant.
      type: str
      returned: always
    reason:
      description: What would happen.
      type: str
      returned: always
changes:
  description: The options whose values the task changed, or would change without check mode.
  type: list
  elements: dict
  returned: success
  sample: [{option: title, before: Sales, after: Sales and Marketing}]
  contains:
    option:
      description: The option.
      type: str
      returned: success
    before:
      description: The stored value, or V(none) when the plan was not stored.
      type: raw
      returned: success
    after:
      description: The declared value, or V(none) when the plan is removed.
      type: raw
      returned: success
msg:
  description: What the task did, in a sentence.
  type: str
  returned: success
  sample: "Plan sales-and-marketing is stored; it covers 42 members, 2 of them new; 1 member left."
"""

import typing as t

from ansible_collections.tenantvault.m365_backup.plugins.module_utils._arguments import (
    ArgumentSpec,
    group_arguments,
    recovery_arguments,
    recovery_handout,
    run_module,
    selection_arguments,
    switch_option,
    wants_diff,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils._parameters import (
    plan_store,
    read_passphrase,
    storage_credentials,
    tenant_connector,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.backed_up import StoredBackups, with_reasons
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.apply import apply_plan, remove_plan
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.apply_found import Host
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.document import plan_from_dict
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.guards import Guard
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.presentation import applied_result, removed_result
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.selection_options import declared_selection

if t.TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

PLAN_OPTIONS: dict[str, dict[str, t.Any]] = {
    "title": {"type": "str"},
    "name": {"type": "str"},
    "backup_type": {"type": "str"},
    "schedule": {
        "type": "dict",
        "options": {
            "every": {"type": "str"},
            "at": {"type": "str"},
            "weekday": {"type": "list", "elements": "str"},
            "day": {"type": "str"},
            "timezone": {"type": "str"},
            "calendar": {"type": "str"},
            "window": {"type": "dict", "options": {"start": {"type": "str"}, "end": {"type": "str"}}},
            "spread_minutes": {"type": "int"},
        },
    },
    "retention": {
        "type": "dict",
        "options": {
            "keep_last": {"type": "int"},
            "keep_hourly": {"type": "int"},
            "keep_daily": {"type": "int"},
            "keep_weekly": {"type": "int"},
            "keep_monthly": {"type": "int"},
            "keep_yearly": {"type": "int"},
            "keep_days": {"type": "int"},
            "minimum_age_days": {"type": "int"},
            "forever": {"type": "bool"},
        },
    },
    "leavers": {"type": "dict", "options": {"policy": {"type": "str"}, "days": {"type": "int"}}},
    "max_member_loss_percent": {"type": "int"},
    "sources": {"type": "list", "elements": "str", "choices": ["mail", "calendar", "contacts", "tasks", "settings"]},
    "recoverable_items": {"type": "bool", "default": False},
    "archive_mailboxes": {"type": "bool", "default": False},
    "versions": {"type": "int"},
    "permissions": {"type": "bool"},
    "encryption": {"type": "dict", "options": {"enabled": {"type": "bool", "default": True}}},
    "malware_scan": {"type": "raw"},
    "repository": {"type": "path"},
    "s3": {
        "type": "dict",
        "options": {
            "endpoint": {"type": "str"},
            "region": {"type": "str"},
            "path_style": {"type": "bool"},
            "ca_bundle": {"type": "path"},
            "profile": {"type": "str"},
        },
    },
}
OPTIONS = ArgumentSpec(
    options={
        **PLAN_OPTIONS,
        "confirm": {"type": "list", "elements": "str", "default": [], "choices": [guard.value for guard in Guard]},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    },
    required_one_of=(("title", "name"),),
)


def run(module: AnsibleModule) -> dict[str, t.Any]:
    """Do what the task declares."""
    params = module.params
    store = plan_store(params)
    if params["state"] == "absent":
        removed = remove_plan(store, name=params["name"], title=params["title"], check_mode=module.check_mode)
        for warning in removed.warnings:
            module.warn(warning)
        return removed_result(removed, check_mode=module.check_mode, diff=wants_diff(module))
    declaration = {option: params[option] for option in PLAN_OPTIONS}
    selection = declared_selection(params)
    plan = plan_from_dict({**declaration, **selection, "malware_scan": switch_option(params["malware_scan"])})
    applied = apply_plan(
        plan,
        Host(
            store=store,
            passphrase_of=lambda of_plan: read_passphrase(params, of_plan),
            connect=tenant_connector(params),
            backups=StoredBackups(),
            with_reasons=with_reasons,
            credentials=storage_credentials(params),
        ),
        is_name_derived=not params["name"],
        check_mode=module.check_mode,
        confirmed=params["confirm"],
        handout=recovery_handout(module),
    )
    for warning in applied.warnings:
        module.warn(warning)
    return applied_result(applied, check_mode=module.check_mode, diff=wants_diff(module))


def main() -> None:
    """Entry point of the module."""
    run_module(OPTIONS.merge(group_arguments(), recovery_arguments(), selection_arguments()), run)


if __name__ == "__main__":
    main()

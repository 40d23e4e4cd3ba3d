#!/usr/bin/python
# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: m365_backup_key
short_description: List, add, rotate, remove and prove the keys that open the repository of a plan
version_added: 1.0.0
description:
  - A repository has one master key. Each passphrase and each recovery key opens a small file that holds it. This module adds and removes
    such key files; the backups are not encrypted again, so it takes seconds whatever the size of the repository is.
  - Without options that ask for a change it lists the key files, and says which of them the given secrets open.
  - A key file is removed only after each new one was read back from the repository and has opened. A task that was interrupted at any
    point leaves a repository that opens with the old or the new secret, and is finished by running it again.
  - Keys belong to the repository. When several plans share one, a change counts for all of them.
author:
  - tenantvault contributors (@tenantvault)
extends_documentation_fragment:
  - tenantvault.m365_backup._attributes
  - tenantvault.m365_backup._attributes.m365
  - tenantvault.m365_backup._budget
  - tenantvault.m365_backup._connection
  - tenantvault.m365_backup._passphrase
  - tenantvault.m365_backup._plan
  - tenantvault.m365_backup._recovery
  - tenantvault.m365_backup._state
  - tenantvault.m365_backup._storage
attributes:
  check_mode:
    support: full
    details: The secrets are tried on the repository in check mode, too.
  diff_mode:
    support: full
  idempotent:
    support: partial
    details: >-
      With O(recovery_key_state=renewed) each run makes another recovery key, unless the file of O(recovery_key_file) exists or
      O(recovery_key) is given.
options:
  new_passphrase:
    description:
      - A passphrase that shall open the repository. It is added unless it does already.
      - It needs at least 45 characters that cannot be guessed. Repetitions, sequences, runs over a keyboard and well-known words are
        refused. The passphrases that open the repository already are not judged.
      - Mutually exclusive with O(new_passphrase_file).
    type: str
  new_passphrase_file:
    description:
      - A file on the host that runs the module, which holds the new passphrase and nothing else.
        Blanks and line ends around it do not count.
    type: path
  rotate:
    description:
      - Whether the new passphrase takes the place of all others. They are removed after the new one has been proven to open the repository,
        those that were added with C(restic key add), too. Recovery keys stay.
      - When O(passphrase) does not open the repository and the new one does, the rotation has been done before, and nothing changes.
      - Needs O(new_passphrase) or O(new_passphrase_file).
    type: bool
    default: false
  remove_keys:
    description:
      - Ids of key files that shall be removed, or the beginnings of ids. An id that the repository does not have counts as removed.
      - The key file that opened the repository is removed only if O(new_passphrase) opens it from then on,
        so that somebody can always get in.
    type: list
    elements: str
    default: []
  recovery_key:
    description:
      - A recovery key. Without O(recovery_key_state) it is proven to open the repository, and the task fails if it does not.
        With V(present) or V(renewed) it is the one that shall open it, in place of a generated one.
      - Capital and small letters, blanks and hyphens make no difference.
      - Mutually exclusive with O(recovery_key_file) and O(return_recovery_key).
    type: str
  recovery_key_state:
    description:
      - With V(present) the repository has a recovery key. One is generated if there is none.
      - With V(renewed) it has a new one, and all earlier ones are removed.
      - With V(absent) it has none.
      - A generated key is handed out through O(recovery_key_file) or O(return_recovery_key). One of them is needed then.
      - If not given, recovery keys stay as they are, and the one in O(recovery_key_file) or O(recovery_key) is only proven.
    type: str
    choices: [present, renewed, absent]
  lock_timeout:
    description:
      - How many seconds to wait while backups and other tasks use the repository. What removes a key waits for all of them,
        as C(restic key remove) does; what only adds one waits for those that remove something.
    type: int
    default: 600
notes:
  - Managing keys does not connect to the tenant. The options for the connection are accepted so that the same C(module_defaults)
    serve all modules of the action group.
  - To get in without the passphrase, give the recovery key as O(passphrase).
  - A removed secret still opens copies of the repository, or of its key files, that were made before, and old versions in a bucket
    with versioning. If an attacker may have had the secret together with such a copy, make a new repository.
seealso:
  - module: tenantvault.m365_backup.m365_group_backup_plan
  - name: Keys and recovery
    description: Passphrases, recovery keys, rotation, and what to do when one is lost or leaked.
    link: https://github.com/tenantvault/m365_backup/blob/main/docs/docsite/rst/keys_and_recovery.rst
"""

EXAMPLES = r"""
- name: List the keys, and prove that the passphrase and the recovery key open the repository
  tenantvault.m365_backup.m365_backup_key:
    plan: sales-and-marketing
    passphrase: "{{ m365_backup_passphrase }}"
    recovery_key: "{{ m365_backup_recovery_key }}"

- name: Rotate the passphrase
  tenantvault.m365_backup.m365_backup_key:
    plan: sales-and-marketing
    passphrase_file: /etc/m365_backup/passphrase
    new_passphrase_file: /etc/m365_backup/passphrase.new
    rotate: true

- name: Set a new passphrase with the recovery key, after the old one was lost
  tenantvault.m365_backup.m365_backup_key:
    plan: sales-and-marketing
    passphrase: "{{ recovery_key_from_the_safe }}"
    new_passphrase_file: /etc/m365_backup/passphrase
    rotate: true

- name: Replace the recovery key
  tenantvault.m365_backup.m365_backup_key:
    plan: sales-and-marketing
    passphrase_file: /etc/m365_backup/passphrase
    recovery_key_state: renewed
    recovery_key_file: /root/sales-and-marketing.recovery-key

- name: Replace the recovery key, and hand it out in the result
  tenantvault.m365_backup.m365_backup_key:
    plan: sales-and-marketing
    passphrase: "{{ m365_backup_passphrase }}"
    recovery_key_state: renewed
    return_recovery_key: true
  register: renewed
  no_log: true

- name: Let a second passphrase open the repository, and shut out an old key
  tenantvault.m365_backup.m365_backup_key:
    plan: sales-and-marketing
    passphrase: "{{ m365_backup_passphrase }}"
    new_passphrase: "{{ passphrase_of_the_auditors }}"
    remove_keys:
      - 3bd1f5d3
"""

RETURN = r"""
plan:
  description: The name of the plan.
  type: str
  returned: success
  sample: sales-and-marketing
repository:
  description: The location of the repository.
  type: str
  returned: success
  sample: /srv/backup/m365
key_files:
  description:
    - The key files that the repository has afterwards, oldest first.
    - In check mode, those that would be added are not among them, since they have no id yet.
  type: list
  elements: dict
  returned: success
  sample:
    - id: 3bd1f5d3f0f6b4a9c8c5f6dd1f0e2c4a1b2c3d4e5f60718293a4b5c6d7e8f901
      created: "2026-10-01T22:30:07+02:00"
      role: passphrase
      opened_by: [passphrase]
    - id: 81d4c0f3a5b6978812fe34dc56ba7890a1b2c3d4e5f60718293a4b5c6d7e8f90
      created: "2026-10-01T22:30:07+02:00"
      role: recovery
      opened_by: []
  contains:
    id:
      description: The id of the key file, which C(restic key list) shows, too.
      type: str
      returned: success
    created:
      description: When it was made, in the time zone of the plan.
      type: str
      returned: success
    role:
      description:
        - V(recovery) for a recovery key, else V(passphrase).
        - It is a label in the key file. Whoever can write to the storage can change it.
      type: str
      returned: success
    opened_by:
      description:
        - The options whose secret was proven to open it, of V(passphrase), V(new_passphrase) and V(recovery_key).
        - An empty list only says that no given secret is known to open it.
      type: list
      elements: str
      returned: success
added:
  description: The roles of the keys that were added, or would be in check mode.
  type: list
  elements: str
  returned: success
  sample: [passphrase]
removed:
  description: The key files that were removed, or would be in check mode.
  type: list
  elements: dict
  returned: success
  sample:
    - id: 3bd1f5d3f0f6b4a9c8c5f6dd1f0e2c4a1b2c3d4e5f60718293a4b5c6d7e8f901
      created: "2026-10-01T22:30:07+02:00"
      role: passphrase
  contains:
    id:
      description: The id of the key file.
      type: str
      returned: success
    created:
      description: When it was made, in the time zone of the plan.
      type: str
      returned: success
    role:
      description: V(recovery) for a recovery key, else V(passphrase).
      type: str
      returned: success
recovery_key_file:
  description: The file that holds the generated recovery key, or would in check mode.
  type: str
  returned: when a recovery key was generated for O(recovery_key_file)
  sample: /root/sales-and-marketing.recovery-key
recovery_key:
  description: The generated recovery key. It is not shown again.
  type: str
  returned: when a recovery key was generated, O(return_recovery_key) is V(true), and not in check mode
  sample: ST1E-FEN9-BS2S-WX9C-57HF-3F7V-5Z7Q-7K0T-ZBPC-0BN3-9PA9-PKN2-P67T-G4Q9
msg:
  description: What the task did, in a sentence.
  type: str
  returned: success
  sample: "The repository of plan sales-and-marketing opens with 1 passphrase and 1 recovery key. Keys that were added: 1, removed: 1."
"""

import typing as t

from ansible_collections.tenantvault.m365_backup.plugins.module_utils._arguments import (
    ArgumentSpec,
    group_arguments,
    plan_reference_arguments,
    recovery_arguments,
    recovery_handout,
    run_module,
    wants_diff,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils._parameters import (
    plan_store,
    read_passphrase,
    read_secret_option,
    storage_credentials,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.key_management import (
    KeyTask,
    RecoveryState,
    keys_result,
    manage_keys,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.repository_access import open_plan_repository

if t.TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule


def run(module: AnsibleModule) -> dict[str, t.Any]:
    """Do what the task declares."""
    params, stored = module.params, plan_store(module.params).find(module.params["plan"])
    state = RecoveryState(params["recovery_key_state"]) if params["recovery_key_state"] else None
    task = KeyTask(
        passphrase=read_passphrase(params, stored.plan),
        new_passphrase=read_secret_option(params, "new_passphrase"),
        rotate=params["rotate"],
        remove_keys=tuple(params["remove_keys"]),
        recovery_key=params["recovery_key"] if state else read_secret_option(params, "recovery_key"),
        recovery_state=state,
        handout=recovery_handout(module),
    )
    credentials = storage_credentials(params)
    outcome = manage_keys(
        stored.plan,
        task,
        lambda secret: open_plan_repository(stored, secret, credentials),
        check_mode=module.check_mode,
        lock_timeout=params["lock_timeout"],
    )
    for warning in outcome.warnings:
        module.warn(warning)
    return keys_result(outcome, stored.plan, check_mode=module.check_mode, diff=wants_diff(module))


def main() -> None:
    """Entry point of the module."""
    own = ArgumentSpec(
        options={
            "new_passphrase": {"type": "str", "no_log": True},
            "new_passphrase_file": {"type": "path", "no_log": False},
            "rotate": {"type": "bool", "default": False},
            "remove_keys": {"type": "list", "elements": "str", "default": [], "no_log": False},
            "recovery_key": {"type": "str", "no_log": True},
            "recovery_key_state": {"type": "str", "choices": ["present", "renewed", "absent"], "no_log": False},
            "lock_timeout": {"type": "int", "default": 600},
        },
        mutually_exclusive=(("new_passphrase", "new_passphrase_file"), ("recovery_key", "recovery_key_file", "return_recovery_key")),
        required_if=(("rotate", True, ("new_passphrase", "new_passphrase_file"), True),),
    )
    run_module(own.merge(group_arguments(), plan_reference_arguments(), recovery_arguments()), run)


if __name__ == "__main__":
    main()

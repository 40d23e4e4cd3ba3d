# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: m365_backup_members
short_description: The members of group backup plans as hosts
version_added: 1.0.0
author:
  - tenantvault contributors (@tenantvault)
description:
  - Lists everybody whom the newest restore points of the plans know, members and those who left, each as one host with the facts of
    the backups, however many plans there are.
  - So a play can go through the members of a plan, and do for each what has no module here, such as writing to whoever is not protected.
  - Members are no machines. Tasks for them run on the controller, since C(ansible_connection) is V(local) for each.
  - Inventories are read on the controller. So the stored plans, the file of the passphrase, and a repository that lies in a folder must
    be there, as they are when the controller is the backup host, or an execution environment mounts them.
  - Nothing is changed. No connection to Microsoft 365 is used, and no lock is put into a repository.
  - The file that configures it must have a name that ends with C(m365_backup_members.yml) or C(m365_backup_members.yaml). The options
    for the passphrase and for the object store may be templates.
notes:
  - The groups are C(m365_members), for each plan C(m365_plan_<name>) and C(m365_former_of_<name>) with underscores for hyphens,
    C(m365_kind_<kind>) for the kinds of mailboxes that are known, C(m365_protected) and C(m365_unprotected) for members, and
    C(m365_former) for those who left every plan.
  - The variables of a host are C(m365_member_id) (the object id), C(m365_principal_name), C(m365_display_name), C(m365_kind),
    C(m365_status) (V(member) or V(former)), C(m365_is_protected) (whether every plan of the member keeps its promise), and
    C(m365_plans). The last is a dictionary with an entry for each plan by its name, with C(title), C(backup_type), C(status),
    and what M(tenantvault.m365_backup.m365_backup_coverage_info) says of the member.
  - A host is called as the user signs in. When somebody who left has the same sign-in name as another member, its host is
    called C(<sign-in name>~<object id>).
  - With O(cache), what was read is kept in the cache of inventories, where whoever can read its files reads names and the facts of
    backups, but no secrets.
extends_documentation_fragment:
  - ansible.builtin.constructed
  - ansible.builtin.inventory_cache
  - tenantvault.m365_backup._passphrase
  - tenantvault.m365_backup._state
  - tenantvault.m365_backup._state.plugin
  - tenantvault.m365_backup._storage
options:
  plugin:
    description:
      - What marks the file as one for this plugin.
    type: str
    required: true
    choices: [tenantvault.m365_backup.m365_backup_members]
  plans:
    description:
      - The plans, each by its name or its title. By default all that are stored below O(state_path).
      - One passphrase has to open the repositories of all of them. Use a file for each passphrase if there are several.
    type: list
    elements: str
    default: []
  max_age_hours:
    description:
      - How old the last good backup of a member may be before the member counts as not protected.
      - By default it is what the schedule of each plan promises, see M(tenantvault.m365_backup.m365_backup_coverage_info).
    type: float
seealso:
  - module: tenantvault.m365_backup.m365_backup_coverage_info
  - plugin: tenantvault.m365_backup.latest_snapshot
    plugin_type: lookup
"""

EXAMPLES = r"""
# All plans of this host. The passphrase comes from M365_BACKUP_PASSPHRASE or M365_BACKUP_PASSPHRASE_FILE in the environment.
plugin: tenantvault.m365_backup.m365_backup_members

---
# Two plans, a secret from the vault of Ansible, and groups by whom a member came through
plugin: tenantvault.m365_backup.m365_backup_members
plans: [Sales, Sales files]
passphrase: "{{ lookup('ansible.builtin.unvault', '/etc/m365_backup/passphrase') }}"
max_age_hours: 36
compose:
  reason: m365_plans['sales'].left_reason | default('')
keyed_groups:
  - key: m365_plans['sales'].via
    prefix: chosen_by
"""

import sys
import typing as t
from datetime import datetime, timedelta, timezone
from pathlib import Path

from ansible.errors import AnsibleParserError
from ansible.plugins.inventory import BaseInventoryPlugin, Cacheable, Constructable

from ansible_collections.tenantvault.m365_backup.plugins.module_utils._deps import require_libraries
from ansible_collections.tenantvault.m365_backup.plugins.module_utils._errors import BackupError, InputError
from ansible_collections.tenantvault.m365_backup.plugins.module_utils._parameters import plan_store, read_passphrase, storage_credentials
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.coverage_report import CoverageWish, report_coverage
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.coverage_result import coverage_result
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.repository_access import open_plan_repository
from ansible_collections.tenantvault.m365_backup.plugins.plugin_utils._member_hosts import member_hosts, plan_groups
from ansible_collections.tenantvault.m365_backup.plugins.plugin_utils._options import (
    checked_options,
    never_a_template,
    stored_plan_options,
)

if t.TYPE_CHECKING:
    from ansible.inventory.data import InventoryData
    from ansible.parsing.dataloader import DataLoader

_FILES = ("m365_backup_members.yml", "m365_backup_members.yaml")


class InventoryModule(BaseInventoryPlugin, Constructable, Cacheable):
    """See C(DOCUMENTATION)."""

    NAME = "tenantvault.m365_backup.m365_backup_members"

    def verify_file(self, path: str) -> bool:
        """Whether the file is for us, by its name."""
        return bool(super().verify_file(path)) and path.endswith(_FILES)

    def parse(self, inventory: InventoryData, loader: DataLoader, path: str, cache: bool = True) -> None:
        """Fill the inventory."""
        super().parse(inventory, loader, path, cache)
        self._read_config_data(path)
        try:
            plans = self._plans(path, cache)
        except BackupError as error:
            raise AnsibleParserError(str(error)) from error
        self._fill(plans)

    def _plans(self, path: str, cache: bool) -> list[dict[str, t.Any]]:
        """The coverage of the plans, from the cache if it may be used and has it."""
        key, is_cached = self.get_cache_key(path), self.get_option("cache")
        if cache and is_cached:
            try:
                return t.cast("list[dict[str, t.Any]]", self._cache[key])
            except KeyError:
                pass
        plans = self._read_plans()
        if is_cached:
            self._cache[key] = plans
        return plans

    def _read_plans(self) -> list[dict[str, t.Any]]:
        require_libraries()
        spec = stored_plan_options()
        options = {name: self._rendered(self.get_option(name)) for name in spec.options}
        params = checked_options(spec, options)
        stored = plan_store(params).choose(self.get_option("plans"))
        hours = self.get_option("max_age_hours")
        if hours is not None and hours <= 0:
            raise InputError("No backup is younger than that.", hint="Let max_age_hours be more than 0.")
        now = datetime.now(timezone.utc)
        wish = CoverageWish(
            state_path=Path(params["state_path"]),
            now=now,
            max_age=None if hours is None else timedelta(hours=hours),
        )
        report = report_coverage(
            stored, lambda each: open_plan_repository(each, read_passphrase(params, each.plan), storage_credentials(params)), wish
        )
        for warning in report.warnings:
            self.display.warning(warning)
        for cover in report.never_backed_up():
            self.display.warning(f"The plan {cover.plan.name} has no restore point yet, so it has no hosts.")
        return t.cast("list[dict[str, t.Any]]", coverage_result(report, now=now)["plans"])

    def _rendered(self, value: t.Any) -> t.Any:
        return self.templar.template(value) if isinstance(value, str) else value

    def _fill(self, plans: t.Sequence[t.Mapping[str, t.Any]]) -> None:
        for plan in plans:
            for group in plan_groups(plan["name"]):
                self.inventory.add_group(group)
        strict = self.get_option("strict")
        for host in member_hosts(plans):
            self.inventory.add_host(host.name)
            for group in host.groups:
                self.inventory.add_group(group)
                self.inventory.add_child(group, host.name)
            variables = {**never_a_template(host.variables), "ansible_connection": "local", "ansible_python_interpreter": sys.executable}
            for name, value in variables.items():
                self.inventory.set_variable(host.name, name, value)
            self._set_composite_vars(self.get_option("compose"), variables, host.name, strict=strict)
            self._add_host_to_composed_groups(self.get_option("groups"), variables, host.name, strict=strict)
            self._add_host_to_keyed_groups(self.get_option("keyed_groups"), variables, host.name, strict=strict)

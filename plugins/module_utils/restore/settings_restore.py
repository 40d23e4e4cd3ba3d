# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Restore the settings of a mailbox: rules, categories, automatic replies, working hours and the rest.

They are few and known by name, so what is there is asked for as a whole, and again after an answer that got lost.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import json
import typing as t

from .._errors import BackupError
from ..backup.results import finding_of
from ..backup.settings_reader import CATEGORIES, MAILBOX_SETTINGS, TITLES
from ..backup.settings_reader import RULES as RULES_ITEM
from ..graph.errors import (
    AmbiguousOutcome,
    AuthenticationFailed,
    GraphError,
    NetworkUnreachable,
    RequestRefused,
    ServiceUnavailable,
    TooLarge,
)
from ..graph.mailbox_settings import list_categories, list_rules, read_mailbox_settings
from ..graph.settings_write import create_category, create_rule, update_category, update_mailbox_settings, update_rule
from ..repository.errors import RepositoryDamaged
from .estimate import Estimate
from .results import Restored, SourceRestore
from .settings_plan import Change, Step, plan_categories, plan_rules, plan_settings

if t.TYPE_CHECKING:
    from ..graph.client import GraphClient
    from ..graph.ids import UserId
    from ..repository.repository import Repository
    from .choice import ChosenItem
    from .conflict import Policy

_ONE_SETTING = (RequestRefused, ServiceUnavailable, TooLarge)
_ROUNDS = 3


class SettingsRestore:
    """For one mailbox. C(switch_on) names what acts on its own and may be switched on."""

    def __init__(
        self,
        repository: Repository,
        client: GraphClient,
        user: UserId,
        policy: Policy,
        switch_on: t.Collection[str],
        *,
        is_own_mailbox: bool,
    ) -> None:
        self._repository = repository
        self._client = client
        self._user = user
        self._policy = policy
        self._switch_on = switch_on
        self._is_own_mailbox = is_own_mailbox

    def restore(self, items: t.Iterable[ChosenItem], result: SourceRestore, *, is_check: bool) -> None:
        """Each rule, category and setting counts as one item. Raises AuthenticationFailed and NetworkUnreachable."""
        try:
            for item in items:
                self._restore_one(item, result, is_check=is_check)
        except (AuthenticationFailed, NetworkUnreachable):
            raise
        except GraphError as error:
            result.stop(error)

    def _restore_one(self, item: ChosenItem, result: SourceRestore, *, is_check: bool) -> None:
        kind = str(item.record["id"])
        try:
            stored = json.loads(b"".join(self._repository.read_file(item.node)))
        except RepositoryDamaged as error:
            result.findings.append(finding_of(error, TITLES.get(kind, kind)))
            return
        outcomes: dict[int, Restored] = {}
        failures: dict[int, BackupError] = {}
        for attempt in range(_ROUNDS):
            changes = self._plan(kind, stored)
            lost = False
            for number, change in enumerate(changes):
                outcomes.setdefault(number, change.outcome)
                if is_check or number in failures:
                    continue
                try:
                    self._act(kind, change)
                except AmbiguousOutcome as error:
                    lost = True
                    if attempt == _ROUNDS - 1:
                        failures[number] = error
                except _ONE_SETTING as error:
                    failures[number] = error
            if not lost:
                break
        self._tell(changes, outcomes, failures, TITLES.get(kind, kind), result)

    def _plan(self, kind: str, stored: t.Mapping[str, t.Any]) -> list[Change]:
        if kind == RULES_ITEM:
            there = list_rules(self._client, self._user)
            return plan_rules(stored["value"], there, self._policy, self._switch_on, is_own_mailbox=self._is_own_mailbox)
        if kind == CATEGORIES:
            return plan_categories(stored["value"], list_categories(self._client, self._user), self._policy)
        if kind == MAILBOX_SETTINGS:
            return plan_settings(stored, read_mailbox_settings(self._client, self._user), self._policy, self._switch_on)
        return []

    def _act(self, kind: str, change: Change) -> None:
        payload = change.payload or {}
        if change.step is Step.REFUSE:
            raise RequestRefused(
                "The rule names a folder of the mailbox that it was made in, which is unknown in another one.",
                hint="Restore the settings into files, and make the rule by hand.",
            )
        if change.step is Step.NOTHING:
            return
        if kind == MAILBOX_SETTINGS:
            update_mailbox_settings(self._client, self._user, payload)
        elif kind == RULES_ITEM and change.step is Step.CREATE:
            create_rule(self._client, self._user, payload)
        elif kind == RULES_ITEM:
            update_rule(self._client, self._user, change.target, payload)
        elif change.step is Step.CREATE:
            create_category(self._client, self._user, str(payload["displayName"]), str(payload["color"]))
        else:
            update_category(self._client, self._user, change.target, str(payload["color"]))

    def _tell(
        self,
        changes: t.Sequence[Change],
        outcomes: t.Mapping[int, Restored],
        failures: t.Mapping[int, BackupError],
        title: str,
        result: SourceRestore,
    ) -> None:
        for number, change in enumerate(changes):
            if number in failures:
                result.findings.append(finding_of(failures[number], f"{title}, {change.name}"))
                continue
            result.add((title,), len(json.dumps(change.payload or {})), outcomes[number])
            if change.step not in (Step.NOTHING, Step.REFUSE):
                result.estimate += Estimate(1, len(json.dumps(change.payload)), 1)

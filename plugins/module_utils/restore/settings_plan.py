# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What to do with the settings of a mailbox, given what is there. Pure functions.

Inbox rules and automatic replies act on their own: a rule may forward mail, a reply goes to strangers. They are restored
switched off, unless the administrator says otherwise.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from enum import Enum

from .conflict import Policy
from .results import Restored

Json = t.Mapping[str, t.Any]

AUTOMATIC_REPLIES = "automatic_replies"
RULES = "rules"
#: What a mailbox always has, so that restoring it takes the place of what is there.
SETTINGS = (
    "timeZone",
    "language",
    "dateFormat",
    "timeFormat",
    "workingHours",
    "delegateMeetingMessageDeliveryOptions",
    "automaticRepliesSetting",
)
_REPLIES = "automaticRepliesSetting"
_RULE_CONTENT = ("displayName", "conditions", "actions", "exceptions")
_FOLDER_ACTIONS = ("moveToFolder", "copyToFolder")


class Step(Enum):
    """What the service is asked for."""

    NOTHING = "nothing"
    CREATE = "create"
    UPDATE = "update"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class Change:
    """C(payload) creates or updates; C(target) is the id of what is updated."""

    name: str
    outcome: Restored
    step: Step = Step.NOTHING
    payload: dict[str, t.Any] | None = None
    target: str = ""


def plan_settings(stored: Json, there: Json, policy: Policy, switch_on: t.Collection[str]) -> list[Change]:
    """Time zone, language, formats, working hours, automatic replies."""
    changes = []
    for name in SETTINGS:
        wanted = _cleaned(stored.get(name))
        if wanted in (None, {}, ""):
            continue
        if name == _REPLIES and AUTOMATIC_REPLIES not in switch_on:
            wanted["status"] = "disabled"
        if _is_equal(name, wanted, _cleaned(there.get(name)), switch_on):
            changes.append(Change(name, Restored.UNCHANGED))
        elif policy is Policy.REPLACE:
            changes.append(Change(name, Restored.REPLACED, Step.UPDATE, {name: wanted}))
        else:
            changes.append(Change(name, Restored.SKIPPED))
    return changes


def plan_categories(stored: t.Iterable[Json], there: t.Iterable[Json], policy: Policy) -> list[Change]:
    """By their names, which are what items carry; two of one name cannot be."""
    known = {str(category.get("displayName") or "").casefold(): category for category in there}
    changes = []
    for category in stored:
        name, color = str(category.get("displayName") or ""), str(category.get("color") or "none")
        existing = known.get(name.casefold())
        if not name:
            continue
        if existing is None:
            changes.append(Change(name, Restored.WRITTEN, Step.CREATE, {"displayName": name, "color": color}))
        elif str(existing.get("color") or "none") == color:
            changes.append(Change(name, Restored.UNCHANGED))
        elif policy is Policy.REPLACE:
            changes.append(Change(name, Restored.REPLACED, Step.UPDATE, {"color": color}, str(existing["id"])))
        else:
            changes.append(Change(name, Restored.SKIPPED))
    return changes


def plan_rules(
    stored: t.Iterable[Json], there: t.Iterable[Json], policy: Policy, switch_on: t.Collection[str], *, is_own_mailbox: bool
) -> list[Change]:
    """A rule is recognised by its content, then by its name. Folders are named by ids, which mean nothing in another mailbox."""
    left = list(there)
    changes = []
    for rule in sorted(stored, key=lambda one: int(one.get("sequence") or 0)):
        name = str(rule.get("displayName") or "")
        same = next((each for each in left if _content(each) == _content(rule)), None)
        alike = next((each for each in left if str(each.get("displayName") or "").casefold() == name.casefold()), None)
        existing = same or alike
        if existing is not None and (same is not None or policy is not Policy.COPY):
            left.remove(existing)
        payload = {**_content(rule), "isEnabled": bool(rule.get("isEnabled")) and RULES in switch_on}
        if rule.get("sequence"):
            payload["sequence"] = rule["sequence"]
        if same is not None:
            changes.append(Change(name, Restored.UNCHANGED))
        elif existing is not None and policy is Policy.SKIP:
            changes.append(Change(name, Restored.SKIPPED))
        elif not is_own_mailbox and any((rule.get("actions") or {}).get(action) for action in _FOLDER_ACTIONS):
            changes.append(Change(name, Restored.SKIPPED, Step.REFUSE))
        elif existing is not None and policy is Policy.REPLACE:
            changes.append(Change(name, Restored.REPLACED, Step.UPDATE, payload, str(existing["id"])))
        else:
            changes.append(Change(name, Restored.WRITTEN if existing is None else Restored.COPIED, Step.CREATE, payload))
    return changes


def _content(rule: Json) -> dict[str, t.Any]:
    return {name: _cleaned(rule[name]) for name in _RULE_CONTENT if rule.get(name)}


def _is_equal(name: str, wanted: t.Any, there: t.Any, switch_on: t.Collection[str]) -> bool:
    if name != _REPLIES or AUTOMATIC_REPLIES in switch_on or not isinstance(there, dict):
        return bool(wanted == there)
    return {**wanted, "status": ""} == {**there, "status": ""}


def _cleaned(value: t.Any) -> t.Any:
    """Without what is null and what belongs to the protocol."""
    if isinstance(value, dict):
        return {name: _cleaned(each) for name, each in value.items() if each is not None and not name.startswith("@odata.")}
    return [_cleaned(each) for each in value] if isinstance(value, list) else value

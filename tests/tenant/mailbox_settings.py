# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Mailbox settings, rules of the inbox, categories (facts 7.4, 14.39-40)."""

from __future__ import annotations

import copy
import typing as t

from .call import Answer, GraphError, json_answer
from .ids import stable_guid
from .listing import list_answer, selected
from .odata import read_select
from .sections import not_found
from .zones import parse_time, zone

if t.TYPE_CHECKING:
    from .call import Call
    from .mailbox import Mailbox
    from .state import Tenant

Json = dict[str, t.Any]
DEFAULTS: Json = {
    "timeZone": "W. Europe Standard Time",
    "delegateMeetingMessageDeliveryOptions": "sendToDelegateOnly",
    "dateFormat": "dd.MM.yyyy",
    "timeFormat": "HH:mm",
    "automaticRepliesSetting": {
        "status": "disabled",
        "externalAudience": "all",
        "internalReplyMessage": "",
        "externalReplyMessage": "",
        "scheduledStartDateTime": {"dateTime": "2026-11-01T09:00:00.0000000", "timeZone": "UTC"},
        "scheduledEndDateTime": {"dateTime": "2026-11-02T09:00:00.0000000", "timeZone": "UTC"},
    },
    "language": {"locale": "de-DE", "displayName": "German (Germany)"},
    "workingHours": {
        "daysOfWeek": ["monday", "tuesday", "wednesday", "thursday", "friday"],
        "startTime": "08:00:00.0000000",
        "endTime": "17:00:00.0000000",
        "timeZone": {"name": "W. Europe Standard Time"},
    },
}
_CHOICES = {
    "status": ("disabled", "alwaysEnabled", "scheduled"),
    "externalAudience": ("none", "contactsOnly", "all"),
    "delegateMeetingMessageDeliveryOptions": (
        "sendToDelegateAndInformationToPrincipal",
        "sendToDelegateAndPrincipal",
        "sendToDelegateOnly",
    ),
}
_RULE = ("displayName", "sequence", "conditions", "actions", "exceptions", "isEnabled", "isReadOnly")
_COLORS = frozenset({"none", *(f"preset{number}" for number in range(25))})


def settings_json(mailbox: Mailbox) -> Json:
    """All settings of a mailbox."""
    archive = mailbox.aliases.get("archive")
    stored = {name: copy.deepcopy(mailbox.sections.settings.get(name, value)) for name, value in DEFAULTS.items()}
    return {"archiveFolder": archive.id if archive is not None else None, **stored, "userPurpose": mailbox.user_purpose}


def get_settings(tenant: Tenant, call: Call) -> Answer:
    """C(GET .../mailboxSettings)."""
    mailbox = _with_settings(tenant, call)
    return json_answer({"@odata.context": _context(call, mailbox), **selected(settings_json(mailbox), read_select(call))})


def get_setting(tenant: Tenant, call: Call) -> Answer:
    """C(GET .../mailboxSettings/{setting}): one of them."""
    mailbox = _with_settings(tenant, call)
    known = {name.lower(): (name, value) for name, value in settings_json(mailbox).items()}
    if call.values["setting"].lower() not in known:
        raise GraphError(400, "BadRequest", f"Resource not found for the segment '{call.values['setting']}'.")
    name, value = known[call.values["setting"].lower()]
    body = value if isinstance(value, dict) else {"value": value}
    return json_answer({"@odata.context": f"{_context(call, mailbox)}/{name}", **body})


def update_settings(tenant: Tenant, call: Call) -> Answer:
    """C(PATCH .../mailboxSettings): gives back what was changed."""
    mailbox = _with_settings(tenant, call)
    wanted = {name: value for name, value in call.json().items() if not name.startswith("@odata.")}
    change_settings(mailbox, wanted)
    full = settings_json(mailbox)
    return json_answer({"@odata.context": _context(call, mailbox), **{name: full[name] for name in wanted if name in full}})


def change_settings(mailbox: Mailbox, wanted: Json) -> None:
    """Changes settings; an object is merged into the one that is there. Raises GraphError 400."""
    for name, value in wanted.items():
        if name not in DEFAULTS:
            raise GraphError(400, "ErrorInvalidRequest", f"The property '{name}' of mailboxSettings is not known or cannot be set.")
        _check(name, value)
        for inner, content in value.items() if isinstance(value, dict) else ():
            _check(inner, content)
    for name, value in wanted.items():
        before = mailbox.sections.settings.get(name, DEFAULTS[name])
        mailbox.sections.settings[name] = {**before, **value} if isinstance(before, dict) else value


def list_rules(tenant: Tenant, call: Call) -> Answer:
    mailbox = _with_rules(tenant, call)
    rules = sorted(mailbox.sections.rules.values(), key=lambda rule: int(rule["sequence"]))
    path = f"/users/{mailbox.owner_id}/mailFolders/inbox/messageRules"
    return list_answer(call, rules, dict, path=path, context=f"users('{mailbox.owner_id}')/mailFolders('inbox')/messageRules")


def get_rule(tenant: Tenant, call: Call) -> Answer:
    return _entity(call, _entry(_with_rules(tenant, call).sections.rules, call.values["rule"]))


def create_rule(tenant: Tenant, call: Call) -> Answer:
    mailbox = _with_rules(tenant, call)
    return _entity(call, add_rule(mailbox, call.json()), 201)


def add_rule(mailbox: Mailbox, wanted: Json) -> Json:
    """A new rule of the inbox. Raises GraphError 400."""
    if not wanted.get("displayName") or not wanted.get("actions"):
        raise GraphError(400, "ErrorInvalidRequest", "A rule needs a displayName and actions.")
    identifier = f"AQAA{mailbox.tick():010x}="
    sequence = len(mailbox.sections.rules) + 1
    rule: Json = {"id": identifier, "sequence": sequence, "isEnabled": True, "hasError": False, "isReadOnly": False}
    rule.update({name: wanted[name] for name in _RULE if wanted.get(name) is not None})
    mailbox.sections.rules[identifier] = rule
    return rule


def update_rule(tenant: Tenant, call: Call) -> Answer:
    mailbox = _with_rules(tenant, call)
    rule = _entry(mailbox.sections.rules, call.values["rule"])
    wanted = call.json()
    rule.update({name: wanted[name] for name in _RULE if name in wanted})
    return _entity(call, rule)


def delete_rule(tenant: Tenant, call: Call) -> Answer:
    mailbox = _with_rules(tenant, call)
    _entry(mailbox.sections.rules, call.values["rule"])
    del mailbox.sections.rules[call.values["rule"]]
    return Answer(204)


def list_categories(tenant: Tenant, call: Call) -> Answer:
    mailbox = _with_settings(tenant, call)
    path = f"/users/{mailbox.owner_id}/outlook/masterCategories"
    found = list(mailbox.sections.categories.values())
    return list_answer(call, found, dict, path=path, context=f"users('{mailbox.owner_id}')/outlook/masterCategories")


def get_category(tenant: Tenant, call: Call) -> Answer:
    return _entity(call, _entry(_with_settings(tenant, call).sections.categories, call.values["category"]))


def create_category(tenant: Tenant, call: Call) -> Answer:
    mailbox = _with_settings(tenant, call)
    wanted = call.json()
    return _entity(call, add_category(mailbox, wanted.get("displayName"), str(wanted.get("color") or "none")), 201)


def add_category(mailbox: Mailbox, name: t.Any, color: str) -> Json:
    """A new category. Raises GraphError 400, or 409 for a name that is taken."""
    if not isinstance(name, str) or not name.strip() or color not in _COLORS:
        raise GraphError(400, "ErrorInvalidRequest", "A category needs a displayName and a color that Outlook knows.")
    if any(known["displayName"].casefold() == name.casefold() for known in mailbox.sections.categories.values()):
        raise GraphError(409, "CategoryNameDuplicate", "A category with the specified name already exists.")
    category = {"id": stable_guid("category", mailbox.guid, mailbox.tick()), "displayName": name, "color": color}
    mailbox.sections.categories[category["id"]] = category
    return category


def update_category(tenant: Tenant, call: Call) -> Answer:
    """Only the colour of a category can change."""
    mailbox = _with_settings(tenant, call)
    category = _entry(mailbox.sections.categories, call.values["category"])
    color = call.json().get("color", category["color"])
    if color not in _COLORS:
        raise GraphError(400, "ErrorInvalidRequest", "The color is not known.")
    category["color"] = color
    return _entity(call, category)


def delete_category(tenant: Tenant, call: Call) -> Answer:
    mailbox = _with_settings(tenant, call)
    _entry(mailbox.sections.categories, call.values["category"])
    del mailbox.sections.categories[call.values["category"]]
    return Answer(204)


def _with_settings(tenant: Tenant, call: Call) -> Mailbox:
    mailbox = tenant.mailbox(call)
    if mailbox.settings_denied:
        raise GraphError(403, "ErrorAccessDenied", "Access is denied. Check credentials and try again.")
    return mailbox


def _with_rules(tenant: Tenant, call: Call) -> Mailbox:
    """Only the inbox has rules."""
    mailbox = _with_settings(tenant, call)
    if mailbox.folder(call.values["folder"]) is not mailbox.aliases.get("inbox"):
        raise GraphError(400, "ErrorInvalidRequest", "Rules exist for the inbox only.")
    return mailbox


def _check(name: str, value: t.Any) -> None:
    """Raises GraphError 400 for a value that the service would refuse."""
    if name in _CHOICES and value not in _CHOICES[name]:
        raise GraphError(400, "ErrorInvalidRequest", f"The value '{value}' of {name} is not known.")
    if name == "timeZone":
        zone(value.get("name") if isinstance(value, dict) else value)
    if name in ("scheduledStartDateTime", "scheduledEndDateTime") and isinstance(value, dict):
        parse_time(value.get("dateTime"))
        zone(value.get("timeZone"))


def _entry(entries: dict[str, Json], key: str) -> Json:
    if key not in entries:
        raise not_found()
    return entries[key]


def _entity(call: Call, body: Json, status: int = 200) -> Answer:
    return json_answer(
        {"@odata.context": f"{call.root}/$metadata#{call.segments[-1]}/$entity", **selected(body, read_select(call))}, status
    )


def _context(call: Call, mailbox: Mailbox) -> str:
    return f"{call.root}/$metadata#users('{mailbox.owner_id}')/mailboxSettings"

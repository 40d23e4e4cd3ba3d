# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Mailbox settings and the translation of ids (facts 3, 7.4, 14.39-40)."""

from __future__ import annotations

import typing as t

from .call import Answer, GraphError, json_answer
from .ids import RestId

if t.TYPE_CHECKING:
    from .call import Call
    from .mailbox import Mailbox
    from .state import Tenant

_LARGEST_TRANSLATION = 1000
_FORMATS = ("restId", "restImmutableEntryId")


def get_settings(tenant: Tenant, call: Call) -> Answer:
    """C(GET .../mailboxSettings)."""
    mailbox = _with_settings(tenant, call)
    return json_answer(
        {
            "@odata.context": f"{call.root}/$metadata#users('{mailbox.owner_id}')/mailboxSettings",
            "archiveFolder": mailbox.aliases["archive"].id if "archive" in mailbox.aliases else None,
            "timeZone": "W. Europe Standard Time",
            "delegateMeetingMessageDeliveryOptions": "sendToDelegateOnly",
            "dateFormat": "dd.MM.yyyy",
            "timeFormat": "HH:mm",
            "userPurpose": mailbox.user_purpose,
            "automaticRepliesSetting": {
                "status": "disabled",
                "externalAudience": "all",
                "internalReplyMessage": "",
                "externalReplyMessage": "",
            },
            "language": {"locale": "de-DE", "displayName": "German (Germany)"},
            "workingHours": {
                "daysOfWeek": ["monday", "tuesday", "wednesday", "thursday", "friday"],
                "startTime": "08:00:00.0000000",
                "endTime": "17:00:00.0000000",
            },
        }
    )


def get_user_purpose(tenant: Tenant, call: Call) -> Answer:
    mailbox = _with_settings(tenant, call)
    return json_answer(
        {"@odata.context": f"{call.root}/$metadata#users('{mailbox.owner_id}')/mailboxSettings/userPurpose", "value": mailbox.user_purpose}
    )


def translate_ids(tenant: Tenant, call: Call) -> Answer:
    """C(POST .../translateExchangeIds) between the two REST formats."""
    mailbox = tenant.mailbox(call)
    wanted = call.json()
    ids = wanted.get("inputIds") or []
    target = wanted.get("targetIdType")
    if wanted.get("sourceIdType") not in _FORMATS or target not in _FORMATS:
        raise GraphError(400, "ErrorInvalidRequest", f"The tenant translates between {' and '.join(_FORMATS)} only.")
    if len(ids) > _LARGEST_TRANSLATION:
        raise GraphError(400, "ErrorInvalidRequest", f"At most {_LARGEST_TRANSLATION} ids can be translated at once.")
    found = []
    for source in ids:
        place = mailbox.ids.read_message(str(source))
        message = mailbox.messages.get(place.message if isinstance(place, RestId) else place) if place is not None else None
        if message is not None:
            found.append({"sourceId": source, "targetId": mailbox.message_id(message, immutable=target == "restImmutableEntryId")})
    return json_answer({"@odata.context": f"{call.root}/$metadata#Collection(microsoft.graph.convertIdResult)", "value": found})


def _with_settings(tenant: Tenant, call: Call) -> Mailbox:
    mailbox = tenant.mailbox(call)
    if mailbox.settings_denied:
        raise GraphError(403, "ErrorAccessDenied", "Access is denied. Check credentials and try again.")
    return mailbox

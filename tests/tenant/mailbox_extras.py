# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The translation of ids (facts 3)."""

from __future__ import annotations

import typing as t

from .call import Answer, GraphError, json_answer

if t.TYPE_CHECKING:
    from .call import Call
    from .state import Tenant

_LARGEST_TRANSLATION = 1000
_FORMATS = ("restId", "restImmutableEntryId")


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
        place = mailbox.ids.read_item(str(source))
        translated = mailbox.item_id(place.number, immutable=target == "restImmutableEntryId") if place is not None else None
        if place is not None and translated is not None:
            translated = translated if place.day is None else mailbox.ids.occurrence(translated, place.day)
            found.append({"sourceId": source, "targetId": translated})
    return json_answer({"@odata.context": f"{call.root}/$metadata#Collection(microsoft.graph.convertIdResult)", "value": found})

# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which mailboxes a user has: C(GET /users/{user}/settings/exchange) (facts 8.2, 14.41)."""

from __future__ import annotations

import typing as t

from .call import Answer, json_answer
from .exchange_mailboxes import GLOBAL_HOSTS, not_in_this_cloud

if t.TYPE_CHECKING:
    from .call import Call
    from .state import Tenant


def get_exchange_settings(tenant: Tenant, call: Call) -> Answer:
    """The primary's id; the archive's in beta always, in v1.0 as the tenant is set."""
    if call.host not in GLOBAL_HOSTS:
        raise not_in_this_cloud("exchange")
    mailbox = tenant.mailbox(call)
    archive = tenant.exchange.archive(mailbox.owner_id)
    found: dict[str, t.Any] = {"primaryMailboxId": tenant.exchange.primary_id(mailbox)}
    if archive is not None and (call.version == "beta" or tenant.settings.archive_id_in_v1):
        found["inPlaceArchiveMailboxId"] = archive.mailbox_ids[0]
    context = f"{call.root}/$metadata#users('{mailbox.owner_id}')/settings/exchange"
    if tenant.settings.wrap_exchange_settings:
        return json_answer({"@odata.context": context, "value": [found]})
    return json_answer({"@odata.context": f"{context}/$entity", **found})

# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Faults of calendars, contacts, tasks and settings (facts 6.3, 7.1, 14.56). The general ones strike them, too."""

from __future__ import annotations

import typing as t

from .call import Answer, GraphError
from .envelope import error_answer
from .fault_effects import Effect

if t.TYPE_CHECKING:
    from .call import Call
    from .faults import Fault
    from .state import Tenant


def _too_heavy(tenant: Tenant, call: Call, fault: Fault) -> Answer:
    """503 without a word: the page asked for is too large."""
    return Answer(503, b"", {"content-type": "text/plain"})


def _refused(tenant: Tenant, call: Call, fault: Fault) -> Answer:
    """An endpoint that this tenant does not serve."""
    error = GraphError(
        int(fault.option("status", 403)), str(fault.option("code", "ErrorAccessDenied")), str(fault.option("message", "Access is denied."))
    )
    return error_answer(call, error)


PERSONAL_EFFECTS: dict[str, Effect] = {
    "heavy_event_page": Effect(_too_heavy, defaults={"operation": ("events_delta", "calendar_view_delta"), "page_over": 10}),
    "beta_refused": Effect(_refused, defaults={"path": "^/beta/"}),
    "settings_refused": Effect(_refused, defaults={"operation": ("mailbox_settings", "rules_list", "categories_list")}),
}

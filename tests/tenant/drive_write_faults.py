# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Faults of writing into drives: sessions that vanish or are late, names that somebody else takes (facts A8, H.48-49)."""

from __future__ import annotations

import json
import typing as t
from urllib.parse import parse_qsl, urlsplit

from .call import Answer, GraphError
from .drive_uploads import session_at, session_not_found
from .envelope import error_answer
from .fault_effects import Effect

if t.TYPE_CHECKING:
    from .call import Call
    from .faults import Fault
    from .state import Tenant

_PARTS = {"operation": ("drive_upload_part", "drive_upload_status")}


def _session_lost(tenant: Tenant, call: Call, fault: Fault) -> Answer:
    """The session is gone with all that has come: 404, its name is free."""
    upload = tenant.drive_uploads.open.get(call.values.get("upload", ""))
    if upload is not None:
        tenant.drive_uploads.drop(upload)
    return error_answer(call, session_not_found())


def _session_late(tenant: Tenant, call: Call, fault: Fault) -> Answer:
    """404, but the session is there: it is not known everywhere yet."""
    return error_answer(call, session_not_found())


def _name_taken_meanwhile(tenant: Tenant, call: Call, fault: Fault, answer: Answer) -> Answer | None:
    """Right after the session was opened somebody puts a file (C(content)) under its name."""
    if not isinstance(answer.body, bytes):
        return None
    try:
        upload = session_at(tenant, dict(parse_qsl(urlsplit(json.loads(answer.body)["uploadUrl"]).query)))
        upload.drive.add(upload.parent, upload.name, content=tenant.drives.spool.keep(str(fault.option("content", "taken")).encode()))
    except GraphError:  # there is one already
        return None
    return answer


DRIVE_WRITE_EFFECTS: dict[str, Effect] = {
    "drive_session_lost": Effect(_session_lost, defaults=_PARTS),
    "drive_session_late": Effect(_session_late, defaults=_PARTS),
    "drive_name_taken": Effect(after=_name_taken_meanwhile, defaults={"operation": "drive_upload_session"}),
}

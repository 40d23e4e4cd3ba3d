# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The OneDrive of a user.

Facts of the protocol (onedrive facts, A1): a user may have several drives, of which the others are hidden libraries; the
default one is the OneDrive. An app cannot make one: it comes into being when its user opens it. The id stays when the user
is renamed, the address does not. Permission: Files.Read.All.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import dataclasses

from .client import GraphClient
from .drive_paths import reading
from .errors import BadAnswer
from .ids import DriveId, UserId
from .links import graph_path


@dataclasses.dataclass(frozen=True, slots=True)
class Drive:
    """C(web_url) is where people find it; it holds the name that the user had when it was made or last renamed."""

    id: DriveId
    web_url: str


def drive_of(client: GraphClient, user_id: UserId) -> Drive:
    """One request, one resource unit. Remember when there is none: who asks for many missing drives is throttled at all drives.

    :raises DriveMissing: the user has no OneDrive, or nobody of the tenant has.
    :raises DriveLocked: nobody is let in.
    :raises NotFound: there is no such user.
    """
    call = reading(f"Looking for the OneDrive of user {user_id}", is_named=True)
    fields = client.get_json(call, graph_path("users", user_id, "drive"))
    identity = fields.get("id")
    if not isinstance(identity, str) or not identity:
        raise BadAnswer(f"{call.doing} failed: the answer names no drive.", hint="Nothing is lost: the next run tries it again.")
    return Drive(DriveId(identity), str(fields.get("webUrl") or ""))

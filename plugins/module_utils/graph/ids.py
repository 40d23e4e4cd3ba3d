# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names for the kinds of strings that Microsoft Graph hands out, so that nobody passes two of them in the wrong order.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t

UserId = t.NewType("UserId", str)
GroupId = t.NewType("GroupId", str)
UnitId = t.NewType("UnitId", str)
FolderId = t.NewType("FolderId", str)
MessageId = t.NewType("MessageId", str)
CalendarId = t.NewType("CalendarId", str)
EventId = t.NewType("EventId", str)
ContactId = t.NewType("ContactId", str)
TaskListId = t.NewType("TaskListId", str)
TaskId = t.NewType("TaskId", str)
DriveId = t.NewType("DriveId", str)
DriveItemId = t.NewType("DriveItemId", str)

Cursor = t.NewType("Cursor", str)
"""A deltaLink, kept and given back unchanged. Only the service knows what is inside."""

IMMUTABLE_IDS = 'IdType="ImmutableId"'
"""Goes into the Prefer header of every mail request: such ids stay the same when an item moves inside its mailbox."""

Fields: t.TypeAlias = t.Mapping[str, t.Any]
"""One JSON object as the service sent it."""

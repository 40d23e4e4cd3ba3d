# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is kept of a task in the catalogue, and where its JSON lies. Pure functions.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t

from .calendar_record import utc
from .catalogue import Record
from .layout import named_path


def task_record(task: t.Mapping[str, t.Any]) -> Record:
    """C(due) is midnight of a day in the user's own zone, which Graph gives as UTC."""
    return {
        "subject": task.get("title"),
        "received": task.get("createdDateTime"),
        "modified": task.get("lastModifiedDateTime"),
        "due": utc(task.get("dueDateTime")),
        "status": task.get("status"),
        "categories": sorted(task.get("categories") or ()),
        "attachments": task.get("hasAttachments") is True,
    }


def task_file(record: Record) -> str:
    """<two digits of a hash>/<title>~<hash>.json"""
    return "/".join(named_path(record["id"], str(record.get("subject") or ""), ".json"))

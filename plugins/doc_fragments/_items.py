# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options that choose items by what is known of them. PRIVATE to the collection: they can change at any time."""

from __future__ import annotations


class ModuleDocFragment:
    """Merged into modules that look for items."""

    DOCUMENTATION = r"""
options:
  subject:
    description:
      - Only items with this text anywhere in the subject, the title of an event, or the name of a contact or a file.
      - Upper and lower case do not matter.
    type: str
  sender:
    description:
      - Only items with this text in the name or address of who sent them, organises the event, or has last changed the file.
    type: str
  recipient:
    description:
      - Only items with this text in the name or address of a recipient or an attendee, or in an address of a contact.
    type: str
  after:
    description:
      - Only items received at or after this time with its zone, such as V(2026-05-17T08:00:00+02:00).
      - Of events, those that go on at some time after it, with any occurrence of a series. Of files, those that were last changed then.
    type: str
  before:
    description:
      - Only items received before this time with its zone. Of events, those that begin before it; of files, those last changed before it.
    type: str
  min_size:
    description:
      - Only items of at least so many bytes.
    type: int
  max_size:
    description:
      - Only items of at most so many bytes.
    type: int
  attachment:
    description:
      - Only items with an attachment that has this text in its name.
    type: str
  message_id:
    description:
      - Only the message with this internet message id, with or without its angle brackets.
    type: str
  item_ids:
    description:
      - Only the items with these ids, as M(tenantvault.m365_backup.m365_backup_item_info) returns them.
    type: list
    elements: str
    default: []
"""

# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which errors of a restore concern one item, and when they are no longer the items' own.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

from ..graph.errors import BadAnswer, Conflict, ItemUnreadable, NotFound, RequestRefused, ServiceUnavailable, TooLarge
from ..graph.mail_attachments import ContentMismatch
from ..repository.errors import RepositoryDamaged

#: Errors that concern one item, and spoil no other.
ONE_ITEM = (
    BadAnswer,
    Conflict,
    ContentMismatch,
    ItemUnreadable,
    NotFound,
    RepositoryDamaged,
    RequestRefused,
    ServiceUnavailable,
    TooLarge,
)
#: When nothing at all could be created after so many failures, it is not the items.
HOPELESS_AFTER = 20

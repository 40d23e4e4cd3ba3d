# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What requests to OneDrive cost: resource units, of which an app may use so many a minute and so many a day.

Source: Microsoft's page on throttling in SharePoint Online. An attempt that is refused costs as much as one that is not.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

ONE_ITEM = 1
"""One drive or item, the delta of a drive since a cursor, the download of a file."""
MANY_ITEMS = 2
"""The children of a folder, the versions of a file, a delta without a cursor."""
CHANGE = 2
"""Anything that is made, changed, removed or uploaded; each fragment of an upload counts."""
SHARING = 5
"""Anything about permissions."""

# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The name of a content, whoever stored it and wherever it lies: what a verdict of the malware scan belongs to.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import hashlib
import typing as t

if t.TYPE_CHECKING:
    from ..repository.types import BlobId

ContentKey = t.NewType("ContentKey", str)


def content_key(blobs: t.Sequence[BlobId]) -> ContentKey:
    """64 hex digits. A content of one blob has the blob's own id, so that it can be found in a repository by hand."""
    if len(blobs) == 1:
        return ContentKey(blobs[0])
    return ContentKey(hashlib.sha256("".join(blobs).encode("ascii")).hexdigest())

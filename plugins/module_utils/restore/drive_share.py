# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Give people and groups the access again that they had to a file or folder. Nobody gets a mail.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import dataclasses
import json
import typing as t

from .._errors import BackupError
from ..graph.drive_errors import RecipientsRefused, SharingDisabled
from ..graph.errors import AmbiguousOutcome, RequestRefused, ServiceUnavailable
from ..graph.resource_units import SHARING
from ..repository.errors import RepositoryDamaged
from .drive_sharing import Grantee, Grants, grants_of, missing
from .estimate import Estimate

if t.TYPE_CHECKING:
    from ..graph.drive_read import DriveReader
    from ..graph.drive_write import DriveWriter
    from ..graph.ids import DriveItemId, UserId
    from ..repository.repository import Repository
    from ..repository.types import Node

_ATTEMPTS = 3
_REFUSED = (AmbiguousOutcome, RequestRefused, SharingDisabled, ServiceUnavailable)


@dataclasses.dataclass(frozen=True, slots=True)
class Sharing:
    """How many were given access, what could not come back (L(Grants)), and whom the service refused."""

    given: int = 0
    links: int = 0
    others: int = 0
    refused: tuple[tuple[str, BackupError], ...] = ()
    estimate: Estimate = dataclasses.field(default_factory=Estimate)


class Sharer:
    """Thread-safe. C(owner) is whose drive it is."""

    def __init__(self, repository: Repository, reader: DriveReader, writer: DriveWriter, owner: UserId) -> None:
        self._repository = repository
        self._reader = reader
        self._writer = writer
        self._owner = owner

    def share(self, item_id: DriveItemId, permissions: Node, *, is_new: bool) -> Sharing:
        """C(is_new): nobody has access yet, so nobody is asked. Raises GraphError that concerns more than this item."""
        try:
            wanted = self._wanted(permissions)
        except RepositoryDamaged as damage:
            return Sharing(refused=(("everybody", damage),))
        given = 0
        refused: list[tuple[str, BackupError]] = []
        for role, grantees in missing(wanted, Grants({}) if is_new else self._there(item_id)).items():
            given += self._invite(item_id, role, grantees, refused)
        return Sharing(given, wanted.links, wanted.others, tuple(refused))

    def predict(self, item_id: DriveItemId, permissions: Node) -> Sharing:
        """What L(share) would do; C(item_id) is empty for what is not there yet."""
        try:
            wanted = self._wanted(permissions)
        except RepositoryDamaged as damage:
            return Sharing(refused=(("everybody", damage),))
        lacking = missing(wanted, self._there(item_id) if item_id else Grants({}))
        cost = Estimate(requests=len(lacking), resource_units=SHARING * len(lacking), sharings=len(lacking))
        return Sharing(sum(map(len, lacking.values())), wanted.links, wanted.others, estimate=cost)

    def _wanted(self, permissions: Node) -> Grants:
        return grants_of(json.loads(b"".join(self._repository.read_file(permissions))), self._owner)

    def _there(self, item_id: DriveItemId) -> Grants:
        return grants_of(self._reader.permissions(item_id))

    def _invite(self, item_id: DriveItemId, role: str, grantees: list[Grantee], refused: list[tuple[str, BackupError]]) -> int:
        """All in one request; one by one where the service does not know somebody among them."""
        try:
            self._writer.invite(item_id, [grantee.as_recipient() for grantee in grantees], [role])
        except RecipientsRefused as error:
            if len(grantees) > 1:
                return sum(self._invite(item_id, role, [grantee], refused) for grantee in grantees)
            refused.append((grantees[0].name, error))
            return 0
        except AmbiguousOutcome as error:
            open_now = missing(Grants(dict.fromkeys(grantees, role)), self._there(item_id)).get(role, [])
            refused.extend((grantee.name, error) for grantee in open_now)
            return len(grantees) - len(open_now)
        except _REFUSED as error:
            refused.extend((grantee.name, error) for grantee in grantees)
            return 0
        return len(grantees)

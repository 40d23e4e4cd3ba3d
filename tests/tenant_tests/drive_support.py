# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A drive for tests, and what clients read of it."""

from __future__ import annotations

import dataclasses
import typing as t

if t.TYPE_CHECKING:
    from tenant_tests.support import Client, Reply

    from tenant.control import ControlClient

Entry = dict[str, t.Any]
URL = "@microsoft.graph.downloadUrl"


@dataclasses.dataclass(frozen=True, slots=True)
class TestDrive:
    """The drive of a user who has just got it."""

    __test__ = False

    client: Client
    control: ControlClient
    user: str
    id: str

    @property
    def delta(self) -> str:
        return f"/drives/{self.id}/root/delta"

    def put(self, path: str, content: bytes = b"content", **facts: t.Any) -> str:
        return self.control.put_file(self.user, path, content, **facts)

    def round(self, link: str | None = None, **options: t.Any) -> tuple[list[Entry], str]:
        return self.client.round(link or self.delta, **options)

    def item(self, path: str, query: str = "") -> Entry:
        return self.client.page(f"/drives/{self.id}/root:{path}{query}")

    def address(self, path: str) -> str:
        """The pre-authenticated URL of a file."""
        return str(self.item(path)[URL])

    def download(self, path: str, **headers: str) -> Reply:
        return self.client.raw("GET", self.address(path), headers={name.replace("_", "-"): text for name, text in headers.items()})


def names(entries: list[Entry]) -> list[str]:
    """Names in the order told; tombstones have none."""
    return [entry.get("name", "-") for entry in entries]


def only(entries: list[Entry], item: str) -> Entry:
    found = [entry for entry in entries if entry["id"] == item]
    assert len(found) == 1
    return found[0]

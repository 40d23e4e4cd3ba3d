# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whatever happens in a drive, and whenever a client asks: who follows delta as documented ends with the truth."""

from __future__ import annotations

import asyncio
import itertools
import json
import typing as t
from urllib.parse import urlsplit

import hypothesis
from hypothesis import strategies

from tenant.call import Call, GraphError, read_query, read_segments
from tenant.control_drive import DriveControl
from tenant.drive_content import MemoryContent
from tenant.drive_tree import Drive
from tenant.service import Service
from tenant.state import Tenant
from tenant.tokens import App

if t.TYPE_CHECKING:
    from tenant.drive_store import Item

SHARED = Tenant()
TOKEN = SHARED.tokens.issue(App("app"), "graph.microsoft.com", "login.microsoftonline.com")
USER = "adele@contoso.com"
_PLACES = strategies.integers(0, 30)


class Follower:
    """A client that knows a drive only by its delta pages: last entry wins, the tree is built by id."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._link = f"https://graph.microsoft.com/v1.0/users/{USER}/drive/root/delta"
        self._round: dict[str, dict[str, t.Any]] = {}
        self.known: dict[str, tuple[str, str | None, str | None]] = {}

    def take_page(self, size: int) -> bool:
        """Follows one link; says whether the round is over."""
        place = urlsplit(self._link)
        query = {"top": str(size), **read_query(place.query)}
        headers = {"authorization": f"Bearer {TOKEN}"}
        path = f"{place.path}?{place.query}"
        call = Call("GET", place.netloc, "v1.0", read_segments(place.path), query, headers, b"", "id", path=path)
        ticket = self._service.begin(call)
        answer = asyncio.run(self._service.run(ticket))
        self._service.finish(ticket, answer, 0)
        assert answer.status == 200, answer.body
        assert isinstance(answer.body, bytes)
        page = json.loads(answer.body)
        self._round.update((entry["id"], entry) for entry in page["value"])
        self._link = page.get("@odata.nextLink") or page["@odata.deltaLink"]
        if "@odata.deltaLink" not in page:
            return False
        for key, entry in self._round.items():
            if "deleted" in entry:
                self.known.pop(key, None)
            else:
                hashes = entry.get("file", {}).get("hashes", {})
                self.known[key] = (entry["name"], entry["parentReference"].get("id"), hashes.get("quickXorHash"))
        self._round = {}
        return True


def truth(drive: Drive) -> dict[str, tuple[str, str | None, str | None]]:
    told = {line["id"]: line for line in DriveControl(SHARED).drive_listing(USER)["lines"]}
    root = drive.ids.item(0)
    found: dict[str, tuple[str, str | None, str | None]] = {root: ("root", None, None)}
    for item in drive.subtree(drive.root):
        if item.parent is not None:
            key = drive.ids.item(item.number)
            found[key] = (item.name, drive.ids.item(item.parent), told[key].get("quick_xor"))
    return found


def change(drive: Drive, kind: str, one: int, two: int, name: str) -> None:
    """Something that people do, if it can be done."""
    living = [item for item in drive.items if not item.deleted]
    item, other = living[one % len(living)], living[two % len(living)]
    folder: Item = other if other.children is not None else drive.root
    try:
        if kind == "folder":
            drive.add(folder, name, folder=True)
        elif kind == "file":
            drive.add(folder, name, content=MemoryContent(name.encode() * one))
        elif item.parent is None:
            return
        elif kind == "write" and item.content is not None:
            drive.replace(item, MemoryContent(b"%d %d" % (one, two)))
        elif kind == "rename":
            drive.rename(item, name)
        elif kind == "move":
            drive.move(item, folder)
        elif kind == "delete":
            drive.delete(item)
    except GraphError as error:
        if error.status not in (400, 409):
            raise


_CHANGES = strategies.tuples(
    strategies.sampled_from(["folder", "file", "file", "write", "rename", "move", "delete"]),
    _PLACES,
    _PLACES,
    strategies.sampled_from(["a", "A", "b", "c", "d", "e", "ß", "SS"]),
)
_STEPS = strategies.lists(strategies.one_of(_CHANGES, strategies.integers(1, 5)), max_size=40)


@hypothesis.given(_STEPS, strategies.sampled_from(["parents_first", "children_first", "mixed"]))
@hypothesis.settings(max_examples=150, deadline=None)
def test_who_follows_delta_knows_the_drive(steps: list[t.Any], order: str) -> None:
    SHARED.reset()
    SHARED.settings.drive_order = order
    SHARED.directory.add("user", {"userPrincipalName": USER})
    drive = SHARED.drives.create(SHARED.directory.user(USER).id)
    follower = Follower(Service(SHARED))
    for step in steps:
        if isinstance(step, int):
            follower.take_page(step)
        else:
            change(drive, *step)
    while not follower.take_page(3):
        pass
    while not follower.take_page(3):  # what changed while the round before was read
        pass
    assert follower.known == truth(drive)


def test_h24_a_move_keeps_the_time_of_modification_and_a_new_name_changes_it() -> None:
    clock = itertools.count(1000)
    drive = Drive("owner", clock=lambda: next(clock))
    folder = drive.add(drive.root, "folder", folder=True)
    file = drive.add(drive.root, "file", content=MemoryContent(b""))
    times = [file.modified]
    drive.move(file, folder)
    times.append(file.modified)
    drive.rename(file, "another")
    times.append(file.modified)
    assert (times[0] == times[1], times[1] < times[2], folder.modified > folder.created) == (True, True, True)
    assert drive.version_at(999) == 0

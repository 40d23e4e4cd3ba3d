# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Mailboxes of the import/export API, and the requests on them that follow its redirects.

An archive that grows is spread over several mailboxes: its folders answer 308 with the address of the mailbox where they
are (graph-mailbox facts, 8.6). Of such an address nothing is used but the mailbox: the rest is the path that was asked for.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import dataclasses
import re
import typing as t
import urllib.parse

from .client import GraphClient
from .errors import BadAnswer, LinkRefused
from .ids import Fields
from .limits import LimitScope
from .links import beta_path, graph_path, graph_target, with_query
from .refusals import Call
from .retry import RetryPolicy
from .transport import Incoming

MailboxId = t.NewType("MailboxId", str)
"""C(MBX:guid@guid): the physical mailbox. A user has one, an archive has another, and an expanded archive several."""
ExchangeItemId = t.NewType("ExchangeItemId", str)

V1, BETA = "v1.0", "beta"
MAX_HOPS = 4
_REDIRECTS = (307, 308)
_ROOT = ("admin", "exchange", "mailboxes")
_MAILBOX = re.compile(r"[!-~]{1,200}")
_PREFIX = "mbx:"
T = t.TypeVar("T")


class MailboxPath(t.NamedTuple):
    """A path below C(/admin/exchange/mailboxes/{mailbox}), taken apart and unquoted."""

    version: str
    mailbox: MailboxId
    rest: tuple[str, ...] = ()

    def target(self) -> str:
        return (beta_path if self.version == BETA else graph_path)(*_ROOT, self.mailbox, *self.rest)


class _Redirected(Exception):
    """The answer was a redirect."""

    def __init__(self, location: str) -> None:
        super().__init__()
        self.location = location


def is_mailbox_id(text: str) -> bool:
    """Whether it can be a mailbox's id: they are opaque, but go into paths."""
    return _MAILBOX.fullmatch(text) is not None and not set(text) & set("/\\?#%")


def mailbox_path(target: str) -> MailboxPath | None:
    """The parts of a path with or without a query; None for any other path. Fixed words count in any case."""
    segments = [urllib.parse.unquote(segment) for segment in target.partition("?")[0].split("/")]
    if len(segments) < 6 or segments[0] or tuple(segment.lower() for segment in segments[2:5]) != _ROOT:
        return None
    version, mailbox, rest = segments[1].lower(), segments[5], tuple(segments[6:])
    is_clean = all(segment not in ("", ".", "..") for segment in rest)
    if version not in (V1, BETA) or not is_clean or not is_mailbox_id(mailbox):
        return None
    return MailboxPath(version, MailboxId(mailbox), rest)


def redirected(call: Call, asked: MailboxPath, target: str) -> MailboxPath:
    """Where a redirect of ``asked`` to ``target`` (a path on the host that is trusted) leads.

    :raises LinkRefused: it is not the same path of another mailbox.
    """
    found = mailbox_path(target)
    if (
        found is None
        or not found.mailbox.lower().startswith(_PREFIX)
        or tuple(part.lower() for part in found.rest) != tuple(part.lower() for part in asked.rest)
    ):
        raise LinkRefused(
            f"{call.doing} failed: it was redirected to an address that is not the same folder or item of another mailbox.",
            hint="Check whether a proxy rewrites answers; if not, tell Microsoft's support the time of this run.",
        )
    return found._replace(rest=asked.rest)


class ExchangeMailbox:
    """Requests on one mailbox and on those that it redirects to. Thread-safe; gives JSON to L(pages) like a client.

    ``version`` is that of folders and items, ``export_version`` that of exports: they may differ, because v1.0 exports from
    archives whose folders it does not list.
    """

    def __init__(self, client: GraphClient, mailbox: MailboxId) -> None:
        self.client = client
        self.mailbox = mailbox
        self.version = V1
        self.export_version = V1
        self._moved: dict[tuple[str, str], MailboxId] = {}

    def path(self, *rest: str) -> str:
        """A path of this mailbox, or of the one where its folder was found to be."""
        return MailboxPath(self.version, self.mailbox_of(rest[1]) if len(rest) > 1 else self.mailbox, rest).target()

    def mailbox_of(self, folder_id: str) -> MailboxId:
        """Where a folder is, as far as redirects have told."""
        return self._moved.get(("folders", folder_id), self.mailbox)

    def get_json(
        self,
        call: Call,
        path_or_link: str,
        *,
        params: t.Mapping[str, str] | None = None,
        prefer: t.Sequence[str] = (),
        headers: t.Mapping[str, str] | None = None,
        policy: RetryPolicy | None = None,
    ) -> Fields:
        """As the client's own, and redirects are followed.

        :raises LinkRefused: to a redirect or a link that leads to another place.
        :raises BadAnswer: to redirects in a circle.
        """
        more = {**({"Prefer": ", ".join(prefer)} if prefer else {}), **(headers or {})}
        target = with_query(graph_target(self.client.cloud, path_or_link), params)
        return self.follow(call, "GET", target, self.client.read_json, headers=more, policy=policy)

    def follow(
        self,
        call: Call,
        method: str,
        target: str,
        read: t.Callable[[Incoming], T],
        *,
        body: Fields | None = None,
        headers: t.Mapping[str, str] | None = None,
        policy: RetryPolicy | None = None,
    ) -> T:
        """Send, and send the same again to wherever a redirect leads: method and body stay, the limits are the new mailbox's."""

        def read_or_move(incoming: Incoming) -> T:
            if incoming.status in _REDIRECTS:
                raise _Redirected(incoming.headers.get("location") or "")
            return read(incoming)

        asked = mailbox_path(target)
        if asked is None:
            raise LinkRefused(
                f"{call.doing} failed: the next page is said to be at an address that is no mailbox's.",
                hint="Check whether a proxy rewrites answers.",
            )
        query = target.partition("?")[2]
        visited = {(asked.version, asked.mailbox.lower())}
        while True:
            here = dataclasses.replace(call, scope=LimitScope.mailbox(asked.mailbox))
            address = f"{asked.target()}?{query}" if query else asked.target()
            try:
                return self.client.send(here, method, address, read_or_move, body=body, headers=headers, policy=policy, statuses=_REDIRECTS)
            except _Redirected as answer:
                moved = redirected(call, asked, graph_target(self.client.cloud, answer.location))
            place = (moved.version, moved.mailbox.lower())
            if place in visited or len(visited) > MAX_HOPS:
                raise BadAnswer(
                    f"{call.doing} failed: the mailboxes of the archive redirect in a circle.",
                    hint="Nothing is lost: the next run tries it again.",
                )
            visited.add(place)
            if len(asked.rest) > 1:
                self._moved[(asked.rest[0].lower(), asked.rest[1])] = moved.mailbox
            asked = moved

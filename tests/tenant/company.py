# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A small company for the demo: three groups, one of them inside another, twelve people, about three years of mail, a year of meetings."""

from __future__ import annotations

import dataclasses
import random
import typing as t

from .company_life import furnish

if t.TYPE_CHECKING:
    from .control import ControlClient

DOMAIN = "contoso.onmicrosoft.com"
SIZE_LIMIT = 1_500_000
_PEOPLE = (
    ("Adele Vance", "Sales"),
    ("Alex Wilber", "Sales"),
    ("Diego Siciliani", "Sales"),
    ("Grady Archie", "Sales North"),
    ("Henrietta Müller", "Sales North"),
    ("Isaiah Langer", "Sales North"),
    ("Johanna Lorenz", "Management"),
    ("Joni Sherman", "Management"),
    ("Lee Gu", "Management"),
    ("Lidia Holloway", "Sales"),
    ("Lynne Robbins", "Sales North"),
    ("Megan Bowen", "Management"),
)
_GROUPS = (("Sales", "microsoft365"), ("Sales North", "security"), ("Management", "mail_security"))
# Folders that people really make: a slash, trailing dots, only emoji, names that some file systems refuse, deep nesting.
_FOLDERS: tuple[tuple[str, ...], ...] = (
    ("inbox", "Customers"),
    ("inbox", "Customers", "Müller & Söhne / Offers 2024"),
    ("inbox", "Customers", "Müller & Söhne / Offers 2024", "Signed"),
    ("inbox", "To do..."),
    ("inbox", "📌"),
    ("Projects",),
    ("Projects", "CON"),
    ("Projects", 'Phase 1: "Kick-off" <draft>'),
    ("Projects", "2025", "Q1", "Weekly"),
    ("Newsletters",),
)
_GERMAN = {
    "inbox": "Posteingang",
    "sentitems": "Gesendete Elemente",
    "deleteditems": "Gelöschte Elemente",
    "drafts": "Entwürfe",
    "junkemail": "Junk-E-Mail",
}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Company:
    """Object ids of what was made, and how many messages there are."""

    groups: dict[str, str]
    users: dict[str, str]
    messages: int


def populate_small_company(control: ControlClient, *, seed: int = 1, messages: int = 2000, domain: str = DOMAIN) -> Company:
    """Fills an empty tenant; the same for the same seed. C(Sales North) lies inside C(Sales)."""
    rng = random.Random(seed)
    groups = {
        name: control.add_group(name, kind=kind, mail=None if kind == "security" else f"{name.lower()}@{domain}") for name, kind in _GROUPS
    }
    control.add_member("Sales", "Sales North")
    shares = [rng.lognormvariate(0, 0.6) for _unused in _PEOPLE]
    users: dict[str, str] = {}
    total = 0
    for position, (name, group) in enumerate(_PEOPLE):
        address = _address(name, domain)
        users[address] = control.add_user(address, display_name=name, department=group, folder_names=_GERMAN if position % 4 == 0 else None)
        control.add_member(group, address)
        share = messages * shares[position] / sum(shares)
        total += _fill(control, address, seed, max(20, round(share)))
        furnish(control, address, [_address(other, domain) for other, its_group in _PEOPLE if its_group == group], seed, position)
    return Company(groups=groups, users=users, messages=total)


def _address(name: str, domain: str) -> str:
    plain = name.lower().replace("ü", "ue").replace(" ", ".")
    return f"{plain}@{domain}"


def _fill(control: ControlClient, mailbox: str, seed: int, count: int) -> int:
    """Inbox 45 %, Sent 25 %, Deleted 10 %, the rest over the person's own folders."""
    shares: list[tuple[tuple[str, ...], float]] = [(("inbox",), 0.45), (("sentitems",), 0.25), (("deleteditems",), 0.10)]
    for path in _FOLDERS:
        _make(control, mailbox, path)
        shares.append((path, 0.20 / len(_FOLDERS)))
    first = 0
    for path, share in shares:
        part = round(count * share)
        if part:
            control.deliver_generated(mailbox, part, seed=seed, folder=path, first=first, size_limit=SIZE_LIMIT)
        first += part
    return first


def _make(control: ControlClient, mailbox: str, path: tuple[str, ...]) -> None:
    known = {tuple(folder["path"]) for folder in control.folders(mailbox)}
    names = {folder["well_known"]: folder["name"] for folder in control.folders(mailbox)}
    for depth in range(1, len(path) + 1):
        place = tuple(names.get(name, name) if position == 0 else name for position, name in enumerate(path[:depth]))
        if place not in known:
            control.create_folder(mailbox, path[depth - 1], parent=path[: depth - 1] or "msgfolderroot")
            known.add(place)

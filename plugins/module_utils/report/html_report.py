# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report of one or many backup hosts as a single HTML document that works without another file, a network or a script.

It answers in this order: is everybody protected, what needs a look, how are hosts and plans, how is each plan, how is each member.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t
from datetime import datetime

from .fleet_attention import attention
from .fleet_view import fleet_view
from .html_members import members_section
from .html_overview import hosts_table, plans_table, tiles, to_do, verdict
from .html_parts import document
from .html_plan import plan_sections
from .summary import HostSummary


def html_report(hosts: t.Sequence[HostSummary], *, title: str, now: datetime) -> str:
    """C(now) is when it is written: ages are counted to it, and a host that has been silent for long is named. Pure."""
    fleet = fleet_view(hosts, now)
    found = attention(fleet)
    sections = [verdict(fleet, found)]
    links = []
    if fleet.plans:
        sections.append(tiles(fleet))
    needs = to_do(found)
    if needs is not None:
        sections.append(needs)
        links.append(("look", "What needs a look"))
    if fleet.plans:
        sections.append(plans_table(fleet))
        links.append(("plans", "Plans"))
    if fleet.hosts:
        sections.append(hosts_table(fleet))
        links.append(("hosts", "Hosts"))
    if fleet.plans:
        sections.append(plan_sections(fleet))
        links.append(("each-plan", "Plan by plan"))
    members = members_section(fleet)
    if members is not None:
        sections.append(members)
        links.append(("members", "Members"))
    return document(title, links, sections, now)

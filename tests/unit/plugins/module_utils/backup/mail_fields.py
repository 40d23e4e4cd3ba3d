# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fields of messages as a delta names them."""

from __future__ import annotations

import typing as t

from hypothesis import strategies as st

Fields = dict[str, t.Any]


def address(name: str) -> Fields:
    return {"emailAddress": {"name": name, "address": f"{name}@contoso.example"}}


FULL: Fields = {
    "id": "m",
    "changeKey": "K1",
    "subject": "Quarterly numbers",
    "from": address("anna"),
    "toRecipients": [address("ben")],
    "ccRecipients": [],
    "receivedDateTime": "2026-05-17T08:12:05Z",
    "sentDateTime": "2026-05-17T08:12:01Z",
    "createdDateTime": "2026-05-17T08:12:05Z",
    "isRead": False,
    "isDraft": False,
    "flag": {"flagStatus": "notFlagged"},
    "categories": [],
    "importance": "normal",
    "hasAttachments": False,
    "bodyPreview": "Please find",
    "parentFolderId": "inbox",
}

_DATES = st.sampled_from(["2026-05-17T08:12:05Z", "2025-01-01T00:00:00Z"])
_TRUTH = st.sampled_from([True, False, "true", "false"])
_PEOPLE = st.lists(st.sampled_from(["anna", "ben", ""]).map(address), max_size=2)

_VALUES: dict[str, st.SearchStrategy[t.Any]] = {
    "changeKey": st.sampled_from(["K1", "K2"]),
    "subject": st.sampled_from(["", "one", "two"]) | st.none(),
    "from": st.sampled_from(["anna", "ben"]).map(address) | st.none(),
    "toRecipients": _PEOPLE,
    "ccRecipients": _PEOPLE,
    "sentDateTime": _DATES,
    "isRead": _TRUTH,
    "isDraft": _TRUTH,
    "flag": st.sampled_from(["flagged", "complete", "notFlagged"]).map(lambda status: {"flagStatus": status}) | st.none(),
    "categories": st.lists(st.sampled_from(["Red", "Blue"]), max_size=2, unique=True),
    "importance": st.sampled_from(["low", "normal", "high"]),
    "hasAttachments": _TRUTH,
    "bodyPreview": st.sampled_from(["", "one", "two"]),
}


def partial_fields() -> st.SearchStrategy[Fields]:
    """Any part of a message's fields."""
    return st.fixed_dictionaries({"id": st.just("m")}, optional={**_VALUES, "receivedDateTime": _DATES})


def whole_fields() -> st.SearchStrategy[Fields]:
    """Every field, each with some value."""
    return st.fixed_dictionaries({"id": st.just("m"), "receivedDateTime": _DATES, **_VALUES})

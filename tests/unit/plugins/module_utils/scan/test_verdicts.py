# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Verdicts that need no engine."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.scan.verdict import Engine, VerdictKind
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.scan.verdicts import too_large

ENGINE = Engine(name="clamav", version="1.4.6", database="1.4.6/27463")


def test_what_is_too_large_says_so_in_numbers_and_when_in_utc() -> None:
    verdict = too_large((200 << 20) + (1 << 19), 200 << 20, ENGINE, datetime(2026, 11, 23, 1, 0, tzinfo=timezone(timedelta(hours=2))))
    assert verdict.kind is VerdictKind.UNSCANNABLE
    assert verdict.reason == "larger than the limit of 200 MiB (200.5 MiB)"
    assert (verdict.engine, verdict.database, verdict.time) == ("clamav", "1.4.6/27463", "2026-11-22T23:00:00Z")

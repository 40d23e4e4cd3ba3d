# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the README says of backup hosts is a part of the guide, whose files and commands tests/hosts/test_fleet.py does."""

from __future__ import annotations

import re
from pathlib import Path

from ansible_collections.tenantvault.m365_backup.tests.integration.page_commands import commands_of
from ansible_collections.tenantvault.m365_backup.tests.integration.walked_page import Block, sections_of

ROOT = Path(__file__).resolve().parents[3]
README = ROOT / "README.md"
HEADING = "From bare machines to a scheduled backup"


def guide() -> list[Block]:
    page = (ROOT / "docs/docsite/rst/backup_hosts.rst").read_text(encoding="utf-8")
    return [block for blocks in sections_of(page).values() for block in blocks]


def test_the_play_of_the_readme_is_that_of_the_guide() -> None:
    (play,) = (block.text.strip() for block in guide() if block.file == "site.yml")
    (section,) = re.findall(rf"^## {HEADING}\n(.*?)^## ", README.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert [text.strip() for text in re.findall(r"^```yaml\n(.*?)^```", section, re.MULTILINE | re.DOTALL)] == [play]


def test_each_command_of_the_readme_is_one_of_the_guide() -> None:
    commands = {line for block in guide() if block.language == "bash" for line in block.text.splitlines()}
    shown = [line for block in commands_of(README)[HEADING] for line in block.text.splitlines()]
    assert shown != []
    assert [line for line in shown if line not in commands] == []

# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The commands of a page, in reStructuredText or Markdown, by the heading below which they stand."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

from ansible_collections.tenantvault.m365_backup.tests.integration.walked_page import Block

_SHELLS = "(?:bash|console|sh|shell)"
_RST = re.compile(
    rf"^(?P<title>\S.*)\n[-=~^]{{3,}}\n|^ *\.\. code-block:: {_SHELLS}\n(?: +:.*\n)*\n(?P<text>(?:(?: +.*)?\n)+)",
    re.MULTILINE,
)
_MARKDOWN = re.compile(rf"^#+ (?P<title>.*)\n|^ *```(?:(?P<shell>{_SHELLS})|\w*)\n(?P<text>(?:.*\n)*?) *```\n", re.MULTILINE)
_PROMPT = re.compile(r"^\$ ", re.MULTILINE)


def commands_of(page: Path) -> dict[str, list[Block]]:
    """The blocks of shell commands below each heading, in their order and without prompts. Headings without any are left out."""
    found: dict[str, list[Block]] = {}
    title = ""
    markdown = page.suffix == ".md"
    for match in (_MARKDOWN if markdown else _RST).finditer(page.read_text(encoding="utf-8")):
        if match["title"]:
            title = match["title"]
        elif not markdown or match["shell"]:
            text = textwrap.dedent(match["text"]).strip("\n")
            found.setdefault(title, []).append(Block("bash", "", _PROMPT.sub("", f"{text}\n")))
    return found

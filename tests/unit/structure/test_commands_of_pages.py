# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every shell command that a page tells people to run is run by a test. What is for Exchange Online's PowerShell cannot be run here."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.tenantvault.m365_backup.tests.integration.page_commands import commands_of
from ansible_collections.tenantvault.m365_backup.tests.integration.walked_page import sections_of

ROOT = Path(__file__).resolve().parents[3]
GUIDES = "docs/docsite/rst"
PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for pattern in ("*.md", "docs/*.md", "docs/docsite/rst/*.rst", "extensions/**/*.md", "playbooks/**/*.md", "roles/*/README.md")
    for path in ROOT.glob(pattern)
)

SHOWN = "tests/integration/test_shown_commands.py"
WALKED = [f"{GUIDES}/backup_hosts.rst", f"{GUIDES}/group_backup_walkthrough.rst"]
"""Their tests go from section to section, and do what they find there."""

# Which test runs the commands of a page: all of them, or those below each heading. The test takes them from the page by
# commands_of() or sections_of(), and fails for a block that it has not run.
RUN_BY: dict[str, str | dict[str, str]] = {
    "CONTRIBUTING.md": {"Contributing": SHOWN},
    "README.md": {
        "Ansible collection tenantvault.m365_backup": SHOWN,
        "Installation": SHOWN,
        "From bare machines to a scheduled backup": "tests/unit/structure/test_backup_hosts_guide.py",
        "Looking into a repository": "tests/integration/test_main_job.py",
    },
    "docs/dependencies.md": {"On backup hosts": SHOWN},
    f"{GUIDES}/awx.rst": {
        "Build the execution environment": "tests/integration/test_execution_environment.py",
        "Set AWX up": "tests/integration/test_awx_setup.py",
        "Drills": "tests/integration/test_restore_drill.py",
    },
    f"{GUIDES}/backup_hosts.rst": "tests/hosts/test_fleet.py",
    f"{GUIDES}/find_and_export.rst": {
        "Find an item": "tests/integration/test_item_info.py",
        "Infected items": "tests/integration/test_restore_infected.py",
    },
    f"{GUIDES}/first_group_backup.rst": {
        "Try it without a tenant": SHOWN,
        "Prepare the machine": SHOWN,
        "Choose a passphrase": SHOWN,
    },
    f"{GUIDES}/group_backup_walkthrough.rst": "tests/integration/test_admin_walk.py",
    f"{GUIDES}/keys_and_recovery.rst": {"Choose a passphrase": SHOWN},
    f"{GUIDES}/restore_with_restic.rst": "tests/unit/plugins/module_utils/repository/test_restore_guides.py",
    f"{GUIDES}/restore_without_restic.rst": "tests/unit/plugins/module_utils/repository/test_restore_guides.py",
    "roles/backup_host/README.md": {
        "The command": "tests/hosts/test_group_backup_role.py",
        "Without a package index": SHOWN,
    },
}

#: Pages of which no test runs the commands yet. Nothing may be added.
NOT_YET = {
    f"{GUIDES}/changing_a_plan.rst",
    f"{GUIDES}/monitoring.rst",
    f"{GUIDES}/object_stores.rst",
    f"{GUIDES}/onedrive.rst",
}


def with_commands() -> dict[str, list[str]]:
    """Pages that have commands, and below which headings."""
    found = {page: list(commands_of(ROOT / page)) for page in PAGES}
    return {page: headings for page, headings in found.items() if headings}


def test_a_page_is_listed_when_it_has_commands() -> None:
    assert sorted({*RUN_BY, *NOT_YET}) == sorted(with_commands())
    assert not NOT_YET & RUN_BY.keys()


@pytest.mark.parametrize("page", sorted(RUN_BY))
def test_the_tests_that_run_the_commands_of_a_page_are_there_and_read_it(page: str) -> None:
    claimed = RUN_BY[page]
    headings = with_commands()[page]
    by_heading = dict.fromkeys(headings, claimed) if isinstance(claimed, str) else claimed
    assert list(by_heading) == headings
    name = page if page.endswith("README.md") else Path(page).stem
    for heading, module in by_heading.items():
        source = (ROOT / module).read_text(encoding="utf-8")
        assert name in source, f"{module} does not read {page}"
        assert isinstance(claimed, str) or f'"{heading}"' in source, f"{module} does not run what is below {heading}"


@pytest.mark.parametrize("page", WALKED)
def test_a_walk_sees_every_command_of_its_page(page: str) -> None:
    seen = [block.text for blocks in sections_of((ROOT / page).read_text(encoding="utf-8")).values() for block in blocks if not block.file]
    assert [text.strip() for text in seen] == [block.text.strip() for blocks in commands_of(ROOT / page).values() for block in blocks]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (
            "page.md",
            "# Top\n\n```bash\n# no heading\none\n```\n\n```yaml\n# none either\n```\n\n## Below\n\n- so\n\n  ```console\n  $ two\n  ```\n",
        ),
        (
            "page.rst",
            (
                "Top\n===\n\n.. code-block:: bash\n\n    # no heading\n    one\n\n.. code-block:: yaml\n\n    # none either\n\n"
                "Below\n~~~~~\n\n- so\n\n  .. code-block:: console\n     :caption: x\n\n     $ two\n\nText\n"
            ),
        ),
    ],
)
def test_commands_are_found_wherever_they_stand(tmp_path: Path, name: str, text: str) -> None:
    page = tmp_path / name
    page.write_text(text, encoding="utf-8")
    found = {heading: [block.text for block in blocks] for heading, blocks in commands_of(page).items()}
    assert found == {"Top": ["# no heading\none\n"], "Below": ["two\n"]}

# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A guide that is done as it says: its files are written and its commands run, section by section, in one session of a shell."""

from __future__ import annotations

import dataclasses
import os
import re
import subprocess
import sys
import textwrap
import typing as t
from pathlib import Path

import yaml

_BLOCK = re.compile(r"^\.\. code-block:: (\w+)\n(?:    :caption: (\S+)\n)?\n((?:(?: +.*)?\n)+)", re.MULTILINE)
_SECTION = re.compile(r"^(\S.*)\n-+\n", re.MULTILINE)


@dataclasses.dataclass(frozen=True, slots=True)
class Block:
    """A file or a piece of it (C(file) is its name), or commands."""

    language: str
    file: str
    text: str


def sections_of(page: str) -> dict[str, list[Block]]:
    """The blocks below each heading."""
    pieces = _SECTION.split(page)[1:]
    return {
        title: [Block(language, file, textwrap.dedent(text)) for language, file, text in _BLOCK.findall(text)]
        for title, text in zip(pieces[::2], pieces[1::2], strict=True)
    }


@dataclasses.dataclass(slots=True)
class Session:
    """A shell in C(folder). What the page says literally and this machine has elsewhere is replaced before anything is done."""

    folder: Path
    replaced: t.Mapping[str, str]
    environment: dict[str, str]
    files: dict[str, t.Any] = dataclasses.field(default_factory=dict)

    def do(self, blocks: t.Iterable[Block]) -> str:
        """What the commands printed. Raises AssertionError for the first that fails, and for a block of neither kind."""
        printed = []
        for block in blocks:
            if block.file:
                self._write(block)
            elif block.language == "bash":
                printed.append(self._run(self.here(block.text)))
            else:
                raise AssertionError(f"Nobody looks at this block:\n{block.text}")
        return "".join(printed)

    def here(self, text: str) -> str:
        """What stands for it on this machine."""
        for literal, local in self.replaced.items():
            text = text.replace(literal, local)
        return text

    def _write(self, block: Block) -> None:
        """A file of variables grows with each piece of it, and a variable that is there gets another value."""
        path = self.folder / self.here(block.file)
        text = self.here(block.text)
        content = yaml.safe_load(text) if block.language == "yaml" else None
        if isinstance(content, dict) and isinstance(self.files.get(block.file), dict):
            content = {**self.files[block.file], **content}
            text = yaml.safe_dump(content)
        elif block.file in self.files:
            raise AssertionError(f"{block.file} is written twice, and is no file of variables")
        self.files[block.file] = content
        path.write_text(text, encoding="utf-8")

    def _run(self, commands: str) -> str:
        after = self.folder / ".environment"
        script = f"set -eu -o pipefail\n{commands}\nenv -0 > {after}\n"
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode:
            raise AssertionError(f"{commands}\nended with {done.returncode}:\n{done.stdout}")
        lines = after.read_text(encoding="utf-8").split("\0")
        self.environment = dict(line.split("=", 1) for line in lines if "=" in line)
        return done.stdout


def programs_path(*before: Path) -> str:
    """A C(PATH) on which the programs of the tests, such as ansible-playbook, come before those of the machine."""
    return os.pathsep.join((*map(str, before), str(Path(sys.executable).parent), os.environ["PATH"]))


def without_settings_of(program: str, environment: t.Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of tests, but for what it sets of the program and of our own modules."""
    inherited = os.environ if environment is None else environment
    return {name: value for name, value in inherited.items() if not name.startswith((program, "M365_", "AZURE_", "AWS_"))}

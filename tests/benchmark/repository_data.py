# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files that all tools back up, made from a seed; and what changes in them before the second backup.

Mail-like files of 50 KB on average: nine in ten are messages (header, text, one in three with an attachment in Base64), one is
JSON. Large files are random bytes, but for the last, which is text. Beside them lie the files of the second backup: 10 % new
and 2 % changed ones of the mail, and one large file with 8 MiB changed in its middle; 10 % of the mail is removed.

Runs as a process of its own, so that the process that measures stays small: python -m benchmark.repository_data FOLDER ...
"""

from __future__ import annotations

import base64
import contextlib
import itertools
import json
import os
import random
import sys
from pathlib import Path

SOURCE, CHANGES, ASIDE, MANIFEST = "source", "changes", "aside", "changes.json"
_SEED = 20_261_123
_LETTERS = "etaoinshrdlucmfwypvbgkjqxz"
_WEIGHTS = [12, 9, 8, 8, 7, 7, 6, 6, 6, 4, 4, 3, 3, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1]
_MEBIBYTE = 1 << 20
_PER_FOLDER = 500


class Words:
    """Text that compresses like text: words of one vocabulary, in paragraphs."""

    def __init__(self) -> None:
        chance = random.Random(_SEED)
        self._words = ["".join(chance.choices(_LETTERS, _WEIGHTS, k=chance.randint(2, 11))) for _word in range(8000)]
        self._paragraphs = [" ".join(chance.choices(self._words, k=chance.randint(30, 120))) for _paragraph in range(4000)]

    def line(self, chance: random.Random, count: int) -> str:
        return " ".join(chance.choices(self._words, k=count))

    def text(self, chance: random.Random, size: float) -> str:
        """About C(size) bytes."""
        return "\r\n\r\n".join(chance.choices(self._paragraphs, k=max(1, int(size / 470))))


def mail_like(words: Words, number: int, version: int = 0) -> bytes:
    """A message, or an event; with another version another text."""
    chance = random.Random(f"{_SEED}/{number}/{version}")
    if number % 10 == 0:
        people = [
            {"name": words.line(chance, 2), "address": f"{chance.randbytes(6).hex()}@example.com"} for _one in range(chance.randint(1, 30))
        ]
        event = {"id": chance.randbytes(48).hex(), "subject": words.line(chance, 6), "attendees": people, "body": words.text(chance, 3000)}
        return json.dumps(event).encode()
    lines = [
        f"Received: from {chance.randbytes(8).hex()}.example.com; {chance.randrange(1 << 32)}",
        f"Message-ID: <{chance.randbytes(16).hex()}@example.com>",
        f"Subject: {words.line(chance, 6)}",
        "",
        words.text(chance, chance.lognormvariate(9.0, 0.8)),
    ]
    content = "\r\n".join(lines).encode()
    if chance.random() < 0.35:
        attachment = chance.randbytes(int(min(3e6, chance.lognormvariate(11.03, 0.9))))
        content += b"\r\nContent-Transfer-Encoding: base64\r\n\r\n" + base64.encodebytes(attachment).replace(b"\n", b"\r\n")
    return content


def mail_path(number: int) -> str:
    return f"mail/{number // _PER_FOLDER:03}/{number:06}.{'json' if number % 10 == 0 else 'eml'}"


def make(folder: Path, mails: int, large: int, large_mebibytes: int) -> None:
    """Write everything below a folder: C(source), C(changes), and a manifest of what the changes are."""
    words = Words()
    changed, new = range(7, mails, 50), range(mails, mails + mails // 10)
    for number in range(mails):
        _write(folder / SOURCE / mail_path(number), mail_like(words, number))
    for number in itertools.chain(changed, new):
        _write(folder / CHANGES / mail_path(number), mail_like(words, number, version=1))
    for number in range(large):
        _write_large(folder / SOURCE / f"large/{number}.bin", number, large_mebibytes, words if number == large - 1 else None)
    if large:
        _write_large(folder / CHANGES / "large/0.bin", 0, large_mebibytes, None, is_changed=True)
    manifest = {
        "removed": [mail_path(number) for number in range(3, mails, 10)],
        "new": [mail_path(number) for number in new],
        "changed": [mail_path(number) for number in changed] + (["large/0.bin"] if large else []),
    }
    (folder / MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")
    os.sync()


def apply_changes(folder: Path) -> None:
    """Turn the source into its second state, by renaming."""
    manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    for name in manifest["removed"] + manifest["changed"]:
        _move(folder / SOURCE / name, folder / ASIDE / name)
    for name in manifest["new"] + manifest["changed"]:
        _move(folder / CHANGES / name, folder / SOURCE / name)


def undo_changes(folder: Path) -> None:
    """Back to the first state."""
    manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    for name in manifest["new"] + manifest["changed"]:
        _move(folder / SOURCE / name, folder / CHANGES / name)
    for name in manifest["removed"] + manifest["changed"]:
        _move(folder / ASIDE / name, folder / SOURCE / name)


def _write_large(path: Path, number: int, mebibytes: int, words: Words | None, *, is_changed: bool = False) -> None:
    chance, other = random.Random(f"{_SEED}/large/{number}"), random.Random("changed")
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        for mebibyte in range(mebibytes):
            content = chance.randbytes(_MEBIBYTE) if words is None else words.text(chance, _MEBIBYTE).encode()
            is_other = is_changed and mebibytes // 2 <= mebibyte < mebibytes // 2 + 8
            file.write(other.randbytes(_MEBIBYTE) if is_other else content)


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _move(path: Path, target: Path) -> None:
    """No folder stays behind empty: restoring ours would not give it back, since a tree of ours has none."""
    target.parent.mkdir(parents=True, exist_ok=True)
    path.rename(target)
    with contextlib.suppress(OSError):
        path.parent.rmdir()


if __name__ == "__main__":
    make(Path(sys.argv[1]), *map(int, sys.argv[2:]))

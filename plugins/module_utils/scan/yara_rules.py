# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""YARA rules of the administrator: files and folders, compiled once a process.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import hashlib
import os
import re
import threading
import typing as t
from dataclasses import dataclass

from .. import _deps
from .scanner import ScannerUnusable
from .self_test import EICAR

if t.TYPE_CHECKING:
    import boreal

SUFFIXES = (".yar", ".yara")
#: What the engines of rule collections set, so that their rules compile. A verdict belongs to bytes, so names stay unknown.
_EXTERNALS: dict[str, str | bytes | int | float | bool] = dict.fromkeys(("filename", "filepath", "extension", "filetype", "owner"), "")
_BUILT_IN = "built in"
_PLACE = re.compile(r"^(?:mem|[^:\n]*):(\d+):\d+: error: (.*)$", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Rules:
    """C(digest) is of every rule: equal ones find the same. C(version) is of the library."""

    compiled: boreal.Scanner
    digest: str
    version: str


def load_rules(paths: t.Sequence[str]) -> Rules:
    """Raises ScannerUnusable that names the file and line, and MissingLibraryError.

    Files are read each time, and compiled when they are others than the last ones.
    """
    sources = {path: _text_of(path) for path in _files(paths)}
    if not sources:
        raise ScannerUnusable(
            "The malware engine yara has no rules.",
            hint=f"Name rule files, or folders with files *{SUFFIXES[0]} and *{SUFFIXES[1]}, in rules of malware_scan.",
        )
    return _CACHE.compiled(tuple(sorted(sources.items())))


def _files(paths: t.Sequence[str]) -> t.Iterator[str]:
    for path in paths:
        if not os.path.isdir(path):
            yield os.path.abspath(path)
            continue
        found = sorted(
            os.path.join(folder, name)
            for folder, _folders, names in os.walk(os.path.abspath(path), followlinks=True, onerror=_refuse)
            for name in names
            if name.lower().endswith(SUFFIXES)
        )
        if not found:
            raise ScannerUnusable(f"The folder {path} holds no YARA rules.", hint=f"Rule files end in {' or '.join(SUFFIXES)}.")
        yield from found


def _text_of(path: str) -> str:
    try:
        with open(path, "rb") as file:
            content = file.read()
    except OSError as error:
        _refuse(error)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        # Rules of old collections; what matters in them is ASCII.
        return content.decode("latin-1")


def _refuse(error: OSError) -> t.NoReturn:
    raise ScannerUnusable(
        f"The YARA rules in {error.filename} cannot be read: {error.strerror}.",
        hint="The user that runs the backup must be able to read every rule file.",
    ) from error


class _Cache:
    """The last rules, for all scanners of a process; every file that was included in them is asked again."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sources: tuple[tuple[str, str], ...] = ()
        self._included: dict[str, str] = {}
        self._rules: Rules | None = None

    def compiled(self, sources: tuple[tuple[str, str], ...]) -> Rules:
        with self._lock:
            same = sources == self._sources and all(os.path.isfile(path) for path in self._included)
            if self._rules is None or not same or {path: _text_of(path) for path in self._included} != self._included:
                self._rules, self._included = _compile(sources)
                self._sources = sources
            return self._rules


_CACHE = _Cache()


def _compile(sources: tuple[tuple[str, str], ...]) -> tuple[Rules, dict[str, str]]:
    """And what the rules included, by path."""
    library = _deps.boreal
    included = _Included()
    # One namespace a file, so that equal names of rules do not collide. A remark has to end with its line.
    namespaces = {_BUILT_IN: _eicar_rule(), **{path: text + "\n" for path, text in sources}}
    try:
        compiled = library.compile(sources=namespaces, externals=_EXTERNALS, include_callback=included)
    except library.AddRuleError as error:
        raise _refused(sources, str(error)) from error
    count = sum(not rule.is_private for rule in compiled) - 1
    if not count:
        raise ScannerUnusable(
            f"There is no YARA rule in {', '.join(path for path, _text in sources[:3])}.", hint="Give files with rules in them."
        )
    # A large piece lies in a file of ours that nobody else can open or change, so it may be mapped.
    compiled.set_params(use_mmap=True)
    digest = hashlib.sha256()
    for text in (*dict(sources).values(), *included.texts.values()):
        digest.update(hashlib.sha256(text.encode("utf-8")).digest())
    return Rules(compiled, digest.hexdigest(), library.__version__), included.texts


class _Included:
    """Reads what rules include, beside the file that includes it, and keeps it for the digest."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}

    def __call__(self, name: str, current: str | None, namespace: str) -> str:
        """The library hands on only the name that the including file gave, so an include within one starts at the rule file too."""
        folder = os.path.dirname(namespace)
        for start in (folder, os.path.join(folder, os.path.dirname(current or ""))):
            path = os.path.normpath(os.path.join(start, name))
            if os.path.isfile(path):
                text = self.texts[path] = _text_of(path)
                return f"{text}\n"
        raise FileNotFoundError(f"{os.path.join(folder, name)} is not there")


def _refused(sources: tuple[tuple[str, str], ...], message: str) -> ScannerUnusable:
    """The library does not name the file when it compiles many: so compile one after another until one fails in the same way."""
    library = _deps.boreal
    for path, text in sources:
        try:
            library.compile(sources={path: f"{text}\n"}, externals=_EXTERNALS, include_callback=_Included())
        except library.AddRuleError as error:
            found = _PLACE.match(str(error))
            # An end that is missing is missed in the line that was added.
            where, what = (f", line {min(int(found.group(1)), len(text.splitlines()))}", found.group(2)) if found else ("", str(error))
            what = what.partition(": PyErr")[0].strip()
            return ScannerUnusable(
                f"The YARA rules in {path}{where} are not valid: {what}.",
                hint="Mend or remove that rule; nothing is scanned with only a part of the rules.",
            )
    return ScannerUnusable(f"The YARA rules are not valid: {message}.", hint="Try the rule files one by one.")


def _eicar_rule() -> str:
    """The test virus in hexadecimal: the self-test needs one thing that every set of rules finds."""
    return f"rule EICAR_Test_File {{ strings: $eicar = {{ {EICAR.hex(' ')} }} condition: $eicar }}"

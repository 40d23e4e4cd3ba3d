# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names and paths that a drive takes, and what becomes of those that it refuses. Pure.

The rules are Microsoft's ("Restrictions and limitations in OneDrive and SharePoint"): some characters, some whole
names, spaces at either end and a dot at the end are refused, as are names of more than 255 characters and paths of more
than 400. What a refused name becomes depends on nothing but the path that the item had, so a restore that is started
again finds what it has made: other characters take the place of the refused ones, and a short hash keeps the name apart
from its neighbours. What lies too deep is put into a folder of its own near the top.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import re

from ..backup.layout import short_hash

Names = tuple[str, ...]

LONGEST_NAME = 255
LONGEST_PATH = 400
#: The folder that holds what would lie too deep.
LONG_PATHS = "Long paths"
TOO_LONG = f"Its path would have more than {LONGEST_PATH} characters."

_REFUSED = re.compile(r'["*:<>?/\\|\x00-\x1f\x7f]')
_VTI = re.compile("_vti_", re.IGNORECASE)
_RESERVED = frozenset(
    (".lock", "con", "prn", "aux", "nul", "desktop.ini", *(f"{port}{digit}" for port in ("com", "lpt") for digit in range(10)))
)
_TEMPORARY = "~$"
_HASH_DIGITS = 8
_LONGEST_EXTENSION = 16
_SHORTEST_ROOM = 32


def problem_of(name: str, *, is_folder: bool = False, is_at_top: bool = False) -> str:
    """Why a drive refuses the name; empty if it takes it."""
    if not name.strip(" ."):
        return "it has no characters but dots and spaces"
    if found := _REFUSED.search(name):
        return f"it contains the character {found[0]!r}"
    if name != name.strip(" "):
        return "it begins or ends with a space"
    if name.endswith("."):
        return "it ends with a dot"
    if name.lower() in _RESERVED or (is_at_top and name.lower() == "forms"):
        return "the service keeps it for itself"
    if _VTI.search(name):
        return "it contains _vti_"
    if name.startswith(_TEMPORARY) or (is_folder and is_at_top and name.startswith("~")):
        return "it begins as names of temporary files do"
    if len(name) > LONGEST_NAME:
        return f"it has more than {LONGEST_NAME} characters"
    return ""


def reason_text(problem: str) -> str:
    """A sentence for the result of a restore."""
    return f"The service refuses the name: {problem}."


def accepted_name(name: str, path: Names, *, is_folder: bool = False, is_at_top: bool = False, room: int = LONGEST_PATH) -> str:
    """The name itself, or what stands for it: at most C(room) units long, and always the same for the item at C(path)."""
    if not problem_of(name, is_folder=is_folder, is_at_top=is_at_top) and _length(name) <= room:
        return name
    room = min(room, LONGEST_NAME)
    stem, extension = ("", "") if is_folder else _split(name)
    stem, extension = _harmless(stem or name), _harmless(extension)
    mark = f"~{short_hash('/'.join(path), _HASH_DIGITS)}"
    extension = "" if problem_of(f"x{extension}") else extension
    return f"{_cut(stem, room - len(mark) - _length(extension)) or '_'}{mark}{extension}"


def beside(name: str, label: str, *, is_folder: bool = False, room: int = LONGEST_PATH) -> str:
    """The name of an item that goes beside one of the same name, such as C(Plan (restored 2026-11-22 223007).docx)."""
    stem, extension = (name, "") if is_folder else _split(name)
    addition = f" ({label}){extension}"
    return f"{_cut(stem, min(room, LONGEST_NAME) - _length(addition))}{addition}".lstrip(" ")


class Paths:
    """Where folders and files go below C(top), in a drive whose own path takes C(prefix) of the characters of a path."""

    def __init__(self, top: Names, prefix: int = 0) -> None:
        self.top = top
        self._room = LONGEST_PATH - prefix
        self._folders: dict[Names, Names] = {(): top}

    def folder(self, names: Names) -> Names:
        """The names of the folders that lead to what was the folder C(names)."""
        known = self._folders.get(names)
        if known is None:
            above = self.folder(names[:-1])
            name = accepted_name(names[-1], names, is_folder=True, is_at_top=not above)
            known = self._folders[names] = (*above, name) if self._fits((*above, name)) else self._far(name, names)
        return known

    def file(self, names: Names, name: str) -> tuple[Names, str]:
        """The folder and the name of what was the file C(name) in the folder C(names)."""
        folder, path = self.folder(names), (*names, name)
        accepted = accepted_name(name, path, is_at_top=not folder)
        if not self._fits((*folder, accepted)):
            folder = self._far(names[-1] if names else "", names)
            accepted = accepted_name(name, path, room=self.room_in(folder))
        return folder, accepted

    def room_in(self, folder: Names) -> int:
        """How long a name may be in a folder."""
        return max(self._room - _length("/".join(folder)) - 1, _SHORTEST_ROOM)

    def _far(self, name: str, path: Names) -> Names:
        """A folder near the top that stands for the one at C(path)."""
        return (*self.top, LONG_PATHS, f"{_cut(_harmless(name), _SHORTEST_ROOM) or '_'}~{short_hash('/'.join(path), _HASH_DIGITS)}")

    def _fits(self, path: Names) -> bool:
        return _length("/".join(path)) <= self._room


def _length(text: str) -> int:
    """As programs of Windows count: in units of UTF-16."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _cut(text: str, room: int) -> str:
    return text.encode("utf-16-le", "surrogatepass")[: 2 * max(room, 0)].decode("utf-16-le", "ignore").rstrip(" .")


def _split(name: str) -> tuple[str, str]:
    """The stem and the extension with its dot, which is empty where it is no extension or all that there is."""
    stem, dot, extension = name.rpartition(".")
    if not stem.strip(" .") or not extension or len(extension) > _LONGEST_EXTENSION:
        return name, ""
    return stem, dot + extension


def _harmless(text: str) -> str:
    """Without what the rules refuse, but for the length."""
    text = _VTI.sub("-vti-", _REFUSED.sub("_", text)).strip(" ").rstrip(".")
    while text.startswith("~"):
        text = f"_{text[1:]}"
    return text.strip(" ")


def name_key(name: str) -> str:
    """Equal for names that a drive takes for one: they differ in case only, character by character."""
    return "".join(upper if len(upper := one.upper()) == 1 else one for one in name)

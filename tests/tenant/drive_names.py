# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names that SharePoint refuses (facts A8), and free names beside taken ones."""

from __future__ import annotations

import re
import typing as t

from .call import GraphError
from .drive_store import ROOT

if t.TYPE_CHECKING:
    from .drive_store import Item
    from .drive_tree import Drive

LONGEST_NAME = 255  # UTF-16 units, as all lengths here
LONGEST_PATH = 400  # of the whole path within the drive, without a leading slash
_ILLEGAL = re.compile(r'["*:<>?/\\|\x00-\x1f]')
_RESERVED = re.compile(r"(?:\.lock|con|prn|aux|nul|com[0-9]|lpt[0-9]|desktop\.ini)", re.IGNORECASE)


def refuse_name(drive: Drive, parent: Item, name: t.Any, *, folder: bool = False) -> None:
    """Raises GraphError 400 for a name that an item in C(parent) cannot have."""
    if not isinstance(name, str) or not name:
        raise GraphError(400, "invalidRequest", "Name cannot be empty.")
    in_root = parent.number == ROOT
    if (
        _ILLEGAL.search(name)
        or name != name.strip(" ")
        or name.endswith(".")
        or _RESERVED.fullmatch(name)
        or name.startswith("~$")
        or "_vti_" in name.lower()
        or (in_root and folder and name.startswith("~"))
        or (in_root and name.lower() == "forms")
    ):
        raise GraphError(
            400, "invalidRequest", "The provided name cannot contain this character or is reserved.", inner={"code": "invalidPath"}
        )
    path = drive.path(parent).strip("/")
    if _units(name) > LONGEST_NAME or _units(f"{path}/{name}" if path else name) > LONGEST_PATH:
        raise GraphError(400, "invalidRequest", "The specified file or folder name is too long.", inner={"code": "pathIsTooLong"})


def free_name(drive: Drive, parent: Item, name: str) -> str:
    """C(x 1.docx) beside C(x.docx), the next number if that is taken, too."""
    item = drive.child(parent, name)
    stem, dot, suffix = name.rpartition(".") if item is None or item.children is None else ("", "", "")
    if not stem:
        stem, dot, suffix = name, "", ""
    number = 1
    while drive.child(parent, f"{stem} {number}{dot}{suffix}") is not None:
        number += 1
    return f"{stem} {number}{dot}{suffix}"


def name_taken() -> GraphError:
    return GraphError(409, "nameAlreadyExists", "The specified item name already exists.")


def _units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2

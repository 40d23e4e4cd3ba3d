# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a restore into a drive cannot bring back or vouch for, counted and said.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import dataclasses
import typing as t

from .._text import count_text


@dataclasses.dataclass(slots=True)
class Left:
    """C(links) and C(others) are permissions, as L(Grants) counts them."""

    shortcuts: int = 0
    notebooks: int = 0
    links: int = 0
    others: int = 0
    unlike: int = 0
    first_unlike: str = ""

    def is_unlike(self, name: str) -> None:
        """The service states another size or hash of a file than those of what it was sent."""
        self.unlike += 1
        self.first_unlike = self.first_unlike or name

    def warnings(self) -> t.Iterator[str]:
        """Sentences for an administrator."""
        if self.shortcuts:
            yield (
                f"{count_text(self.shortcuts, 'shortcut')} to folders of other people {_was(self.shortcuts)} not restored: Microsoft Graph"
                " does not let an app make them. Restored into files, they say where they led."
            )
        if self.notebooks:
            yield f"{count_text(self.notebooks, 'notebook')} {_was(self.notebooks)} restored as folders with the files of their sections."
        if self.links:
            yield f"{count_text(self.links, 'sharing link')} {_was(self.links)} not restored: a new one would have another address."
        if self.others:
            yield (
                f"{count_text(self.others, 'permission')} {_was(self.others)} not restored: groups of a site and applications cannot be"
                " invited, and a permission that ends on a day would come back without its end."
            )
        if self.unlike:
            yield (
                f"OneDrive states another size or hash of {count_text(self.unlike, 'file')} than those of what it was sent, first of"
                f" {self.first_unlike}. It does so of kinds of files that it writes into; have a look at others."
            )


def _was(number: int) -> str:
    return "was" if number == 1 else "were"

# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is inside a piece, by what its bytes say and not by its name.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t

from .unpack_closed import closed_kind, closed_text
from .unpack_cms import cms_parts, is_cms
from .unpack_codings import uu_parts
from .unpack_documents import RTF, data_url_parts, is_pdf, pdf_parts, rtf_parts
from .unpack_mime import looks_like_mail, looks_like_mailbox, mail_parts, mailbox_parts
from .unpack_ole import OLE, ole_parts
from .unpack_piece import Found, Piece, Trouble
from .unpack_streams import BZIP2, GZIP, XZ, bzip2_parts, gzip_parts, xz_parts
from .unpack_tar import is_tar, tar_parts
from .unpack_tnef import TNEF, tnef_parts
from .unpack_zip import LOCAL, is_zip, zip_parts

REVISION = 2
"""Goes up when the unpackers find more: verdicts of before are those of another database."""

_HEAD = 64 << 10
_Unpacker = t.Callable[[Piece], t.Iterator[Found]]
_BEGINS: tuple[tuple[bytes, _Unpacker], ...] = (
    (GZIP, gzip_parts),
    (BZIP2, bzip2_parts),
    (XZ, xz_parts),
    (TNEF, tnef_parts),
    (LOCAL, zip_parts),
    (OLE, ole_parts),
    (RTF, rtf_parts),
)


def found_in(piece: Piece, *, is_message: bool) -> t.Iterator[Found]:
    """What the piece holds, one packing deep. May raise TooMuch."""
    if is_message:
        yield from mail_parts(piece)
        return
    head = piece.read(0, _HEAD)
    unpackers = _unpackers(piece, head)
    for unpacker in unpackers:
        yield from unpacker(piece)
    if mail_parts in unpackers or mailbox_parts in unpackers:
        return  # what follows is asked of its parts
    closed = closed_kind(piece, head)
    if closed:
        yield Trouble(closed)
    elif b"\0" not in head.rstrip(b"\0"):  # what pads a text hides nothing in it
        yield from (Trouble(reason) for reason in closed_text(piece))
        yield from uu_parts(piece)
        yield from data_url_parts(piece)


def _unpackers(piece: Piece, head: bytes) -> list[_Unpacker]:
    """All that fit. Who sends malware chooses its first bytes: what begins like one thing and can be read as a mail is both."""
    found = [unpacker for begin, unpacker in _BEGINS if head.startswith(begin)]
    if is_tar(head):
        found.append(tar_parts)
    if is_cms(head):
        return [cms_parts]  # the message inside it often stands there as it is
    if looks_like_mail(head):
        found.append(mail_parts)
    elif looks_like_mailbox(head):
        found.append(mailbox_parts)
    if is_pdf(head):
        found.append(pdf_parts)
    if not found and is_zip(piece):
        found.append(zip_parts)
    return found

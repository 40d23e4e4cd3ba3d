# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading an Exchange export stream, best effort: the message, its recipients and attachments, and the messages inside them.

The format is Exchange's own and not promised to anybody, so whatever is not understood is said and never raised, and the raw
stream stays the copy of record. Memory holds the small properties of one object at a time, whatever a stream claims.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field
from enum import Enum

from . import fts_elements as fts
from .fts_frames import ByteSource, Frames, StreamEnds
from .fts_spool import Spool, Spooled
from .fts_tags import INTERNET_CODE_PAGE, KEPT, MESSAGE_CODE_PAGE, STREAMS

DEEPEST = 32
MOST_OBJECTS = 20_000
_MOST_KEPT = 32 << 20
"""Bytes of small properties of one stream; a message with a thousand recipients has two million."""
_MOST_PROBLEMS = 20


class ObjectKind(Enum):
    MESSAGE = "message"
    RECIPIENT = "recipient"
    ATTACHMENT = "attachment"


@dataclass(slots=True)
class FtsObject:
    """A message, recipient or attachment that is complete.

    C(path) has the numbers of the attachments around it: C(()) for the message itself and its recipients, C((2,)) for its
    third attachment and for the message in it. C(sizes) are the bytes of its bodies or of its content, by property; C(streams)
    hold them where they were asked for, C(encodings) (type, code page) of each.
    """

    kind: ObjectKind
    path: tuple[int, ...]
    values: dict[fts.Key, t.Any] = field(default_factory=dict)
    sizes: dict[int, int] = field(default_factory=dict)
    streams: dict[int, Spooled] = field(default_factory=dict)
    encodings: dict[int, tuple[int, int | None]] = field(default_factory=dict)
    has_message: bool = False
    attachments: int = 0

    def text(self, key: fts.Key) -> str:
        """A string property; empty where it is absent or something else."""
        value = self.values.get(key)
        return value if isinstance(value, str) else ""

    def number(self, key: fts.Key, default: int = 0) -> int:
        value = self.values.get(key)
        return value if isinstance(value, int) else default

    def body_text(self, tag: int, limit: int) -> str:
        """The beginning of a body that was kept, at most so many bytes of it."""
        stream = self.streams.get(tag)
        if stream is None:
            return ""
        kind, page = self.encodings[tag]
        if kind == fts.BINARY:
            page = self.number(INTERNET_CODE_PAGE) or 65001
        return fts.decoded_text(stream.whole(limit), kind, page)


class FtsReader:
    """Reads one stream once. C(damage) (the framing is broken) and C(problems) (parts that could not be understood) are known
    when L(objects) has ended."""

    def __init__(self, chunks: t.Iterable[bytes], *, spool: Spool | None = None) -> None:
        """With C(spool) the contents of bodies and attachments are kept there; without, they are skipped."""
        self._frames = Frames(chunks)
        self._spool = spool
        self._open: list[FtsObject] = []
        self._count = 0
        self._kept = 0
        self._is_in_errors = False
        self.problems: list[str] = []

    @property
    def damage(self) -> str:
        return self._frames.damage

    def objects(self) -> t.Iterator[FtsObject]:
        """Every object when it ends: recipients and attachments before their message, the outermost message last.

        Raises what reading the chunks raises, and TemporaryStorageFailed; nothing for what a stream holds.
        """
        payloads = self._frames.payloads()
        self._open = [FtsObject(ObjectKind.MESSAGE, ())]
        try:
            for element in fts.elements(ByteSource(payloads), _is_stream):
                if isinstance(element, fts.Value):
                    self._take(element)
                else:
                    yield from self._mark(element)
                    if self._is_too_much():
                        break
        except StreamEnds:
            self._note("the properties end too early")
        except fts.UnknownElement as unknown:
            self._note(str(unknown))
        # The framing is judged to its end, whatever the properties were.
        for _payload in payloads:
            pass
        if len(self._open) > 1:
            self._note(f"the {self._open[-1].kind.value} at the end of the stream is not complete")
        while self._open:
            yield self._open.pop()

    def _take(self, value: fts.Value) -> None:
        if self._is_in_errors:
            return
        owner = self._open[-1]
        if isinstance(value.key, int) and value.key in STREAMS and value.raw is None:
            self._take_stream(owner, value.key, value)
        elif value.key in KEPT and value.raw is None:
            self._note("a short property is said to be very long")
        elif value.key in KEPT:
            self._kept += value.size
            if self._kept > _MOST_KEPT:
                self._note("the properties are too many to keep")
                return
            page = owner.number(MESSAGE_CODE_PAGE) or owner.number(INTERNET_CODE_PAGE) or 1252
            owner.values[value.key] = fts.decoded(value, page)

    def _take_stream(self, owner: FtsObject, tag: int, value: fts.Value) -> None:
        owner.sizes[tag] = value.size
        owner.encodings[tag] = (value.kind, value.page)
        if self._spool is not None:
            self._spool.put(value.pieces, lambda kept: owner.streams.__setitem__(tag, kept))

    def _mark(self, marker: int) -> t.Iterator[FtsObject]:
        owner = self._open[-1]
        self._is_in_errors = marker == fts.ERROR_INFO
        if marker == fts.START_RECIPIENT and owner.kind is ObjectKind.MESSAGE:
            self._begin(FtsObject(ObjectKind.RECIPIENT, owner.path))
        elif marker == fts.NEW_ATTACHMENT and owner.kind is ObjectKind.MESSAGE:
            self._begin(FtsObject(ObjectKind.ATTACHMENT, (*owner.path, owner.attachments)))
            owner.attachments += 1
        elif marker == fts.START_EMBEDDED and owner.kind is ObjectKind.ATTACHMENT:
            owner.has_message = True
            self._begin(FtsObject(ObjectKind.MESSAGE, owner.path))
        elif _ENDS.get(marker) is owner.kind and len(self._open) > 1:
            yield self._open.pop()
        elif marker == fts.ERROR_INFO:
            self._note("Exchange could not export a part of the item")
        else:
            self._note(f"a marker 0x{marker:08X} is out of place")

    def _begin(self, begun: FtsObject) -> None:
        self._open.append(begun)
        self._count += 1

    def _is_too_much(self) -> bool:
        if self._count <= MOST_OBJECTS and len(self._open[-1].path) <= DEEPEST:
            return False
        self._note(f"there are more than {MOST_OBJECTS:,} parts, or messages in messages {DEEPEST} deep")
        return True

    def _note(self, problem: str) -> None:
        if len(self.problems) < _MOST_PROBLEMS and problem not in self.problems:
            self.problems.append(problem)


def _is_stream(key: fts.Key) -> bool:
    return isinstance(key, int) and key in STREAMS


_ENDS = {
    fts.END_RECIPIENT: ObjectKind.RECIPIENT,
    fts.END_ATTACHMENT: ObjectKind.ATTACHMENT,
    fts.END_EMBEDDED: ObjectKind.MESSAGE,
}

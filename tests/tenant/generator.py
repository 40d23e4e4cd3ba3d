# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Generated mail: deterministic per (seed, mailbox, number), with the size mix of a company's mailboxes.

The mix is OUR choice, fitted to published figures (lognormal mixture; median 18 KB, mean about 117 KB, the 18 % with
attachments hold about 83 % of the bytes). Bodies are made on demand, so a mailbox of 100,000 messages costs no memory.
"""

from __future__ import annotations

import base64
import datetime
import functools
import hashlib
import random
import typing as t

from .mime_view import Summary
from .words import CLOSINGS, FILE_NAMES, GIVEN_NAMES, SUBJECT_PARTS, SURNAMES, text_pool

YEAR = datetime.timedelta(days=365.25)
_CAP = 35 * 1024 * 1024
_DUPLICATE_SHARE = 0.08
_SHARED_ATTACHMENTS = 12


class Shape(t.NamedTuple):
    """One part of the size mixture: C(median) in KB and C(sigma) of a lognormal."""

    name: str
    weight: float
    median: float
    sigma: float


SHAPES = (
    Shape("text", 0.30, 6, 0.7),
    Shape("html", 0.52, 22, 0.9),
    Shape("small_attachment", 0.13, 110, 0.9),
    Shape("attachment", 0.045, 600, 1.0),
    Shape("large", 0.005, 5000, 0.7),
)


class Recipe(t.NamedTuple):
    """Everything a generated message depends on. C(until) is the newest possible time, C(years) the span before it."""

    seed: int
    mailbox: str
    number: int
    until: datetime.datetime
    years: float
    size_limit: int | None = None


class _Outline(t.NamedTuple):
    shape: Shape
    size: int
    summary: Summary


def summary(recipe: Recipe) -> Summary:
    """Subject, people and dates without making the body."""
    return _outline(recipe).summary


def expected_size(recipe: Recipe) -> int:
    """About the size of the message, without making it."""
    return _outline(recipe).size


def mime(recipe: Recipe) -> bytes:
    """The whole message, CRLF line ends."""
    outline = _outline(recipe)
    rng = _rng(recipe, "body")
    boundary = f"----=_Part_{rng.getrandbits(64):016x}"
    if outline.shape.name == "text":
        return _head(outline.summary, 'text/plain; charset="utf-8"', "8bit") + _text(rng, outline.summary, outline.size).encode()
    if outline.shape.name == "html":
        return _html_mail(rng, outline, boundary)
    return _mail_with_attachments(rng, recipe, outline, boundary)


@functools.lru_cache(maxsize=4096)
def _outline(recipe: Recipe) -> _Outline:
    rng = _rng(recipe, "head")
    shape = rng.choices(SHAPES, [shape.weight for shape in SHAPES])[0]
    limit = min(_CAP, recipe.size_limit or _CAP)
    size = int(min(limit, max(900.0, rng.lognormvariate(0, shape.sigma) * shape.median * 1024)))
    sent = recipe.until - YEAR * recipe.years * (rng.random() ** 0.8)
    sender = _person(rng)
    subject = f"{rng.choice(SUBJECT_PARTS[0])} {rng.choice(SUBJECT_PARTS[1])} {rng.randrange(100, 9999)}"
    if rng.random() < 0.45:
        subject = f"{rng.choice(('RE', 'AW', 'FW'))}: {subject}"
    me = (recipe.mailbox.partition("@")[0].replace(".", " ").title(), recipe.mailbox)
    return _Outline(
        shape,
        size,
        Summary(
            subject=subject,
            sent=sent.replace(microsecond=0),
            from_=sender,
            sender=sender,
            to=(me, *(_person(rng) for _unused in range(rng.choice((0, 0, 0, 1, 3))))),
            cc=tuple(_person(rng) for _unused in range(rng.choice((0, 0, 0, 0, 2)))),
            message_id=f"<{rng.getrandbits(96):024x}@mail.example.com>",
            has_attachments=shape.name not in ("text", "html"),
        ),
    )


def _html_mail(rng: random.Random, outline: _Outline, boundary: str) -> bytes:
    plain = _text(rng, outline.summary, max(400, outline.size // 5))
    logo = _image(rng.randrange(6)) if outline.size > 14_000 else b""
    room = max(400, outline.size - len(plain) - len(logo) - 900)
    body = _paragraphs(rng, room).replace("\r\n\r\n", '</p>\r\n<p style=3D"margin:0cm;font-family:Calibri,sans-serif">')
    image = '<img src=3D"cid:logo@example.com" alt=3D"logo">' if logo else ""
    parts = [
        f"--{boundary}a\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n{plain}\r\n"
        f"--{boundary}a\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
        f'<html><head></head><body lang=3D"EN">\r\n<p>{body}</p>{image}</body></html>\r\n--{boundary}a--\r\n'.encode()
    ]
    if not logo:
        return _head(outline.summary, f'multipart/alternative; boundary="{boundary}a"', None) + parts[0]
    inner = f'--{boundary}\r\nContent-Type: multipart/alternative; boundary="{boundary}a"\r\n\r\n'.encode() + parts[0]
    picture = (
        f'--{boundary}\r\nContent-Type: image/png; name="logo.png"\r\nContent-Transfer-Encoding: base64\r\n'
        f'Content-ID: <logo@example.com>\r\nContent-Disposition: inline; filename="logo.png"\r\n\r\n'
    ).encode()
    return (
        _head(outline.summary, f'multipart/related; boundary="{boundary}"', None) + inner + picture + logo + f"--{boundary}--\r\n".encode()
    )


def _mail_with_attachments(rng: random.Random, recipe: Recipe, outline: _Outline, boundary: str) -> bytes:
    text = _text(rng, outline.summary, rng.randrange(300, 4000))
    pieces = [
        _head(outline.summary, f'multipart/mixed; boundary="{boundary}"', None),
        f"--{boundary}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n{text}\r\n".encode(),
    ]
    count = rng.choice((1, 1, 1, 2, 3))
    room = max(1000, (outline.size - len(text) - 700) // count)
    for position in range(count):
        name, kind = rng.choice(FILE_NAMES)
        if rng.random() < _DUPLICATE_SHARE:
            name, kind, content = _shared_attachment(recipe.seed, int(_SHARED_ATTACHMENTS * rng.random() ** 2), recipe.size_limit or _CAP)
        else:
            name = f"{rng.randrange(1000)}-{name}"
            content = _base64(_content(f"{recipe.seed}/{recipe.mailbox}/{recipe.number}/{position}", room * 55 // 76, kind))
        pieces.append(
            f'--{boundary}\r\nContent-Type: {kind}; name="{name}"\r\nContent-Transfer-Encoding: base64\r\n'
            f'Content-Disposition: attachment; filename="{name}"\r\n\r\n'.encode()
        )
        pieces.append(content)
    pieces.append(f"--{boundary}--\r\n".encode())
    return b"".join(pieces)


@functools.lru_cache(maxsize=64)
def _shared_attachment(seed: int, slot: int, limit: int) -> tuple[str, str, bytes]:
    """An attachment that many messages carry (a form, a price list): byte-identical wherever it appears."""
    rng = random.Random(f"{seed}/shared/{slot}")
    name, kind = rng.choice(FILE_NAMES)
    size = int(min(limit // 2, 3_000_000, rng.lognormvariate(0, 0.9) * 150 * 1024))
    return name, kind, _base64(_content(f"{seed}/shared/{slot}", max(800, size), kind))


@functools.lru_cache(maxsize=8)
def _image(slot: int) -> bytes:
    return _base64(b"\x89PNG\r\n\x1a\n" + hashlib.shake_128(f"logo/{slot}".encode()).digest(2500 + 700 * slot))


def _content(key: str, size: int, kind: str) -> bytes:
    """Bytes of an attachment: tables and text compress, everything else (Office, PDF, pictures) does not."""
    if kind == "text/csv":
        rng = random.Random(key)
        row = "".join(
            f"{rng.randrange(10**6)};{rng.random():.4f};{rng.choice(SURNAMES)};{rng.randrange(2000, 2027)}\r\n" for _unused in range(200)
        )
        return (row * (size // len(row) + 1)).encode()[:size]
    return hashlib.shake_128(key.encode()).digest(size)


def _base64(content: bytes) -> bytes:
    text = base64.b64encode(content)
    return b"\r\n".join([text[start : start + 76] for start in range(0, len(text), 76)]) + b"\r\n"


def _text(rng: random.Random, head: Summary, size: int) -> str:
    greeting = f"Hello {head.to[0][0].split()[0]},\r\n\r\n"
    closing = f"\r\n\r\n{rng.choice(CLOSINGS)}\r\n{head.from_[0] if head.from_ else ''}\r\n"
    return greeting + _paragraphs(rng, max(200, size - len(greeting) - len(closing) - 600)) + closing


def _paragraphs(rng: random.Random, size: int) -> str:
    """Running text of about C(size) characters with lines below 998 characters; unique through its reference lines."""
    pool = text_pool()
    pieces: list[str] = []
    left = size
    while left > 0:
        length = min(left, rng.randrange(200, 900))
        start = rng.randrange(len(pool) - 1000)
        pieces.append(f"{pool[start : start + length]} [{rng.getrandbits(32):08x}]")
        left -= length + 15
    return "\r\n\r\n".join(pieces)


def _head(head: Summary, content_type: str, encoding: str | None) -> bytes:
    sent = head.sent.strftime("%a, %d %b %Y %H:%M:%S +0000")
    lines = [
        f"Received: from mx{len(head.subject) % 7}.example.com (192.0.2.{len(head.subject)}) by tenant.example.com (192.0.2.1); {sent}",
        f"From: {_mailbox(head.from_)}",
        f"To: {', '.join(_mailbox(person) for person in head.to)}",
        *([f"Cc: {', '.join(_mailbox(person) for person in head.cc)}"] if head.cc else []),
        f"Subject: {head.subject}",
        f"Date: {sent}",
        f"Message-ID: {head.message_id}",
        "MIME-Version: 1.0",
        f"Content-Type: {content_type}",
        *([f"Content-Transfer-Encoding: {encoding}"] if encoding else []),
        "X-MS-Exchange-Organization-SCL: -1",
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def _person(rng: random.Random) -> tuple[str, str]:
    given, family = rng.choice(GIVEN_NAMES), rng.choice(SURNAMES)
    return f"{given} {family}", f"{given}.{family}@{rng.choice(('example.com', 'partner.example', 'kunde.example'))}".lower()


def _mailbox(person: tuple[str, str] | None) -> str:
    return "" if person is None else f'"{person[0]}" <{person[1]}>'


def _rng(recipe: Recipe, purpose: str) -> random.Random:
    key = f"{recipe.seed}/{recipe.mailbox}/{recipe.number}/{purpose}".encode()
    return random.Random(int.from_bytes(hashlib.blake2b(key, digest_size=8).digest(), "big"))

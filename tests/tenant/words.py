# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Words for generated mail."""

from __future__ import annotations

import functools
import random

GIVEN_NAMES = (
    "Adele",
    "Bruno",
    "Chiara",
    "Deniz",
    "Elif",
    "Farid",
    "Greta",
    "Henrik",
    "Ines",
    "Jonas",
    "Katarzyna",
    "Lukas",
    "Maria",
    "Nora",
    "Olaf",
    "Petra",
)
SURNAMES = (
    "Albers",
    "Brandt",
    "Costa",
    "Dahl",
    "Ersoy",
    "Fischer",
    "Greco",
    "Hansen",
    "Ito",
    "Jansen",
    "Kowalska",
    "Lindt",
    "Meyer",
    "Novak",
    "Okafor",
    "Perez",
)
SUBJECT_PARTS = (
    (
        "Quarterly report",
        "Meeting notes",
        "Invoice",
        "Offer",
        "Delivery date",
        "Contract draft",
        "Holiday request",
        "Server maintenance",
        "Project plan",
        "Travel costs",
    ),
    ("for review", "Q3", "final", "customer north", "- urgent", "2026", "team sales", "version", "ticket", "order"),
)
CLOSINGS = ("Kind regards,", "Best,", "Viele Grüße,", "Thanks and regards,", "Cordialement,")
FILE_NAMES = (
    ("report.docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    ("figures.xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    ("slides.pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation"),
    ("contract.pdf", "application/pdf"),
    ("invoice.pdf", "application/pdf"),
    ("photo.jpg", "image/jpeg"),
    ("export.csv", "text/csv"),
    ("backup.zip", "application/zip"),
)
_SYLLABLES = (
    "con",
    "ter",
    "ma",
    "lo",
    "pre",
    "sta",
    "tion",
    "ver",
    "ly",
    "in",
    "form",
    "al",
    "ge",
    "net",
    "work",
    "re",
    "port",
    "de",
    "si",
    "gn",
    "er",
    "plan",
    "de",
    "liv",
    "ing",
    "ope",
    "ra",
)
_COMMON = (
    "the",
    "of",
    "and",
    "to",
    "in",
    "a",
    "is",
    "that",
    "for",
    "with",
    "we",
    "on",
    "as",
    "this",
    "be",
    "by",
    "you",
    "are",
    "from",
    "at",
    "will",
    "have",
    "please",
    "not",
    "our",
)


@functools.lru_cache(maxsize=1)
def text_pool() -> str:
    """About half a million characters of running text, always the same."""
    rng = random.Random(20260101)
    vocabulary = ["".join(rng.choices(_SYLLABLES, k=rng.randrange(2, 5))) for _unused in range(4000)]
    weights = [1 / rank for rank in range(1, len(vocabulary) + 1)]
    sentences: list[str] = []
    length = 0
    while length < 500_000:
        words = rng.choices(vocabulary, weights, k=rng.randrange(4, 14))
        words = [word for content in words for word in (rng.choice(_COMMON), content)]
        sentence = " ".join(words).capitalize() + ". "
        sentences.append(sentence)
        length += len(sentence)
    return "".join(sentences)

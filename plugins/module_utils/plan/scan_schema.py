# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The part of the schema of a plan that declares its malware scan.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import enum
import typing as t

from .model import OnFlagged, OnScannerDown, ScanEngine

_MOST_MB = 4000
"""clamd takes streams of up to 4 GB (clamd.conf, StreamMaxLength)."""
_NEEDED = "must name at least one file or folder with engine: yara"


def _one_of(choices: type[enum.Enum]) -> dict[str, t.Any]:
    words = [each.value for each in choices]
    return {"enum": words, "says": f"must be {', '.join(words[:-1])} or {words[-1]}"}


MALWARE_SCAN_SCHEMA: dict[str, t.Any] = {
    "type": "object",
    "says": "must be true or false, or a dictionary of options",
    "properties": {
        "enabled": {"type": "boolean", "says": "must be true or false"},
        "engine": _one_of(ScanEngine),
        "socket": {
            "type": "string",
            "pattern": r"^(/[^\x00-\x1f\x7f]+|tcp://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+):[0-9]{1,5})\Z",
            "says": "must be the absolute path of clamd's socket, or tcp://host:port",
        },
        "rules": {
            "type": "array",
            "says": "must be a list of files and folders with YARA rules",
            "items": {"type": "string", "pattern": r"^/[^\x00-\x1f\x7f]*\Z", "says": "must be the absolute path of a file or folder"},
        },
        "on_infected": _one_of(OnFlagged),
        "on_unscannable": _one_of(OnFlagged),
        "on_scanner_down": _one_of(OnScannerDown),
        "size_limit_mb": {"type": "integer", "minimum": 1, "maximum": _MOST_MB, "says": f"must be a number of MiB from 1 to {_MOST_MB:,}"},
    },
    "additionalProperties": False,
    "allOf": [
        {
            "if": {"properties": {"engine": {"const": ScanEngine.YARA.value}}, "required": ["engine"]},
            "then": {
                "required": ["rules"],
                "properties": {"rules": {"minItems": 1, "says": _NEEDED, "needed": "The engine yara finds what your rules describe."}},
            },
        },
        {
            "if": {"properties": {"engine": {"const": ScanEngine.CLAMAV.value}}, "required": ["engine"]},
            "then": {"properties": {"rules": {"maxItems": 0, "says": "can only be given with engine: yara or engine: auto"}}},
        },
    ],
}

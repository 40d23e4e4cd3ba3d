# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The part of the schema of a plan that declares its malware scan.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

from .model import OnFlagged, OnScannerDown, ScanEngine
from .schema_parts import BOOLEAN, Schema, one_of

_MOST_MB = 4000
"""clamd takes streams of up to 4 GB (clamd.conf, StreamMaxLength)."""
_NEEDED = "must name at least one file or folder with engine: yara"

MALWARE_SCAN_SCHEMA: Schema = {
    "type": "object",
    "says": "must be true or false, or a dictionary of options",
    "properties": {
        "enabled": BOOLEAN,
        "engine": one_of(ScanEngine),
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
        "on_infected": one_of(OnFlagged),
        "on_unscannable": one_of(OnFlagged),
        "on_scanner_down": one_of(OnScannerDown),
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

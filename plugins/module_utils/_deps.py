# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every third-party library, imported in one place and guarded.

A module must import on a machine without these libraries: C(ansible-doc), sanity tests, and an honest error message
need that. Rooms import the names from here and use them only inside functions; a name whose library is missing is a
stand-in that raises L(MissingLibraryError) at its first use.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import traceback
import typing as t

from ._errors import MissingLibraryError

_MISSING: dict[str, str] = {}

try:
    import certifi
except ImportError:
    _MISSING["certifi"] = traceback.format_exc()

try:
    import cryptography
    from cryptography import x509
    from cryptography.hazmat.primitives import ciphers, poly1305, serialization
    from cryptography.hazmat.primitives.ciphers import algorithms as cipher_algorithms
    from cryptography.hazmat.primitives.ciphers import modes as cipher_modes
    from cryptography.hazmat.primitives.serialization import pkcs12
except ImportError:
    _MISSING["cryptography >= 42"] = traceback.format_exc()

try:
    import jsonschema
except ImportError:
    _MISSING["jsonschema >= 4.17"] = traceback.format_exc()

try:
    import msal
except ImportError:
    _MISSING["msal >= 1.35"] = traceback.format_exc()

try:
    import requests
    import urllib3
except ImportError:
    _MISSING["requests >= 2.31, urllib3 >= 2"] = traceback.format_exc()

try:
    import zstandard
except ImportError:
    _MISSING["zstandard >= 0.21"] = traceback.format_exc()

__all__ = (
    "certifi",
    "cipher_algorithms",
    "cipher_modes",
    "ciphers",
    "cryptography",
    "jsonschema",
    "msal",
    "pkcs12",
    "poly1305",
    "requests",
    "require_libraries",
    "serialization",
    "urllib3",
    "x509",
    "zstandard",
)


def require_libraries() -> None:
    """Raise L(MissingLibraryError) that names every library that could not be imported."""
    if _MISSING:
        raise MissingLibraryError(sorted(_MISSING), "\n".join(_MISSING.values()))


class _Missing:
    """Stands in for a name of a library that is not there."""

    def __getattr__(self, name: str) -> t.NoReturn:
        raise MissingLibraryError(sorted(_MISSING), "\n".join(_MISSING.values()))


def __getattr__(name: str) -> t.Any:
    """Only asked for names that the imports above did not bind (PEP 562)."""
    if name not in __all__:
        raise AttributeError(name)
    return _Missing()

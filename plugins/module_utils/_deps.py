# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every third-party library, in one place, imported when it is first used.

A module must import on a machine without these libraries: C(ansible-doc), sanity tests, and an honest error message
need that. And a task that only touches the repository shall not wait for what talks to Microsoft: all imports together
take 0.2 s and 25 MB. Rooms use the names as attributes of this module, inside functions; a name whose library is missing
raises L(MissingLibraryError) there.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import importlib
import importlib.util
import traceback
import typing as t

from ._errors import MissingLibraryError

if t.TYPE_CHECKING:
    import boreal
    import certifi
    import cryptography
    import jsonschema
    import msal
    import obstore
    import pyfastcdc
    import requests
    import urllib3
    import zstandard
    from cryptography import x509
    from cryptography.hazmat.primitives import ciphers, poly1305, serialization
    from cryptography.hazmat.primitives.ciphers import algorithms as cipher_algorithms
    from cryptography.hazmat.primitives.ciphers import modes as cipher_modes
    from cryptography.hazmat.primitives.kdf import scrypt
    from cryptography.hazmat.primitives.serialization import pkcs12
    from obstore import exceptions as obstore_exceptions
    from obstore import store as obstore_store

#: What an administrator has to install, by the name that Python imports.
REQUIREMENTS = {
    "certifi": "certifi",
    "cryptography": "cryptography >= 42",
    "jsonschema": "jsonschema >= 4.17",
    "msal": "msal >= 1.35",
    "requests": "requests >= 2.31",
    "urllib3": "urllib3 >= 2",
    "zstandard": "zstandard >= 0.21",
}
#: The same for what only some need: repositories in an object store, plans that scan with YARA rules; and for what merely
#: stores less without it.
OPTIONAL_REQUIREMENTS = {"boreal": "boreal-python >= 1.3", "obstore": "obstore >= 0.11", "pyfastcdc": "pyfastcdc >= 0.3"}
_PARTS = {
    "cipher_algorithms": "cryptography.hazmat.primitives.ciphers.algorithms",
    "cipher_modes": "cryptography.hazmat.primitives.ciphers.modes",
    "ciphers": "cryptography.hazmat.primitives.ciphers",
    "obstore_exceptions": "obstore.exceptions",
    "obstore_store": "obstore.store",
    "pkcs12": "cryptography.hazmat.primitives.serialization.pkcs12",
    "poly1305": "cryptography.hazmat.primitives.poly1305",
    "scrypt": "cryptography.hazmat.primitives.kdf.scrypt",
    "serialization": "cryptography.hazmat.primitives.serialization",
    "x509": "cryptography.x509",
}

__all__ = (
    "boreal",
    "certifi",
    "cipher_algorithms",
    "cipher_modes",
    "ciphers",
    "cryptography",
    "jsonschema",
    "msal",
    "obstore",
    "obstore_exceptions",
    "obstore_store",
    "pkcs12",
    "poly1305",
    "pyfastcdc",
    "requests",
    "require_libraries",
    "scrypt",
    "serialization",
    "urllib3",
    "x509",
    "zstandard",
)


def require_libraries() -> None:
    """Raise L(MissingLibraryError) that names every library that is not installed, but for optional ones. Imports none."""
    missing = [requirement for name, requirement in REQUIREMENTS.items() if importlib.util.find_spec(name) is None]
    if missing:
        raise MissingLibraryError(sorted(missing), "".join(traceback.format_stack(limit=2)))


def __getattr__(name: str) -> t.Any:
    """Import the library behind a name that was not used before (PEP 562)."""
    path = _PARTS.get(name, name)
    requirement = (REQUIREMENTS | OPTIONAL_REQUIREMENTS).get(path.partition(".")[0])
    if requirement is None:
        raise AttributeError(name)
    try:
        module = globals()[name] = importlib.import_module(path)
    except ImportError as error:
        raise MissingLibraryError([requirement], traceback.format_exc()) from error
    return module

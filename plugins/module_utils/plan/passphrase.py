# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a passphrase must be like, and the published one of plans without encryption.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

from .._errors import InputError

MINIMUM_LENGTH = 45

UNENCRYPTED_PASSPHRASE = "this-repository-is-not-encrypted-anyone-may-read-it"
"""Protects nothing, by intent: everybody can look it up here. Repositories of plans without encryption are locked with it."""


def check_passphrase(passphrase: str) -> None:
    """Raise L(InputError) unless the passphrase is long enough and restic can be given it, too.

    restic cuts blanks and line ends off the ends of a password file, so a passphrase must not have any there.
    The error counts characters and shows none.
    """
    if passphrase != passphrase.strip() or any(character in passphrase for character in "\r\n\0"):
        raise InputError(
            "The passphrase begins or ends with a blank, or contains a line end or a null character.",
            hint="Such a passphrase cannot be typed reliably, and restic could not open the repository with it: choose one without.",
        )
    if len(passphrase) < MINIMUM_LENGTH:
        raise InputError(
            f"The passphrase has {len(passphrase)} characters; it needs at least {MINIMUM_LENGTH}.",
            hint=f"Make a new one, for example with: openssl rand -base64 {MINIMUM_LENGTH}",
        )

# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a passphrase must be like, and the published one of plans without encryption.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

from .._errors import InputError
from .predictability import measure

MINIMUM_LENGTH = 45
MINIMUM_FRESH = 32
"""Fresh characters as L(measure) counts them: 51 bits if they are words chosen by dice, the least dense of what we recommend.

Few enough that nothing which a generator made is ever refused: that would teach people to distrust the check.
"""

UNENCRYPTED_PASSPHRASE = "this-repository-is-not-encrypted-anyone-may-read-it"
"""Protects nothing, by intent: everybody can look it up here. Repositories of plans without encryption are locked with it."""


_GENERATE = (
    "Let a machine choose it, for example: openssl rand -base64 48 (in a playbook: lookup('ansible.builtin.password', path, length=64)),"
    " and keep it in Ansible Vault or a password manager."
)


def check_new_passphrase(passphrase: str) -> None:
    """Raise L(InputError) unless the passphrase is fit to protect a repository from now on.

    For secrets that are new to a repository only: one that opens it already is taken as it is, whatever we ask of new ones.
    """
    check_passphrase(passphrase)
    if passphrase == UNENCRYPTED_PASSPHRASE:
        raise InputError("The passphrase is the published one of plans without encryption, which protects nothing.", hint=_GENERATE)
    found = measure(passphrase, MINIMUM_FRESH)
    if found.fresh < MINIMUM_FRESH:
        kinds = " and ".join(kind.value for kind in found.kinds)
        raise InputError(
            f"The passphrase can be guessed: its {len(passphrase)} characters are worth {found.fresh}, and {MINIMUM_FRESH} are needed;"
            f" the rest is {kinds}.",
            hint=_GENERATE,
        )


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
            hint=_GENERATE,
        )

# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plugins that run on the controller read the options that modules have by the specifications of modules.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import typing as t

from ansible import template
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.tenantvault.m365_backup.plugins.module_utils._arguments import (
    ArgumentSpec,
    passphrase_arguments,
    state_arguments,
    storage_arguments,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils._errors import InputError
from ansible_collections.tenantvault.m365_backup.plugins.module_utils._parameters import Parameters


def stored_plan_options() -> ArgumentSpec:
    """What it takes to open the repositories of stored plans."""
    return passphrase_arguments().merge(state_arguments(), storage_arguments())


def checked_options(spec: ArgumentSpec, options: t.Mapping[str, t.Any]) -> Parameters:
    """The options that the specification names, as a module would have them; those of the plugin alone are not looked at.

    Raises L(InputError) for values of a wrong type, and for options that exclude or need one another.
    """
    given = {name: value for name, value in options.items() if name in spec.options and value is not None}
    checked = ArgumentSpecValidator(**spec.to_kwargs()).validate(given)
    if checked.error_messages:
        raise InputError(f"The options of the plugin are wrong: {'; '.join(checked.error_messages)}.")
    return t.cast(Parameters, checked.validated_parameters)


def never_a_template(value: t.Any) -> t.Any:
    """What came from a directory, so that nobody's display name is run as an expression.

    ansible-core before 2.19 takes every text in an inventory for a template; later ones take none that is not trusted.
    """
    if hasattr(template, "trust_as_template"):
        return value
    from ansible.utils.unsafe_proxy import wrap_var

    return wrap_var(value)

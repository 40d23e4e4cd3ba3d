# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""AWS profiles: the files C(~/.aws/credentials) and C(~/.aws/config). No network here.

Facts: "Shared config and credentials files" of the AWS SDKs and Tools Reference Guide.
"""

from __future__ import annotations

import configparser
import os
import typing as t

from .._errors import InputError
from .storage_options import S3Credentials

_ELSEWHERE = ("role_arn", "credential_process", "sso_session", "sso_start_url", "credential_source")
_EXPORT_HINT = (
    "Give s3_access_key_id, s3_secret_access_key and s3_session_token, for example from: aws configure export-credentials --profile {name}"
)

Profile = t.Mapping[str, str]


def read_profile(name: str | None, environment: t.Mapping[str, str]) -> Profile:
    """What the files say about a profile; None is the one that C(AWS_PROFILE) names, or C(default), which need not exist.

    Raises InputError when a file cannot be read, and when there is no profile of a name that was asked for.
    """
    wanted = name or environment.get("AWS_PROFILE") or "default"
    home = environment.get("HOME") or os.path.expanduser("~")
    credentials = _file(environment.get("AWS_SHARED_CREDENTIALS_FILE"), home, "credentials")
    config = _file(environment.get("AWS_CONFIG_FILE"), home, "config")
    in_config = wanted if wanted == "default" else f"profile {wanted}"
    sections = [*_section(config, in_config), *_section(credentials, wanted)]
    if not sections and wanted != "default":
        raise InputError(
            f"There is no AWS profile {wanted!r} in {credentials} or {config}.",
            hint="Check the name of the profile, and whether the files are those of the user that runs the task.",
        )
    return {key: value for section in sections for key, value in section.items()}


def profile_credentials(name: str, profile: Profile, *, is_asked_for: bool) -> S3Credentials | None:
    """The credentials in a profile; None when it has none and the plan did not ask for it.

    Raises InputError when there have to be some, and when they would have to be fetched from elsewhere.
    """
    key, secret = profile.get("aws_access_key_id"), profile.get("aws_secret_access_key")
    if key and secret:
        return S3Credentials(access_key_id=key, secret_access_key=secret, session_token=profile.get("aws_session_token") or None)
    ways = [option for option in _ELSEWHERE if option in profile]
    if ways:
        reason = f"gets its credentials by {ways[0]}, which is not supported"
    elif is_asked_for:
        reason = "has no aws_access_key_id with an aws_secret_access_key"
    else:
        return None
    raise InputError(f"The AWS profile {name!r} {reason}.", hint=_EXPORT_HINT.format(name=name))


def _file(named: str | None, home: str, name: str) -> str:
    return os.path.expanduser(named) if named else os.path.join(home, ".aws", name)


def _section(path: str, name: str) -> t.Iterator[dict[str, str]]:
    """The section of that name, if there is one."""
    parser = configparser.RawConfigParser(default_section="", strict=False)
    try:
        with open(path, encoding="utf-8") as file:
            parser.read_file(file)
    except FileNotFoundError:
        return
    except OSError as error:
        raise InputError(f"The AWS profiles in {path} cannot be read: {error.strerror}.", hint="Check its owner and mode.") from None
    except (configparser.Error, UnicodeDecodeError):
        hint = "Correct it; aws configure writes such files."  # without the reason, which quotes lines
        raise InputError(f"The file {path} does not hold AWS profiles.", hint=hint) from None
    if parser.has_section(name):
        yield dict(parser.items(name))

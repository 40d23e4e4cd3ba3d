# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE to the collection: it can change at any time."""

from __future__ import annotations


class ModuleDocFragment:
    """Who we are for an object store: mirrors C(storage_arguments) in C(module_utils/_arguments.py)."""

    DOCUMENTATION = r"""
options:
  s3_access_key_id:
    description:
      - The access key id for the object store of a repository whose location begins with V(s3://). It is not used for a folder.
      - It is never stored, so each task that touches the repository needs it.
      - If it is not given, the credentials of the AWS profile that the plan names are used. Without one it is the environment variables
        E(AWS_ACCESS_KEY_ID), E(AWS_SECRET_ACCESS_KEY) and E(AWS_SESSION_TOKEN), then the AWS profile that E(AWS_PROFILE) names or
        V(default), and at last the role of the machine or container that runs the module.
      - The R(guide to object stores, ansible_collections.tenantvault.m365_backup.docsite.object_stores) says what the key must be
        allowed to do.
    type: str
  s3_secret_access_key:
    description:
      - The secret that belongs to O(s3_access_key_id).
    type: str
  s3_session_token:
    description:
      - The session token of temporary credentials, if O(s3_access_key_id) belongs to such.
    type: str
requirements:
  - obstore >= 0.11
"""

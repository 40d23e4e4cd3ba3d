# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE to the collection: it can change at any time."""

from __future__ import annotations


class ModuleDocFragment:
    """How to reach the tenant: mirrors C(connection_arguments) in C(module_utils/_arguments.py)."""

    DOCUMENTATION = r"""
options:
  tenant_id:
    description:
      - The tenant to connect to, as its directory id or one of its domain names.
      - If not given, the environment variables E(M365_TENANT_ID), E(AZURE_TENANT_ID) and E(AZURE_TENANT) are used, in this order.
    type: str
  client_id:
    description:
      - The application (client) id of the app registration that this collection uses to log in.
      - If not given, the environment variables E(M365_CLIENT_ID) and E(AZURE_CLIENT_ID) are used, in this order.
    type: str
  client_secret:
    description:
      - A client secret of the app registration.
      - Mutually exclusive with O(client_secret_file) and O(certificate_path).
      - If none of the three is given, the environment is used. The first that is set of E(M365_CLIENT_SECRET), E(AZURE_CLIENT_SECRET) and
        E(AZURE_SECRET) counts, then E(M365_CLIENT_SECRET_FILE), then E(M365_CERTIFICATE_PATH) and E(AZURE_CLIENT_CERTIFICATE_PATH).
    type: str
  client_secret_file:
    description:
      - A file on the host that runs the module. It holds the client secret and nothing else; blanks and line ends around it do not count.
      - If no way to log in is given, the environment is used as described for O(client_secret).
    type: path
  certificate_path:
    description:
      - A file on the host that runs the module with the certificate of the app registration and its private key, in PEM or PFX format.
      - A certificate is the safer way to log in, since the private key never leaves the host.
      - If no way to log in is given, the environment is used as described for O(client_secret).
    type: path
  certificate_passphrase:
    description:
      - The passphrase of the private key in O(certificate_path), if it has one.
      - If not given, the environment variables E(M365_CERTIFICATE_PASSPHRASE) and E(AZURE_CLIENT_CERTIFICATE_PASSWORD) are used,
        in this order.
    type: str
  cloud:
    description:
      - The Microsoft cloud in which the tenant lives. Nearly all tenants are in the V(global) one, so it is the default.
      - V(gcc_high) and V(dod) are those of the government of the United States, V(china) is the one that 21Vianet operates.
      - If not given, the environment variable E(M365_CLOUD) is used.
    type: str
    choices: [global, gcc_high, dod, china]
    default: global
  proxy:
    description:
      - The address of an HTTP proxy through which Microsoft 365 is reached, for example V(http://proxy.example.com:3128).
      - If not given, the environment variable E(M365_PROXY) is used. Without it the usual variables E(HTTPS_PROXY) and E(NO_PROXY) count.
    type: str
  ca_bundle:
    description:
      - A file with the certificates of the authorities that are trusted, in PEM format. It is needed where a proxy inspects TLS traffic.
      - If not given, the environment variable E(M365_CA_BUNDLE) is used. Certificates are always checked.
    type: path
requirements:
  - certifi
  - cryptography >= 42
  - jsonschema >= 4.17
  - msal >= 1.35
  - requests >= 2.31
  - urllib3 >= 2
  - zstandard >= 0.21
"""

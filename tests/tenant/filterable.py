# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""By which properties of users Graph filters: the table of Microsoft's page on advanced query capabilities, as sets.

Some need advanced queries for everything, some for C(null) only; all need them for C(ne) and C(not).
"""

from __future__ import annotations

_DEFAULT_ONLY = frozenset(
    [
        "accountEnabled",
        "ageGroup",
        "assignedLicenses",
        "assignedPlans",
        "businessPhones",
        "consentProvidedForMinor",
        "createdDateTime",
        "creationType",
        "deletedDateTime",
        "id",
        "identities",
        "imAddresses",
        "isResourceAccount",
        "mail",
        "onPremisesSyncEnabled",
        "onPremisesUserPrincipalName",
        "otherMails",
        "signInActivity",
        "usageLocation",
        "userPrincipalName",
    ]
)
ADVANCED_NULLS = frozenset(
    [
        "city",
        "country",
        "department",
        "displayName",
        "employeeId",
        "givenName",
        "jobTitle",
        "mailNickname",
        "onPremisesSecurityIdentifier",
        "proxyAddresses",
        "state",
        "surname",
        "userType",
    ]
)
DEFAULT = _DEFAULT_ONLY | ADVANCED_NULLS
ADVANCED = frozenset(
    [
        "companyName",
        "employeeHireDate",
        "employeeType",
        "mobilePhone",
        "officeLocation",
        "onPremisesExtensionAttributes",
        "onPremisesImmutableId",
        "onPremisesLastSyncDateTime",
        "onPremisesSamAccountName",
        "passwordPolicies",
        "postalCode",
        "preferredLanguage",
        "showInAddressList",
        "streetAddress",
    ]
)
ENDS_WITH = frozenset({"mail", "otherMails", "proxyAddresses", "userPrincipalName"})
KNOWN = (
    DEFAULT
    | ADVANCED
    | frozenset(
        ["aboutMe", "birthday", "employeeOrgData", "faxNumber", "mailboxSettings", "onPremisesDistinguishedName", "onPremisesDomainName"]
    )
)
"""Properties that there are, as far as somebody may try to filter by them."""

# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What Microsoft Entra says when a login fails, in one sentence and one hint.

Source: Microsoft's reference of Entra error codes. The numbers are for administrators; whether a login may be tried
again depends on the ``error`` field.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import dataclasses
import re
import typing as t

from .errors import AuthenticationFailed, GraphError, ServiceUnavailable

_NUMBER = re.compile(r"AADSTS(\d{4,8})")
_TRACE = re.compile(r"Trace ID: ([0-9a-fA-F-]{36})")
_TEMPORARY_ERRORS = ("temporarily_unavailable", "server_error", "slow_down")
_TEMPORARY_NUMBERS = (90055, 90024, 90033, 90006, 50196)


class Explanation(t.NamedTuple):
    """What is wrong, and what to do."""

    reason: str
    hint: str


_SECRET_HINT = "Give the secret's value (not its id) as the app registration showed it once, or create a new client secret."
_TENANT_HINT = "Check tenant_id, and the cloud option if the tenant lives in a national cloud."
_CLOUD_HINT = "Choose the tenant's own cloud with the option cloud."
_CONSENT_HINT = "Let an administrator grant admin consent to the app's permissions in this tenant."

_EXPLANATIONS: t.Mapping[int, Explanation] = {
    7000215: Explanation("the client secret is wrong", _SECRET_HINT),
    7000222: Explanation("the client secret has expired", "Create a new client secret in the app registration and use its value."),
    7000218: Explanation("the login carried no secret and no certificate", "Set client_secret or certificate_path."),
    700027: Explanation("the certificate is not registered for the app", "Upload the certificate to the app registration."),
    700024: Explanation("the login is dated in the past or the future", "Set the clock of this machine right (NTP)."),
    700016: Explanation("no application with this client id exists in the tenant", "Check client_id, tenant_id, and admin consent."),
    7000229: Explanation("the app has no service principal in the tenant", _CONSENT_HINT),
    65001: Explanation("nobody has consented to the app's permissions", _CONSENT_HINT),
    650052: Explanation("the tenant has not enabled what the app asks for", _CONSENT_HINT),
    7000112: Explanation("the application is disabled", "Let an administrator enable the app under Enterprise applications."),
    90002: Explanation("no such tenant exists", _TENANT_HINT),
    900021: Explanation("no such tenant exists", _TENANT_HINT),
    900023: Explanation("the tenant id is malformed", _TENANT_HINT),
    90038: Explanation("the tenant belongs to another cloud", _CLOUD_HINT),
    900382: Explanation("the tenant belongs to another cloud", _CLOUD_HINT),
    900432: Explanation("the tenant belongs to another cloud", _CLOUD_HINT),
    500011: Explanation("Microsoft Graph is not known in the tenant", _CLOUD_HINT),
    500014: Explanation("a subscription of the tenant has lapsed, so no tokens are issued", "Renew the Microsoft 365 subscription."),
    50059: Explanation("the tenant is missing", "Set tenant_id to the tenant's id, not to common or organizations."),
    50194: Explanation("the app belongs to one tenant only", "Set tenant_id to the tenant in which the app is registered."),
    53003: Explanation("a conditional access policy blocks the app", "Except the app from the policy, or run from an allowed network."),
    700213: Explanation("no federated credential of the app fits", "Correct the federated credential in the app registration."),
}


@dataclasses.dataclass(frozen=True, slots=True)
class LoginFault:
    """One failed login. ``is_temporary``: trying again may help."""

    error: GraphError
    is_temporary: bool = False


def refused_login(result: t.Mapping[str, t.Any], who: str) -> LoginFault:
    """The token endpoint answered with its error document. ``who`` names application and tenant."""
    description = str(result.get("error_description") or "")
    numbers = [number for number in result.get("error_codes") or () if isinstance(number, int)] or _numbers(description)
    name = str(result.get("error") or "")
    trace = str(result.get("trace_id") or _first(_TRACE, description) or result.get("correlation_id") or "")
    is_temporary = name in _TEMPORARY_ERRORS or not set(numbers).isdisjoint(_TEMPORARY_NUMBERS)
    return LoginFault(_explained(numbers, name, trace, who, is_temporary), is_temporary)


def refused_discovery(text: str, who: str) -> LoginFault:
    """The login host does not know the tenant, or answered with nonsense."""
    numbers = _numbers(text)
    if numbers:
        return LoginFault(_explained(numbers, "invalid_tenant", _first(_TRACE, text), who, is_temporary=False))
    if "HTTP status: 429" in text:
        return failed_login_service(text, who)
    error = AuthenticationFailed(f"Microsoft Entra refused the login of {who} before it began.", hint=_TENANT_HINT)
    return LoginFault(error)


def failed_login_service(text: str, who: str) -> LoginFault:
    """The login service itself is in trouble."""
    status = int(_first(re.compile(r"(?:status|Error): (5\d\d|429)\b"), text) or 0) or None
    shown = f" (HTTP {status})" if status else ""
    hint = "Try again later; see the service health page."
    error = ServiceUnavailable(f"The login service of Microsoft Entra failed{shown} for {who}.", hint=hint, status=status)
    return LoginFault(error, is_temporary=True)


def _explained(numbers: t.Sequence[int], name: str, trace: str, who: str, is_temporary: bool) -> GraphError:
    explanation = next((_EXPLANATIONS[number] for number in numbers if number in _EXPLANATIONS), None)
    code = f"AADSTS{numbers[0]}" if numbers else name
    if explanation is None:
        hint = "Look the code up at https://login.microsoftonline.com/error."
        explanation = Explanation(f"the login service said {name or 'nothing'}", hint)
    shown = ", ".join(part for part in (code, f"trace id {trace}" if trace else "") if part)
    kind = ServiceUnavailable if is_temporary else AuthenticationFailed
    what = f"Microsoft Entra refused the login of {who}: {explanation.reason} ({shown})."
    return kind(what, hint=explanation.hint, code=code, request_id=trace)


def _numbers(text: str) -> list[int]:
    return [int(number) for number in _NUMBER.findall(text)]


def _first(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.search(text)
    return found.group(1) if found else ""

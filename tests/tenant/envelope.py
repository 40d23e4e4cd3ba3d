# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Graph's error envelope and the headers that every answer carries."""

from __future__ import annotations

import datetime
import typing as t

from .call import Answer, GraphError, json_answer

if t.TYPE_CHECKING:
    from .call import Call

DIAGNOSTIC = '{"ServerInfo":{"DataCenter":"Local","Slice":"E","Ring":"0","ScaleUnit":"001","RoleInstance":"TENANT"}}'

# Seen on every beta call of the import/export API, with dates that are long past (facts 8.1).
DEPRECATED = {"deprecation": "Thu, 19 Aug 2021 23:59:59 GMT", "sunset": "Sat, 19 Aug 2023 23:59:59 GMT"}


def error_answer(call: Call, error: GraphError) -> Answer:
    """The envelope C({"error": {"code", "message", "innerError"}}) of facts E."""
    answer = json_answer(
        {
            "error": {
                "code": error.code,
                "message": error.message,
                "innerError": {
                    **error.inner,
                    "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S"),
                    "request-id": call.request_id,
                    "client-request-id": call.headers.get("client-request-id", call.request_id),
                },
            }
        },
        error.status,
        error.headers,
    )
    answer.code = error.code
    return answer


def nested_error_answer(call: Call, error: GraphError) -> Answer:
    """The same error as older parts of SharePoint give it: what happened is three levels down, spelled C(innererror) (facts E, H.61)."""
    code = str(error.inner.get("code", error.code))
    inner = {"code": error.code, "message": error.message, "innererror": {"code": code, "innererror": {"code": code}}}
    answer = json_answer({"error": {"code": "", "message": error.message, "innererror": inner}}, error.status, error.headers)
    answer.code = error.code
    return answer


def common_headers(call: Call) -> dict[str, str]:
    """Request ids and diagnostics, present on every answer of Graph."""
    return {
        "request-id": call.request_id,
        "client-request-id": call.headers.get("client-request-id", call.request_id),
        "x-ms-ags-diagnostic": DIAGNOSTIC,
    }

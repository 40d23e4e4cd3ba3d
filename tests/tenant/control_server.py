# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The control API: C(POST /{operation}) with a JSON object of arguments; answers C({"result": ...}) or C({"error": ...}).

Plain HTTP on its own loopback port; tests and the demo use it, no product ever does.
"""

from __future__ import annotations

import base64
import dataclasses
import json
import typing as t

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from .call import GraphError, json_bytes
from .control_calendar import CalendarControl
from .control_directory import DirectoryControl
from .control_drive import DriveControl
from .control_drive_holds import DriveHoldControl
from .control_exchange import ExchangeControl
from .control_licences import LicenceControl
from .control_mail import MailControl
from .control_people import PeopleControl
from .control_system import SystemControl

if t.TYPE_CHECKING:
    from .state import Tenant

_PARTS: tuple[type, ...] = (
    CalendarControl,
    DirectoryControl,
    DriveControl,
    DriveHoldControl,
    ExchangeControl,
    LicenceControl,
    MailControl,
    PeopleControl,
    SystemControl,
)


def build_control_app(tenant: Tenant) -> Starlette:
    """The application that serves the public methods of the control classes."""
    operations = {name: getattr(part, name) for kind in _PARTS for part in [kind(tenant)] for name in dir(kind) if not name.startswith("_")}

    async def run(request: Request) -> Response:
        operation = operations.get(request.path_params["operation"])
        if operation is None:
            return _error(404, f"unknown operation: {request.path_params['operation']}")
        try:
            result = operation(**_decode(json.loads(await request.body() or b"{}")))
        except GraphError as error:
            return _error(400, str(error))
        except (KeyError, TypeError, ValueError, OSError) as error:
            return _error(400, f"{type(error).__name__}: {error}")
        return Response(json_bytes({"result": _encode(result)}), media_type="application/json")

    return Starlette(routes=[Route("/{operation}", run, methods=["POST"])])


def _error(status: int, text: str) -> Response:
    return Response(json_bytes({"error": text}), status, media_type="application/json")


def _decode(arguments: dict[str, t.Any]) -> dict[str, t.Any]:
    return {name: _bytes(value) for name, value in arguments.items()}


def _bytes(value: t.Any) -> t.Any:
    if isinstance(value, dict) and set(value) == {"$bytes"}:
        return base64.b64decode(value["$bytes"])
    if isinstance(value, list):
        return [_bytes(element) for element in value]
    return value


def _encode(value: t.Any) -> t.Any:
    if isinstance(value, bytes):
        return {"$bytes": base64.b64encode(value).decode()}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: _encode(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, (list, tuple)):
        return [_encode(element) for element in value]
    if isinstance(value, dict):
        return {name: _encode(element) for name, element in value.items()}
    return value

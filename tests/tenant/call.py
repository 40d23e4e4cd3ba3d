# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the tenant's handlers take and give: a call, an answer, a Graph error. Free of any web framework, so that the
parts of a C($batch) go through exactly the same code as single requests."""

from __future__ import annotations

import dataclasses
import enum
import json
import typing as t
from urllib.parse import parse_qsl, unquote

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Json = t.Any
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


class Cut(enum.Enum):
    """How an answer breaks off before its end."""

    EARLY_END = "early_end"  # body ends, connection closes without the announced rest
    RESET = "reset"  # TCP reset


@dataclasses.dataclass(slots=True)
class Answer:
    """An HTTP answer. C(body) is bytes (sent with Content-Length) or an iterator of chunks (sent chunked, unless
    the headers say how long it is)."""

    status: int = 200
    body: bytes | Iterator[bytes] = b""
    headers: dict[str, str] = dataclasses.field(default_factory=dict)
    code: str | None = None
    cut: Cut | None = None
    cut_after: int = 0
    pace: float = 0.0  # seconds between chunks


class GraphError(Exception):
    """An error that leaves the tenant as Graph's envelope. C(code) and C(message) are the service's own words.

    C(inner) is what C(innerError) says beside date and request id: a code of its own, perhaps another C(innererror) below.
    """

    def __init__(
        self, status: int, code: str, message: str, *, headers: Mapping[str, str] | None = None, inner: Mapping[str, t.Any] | None = None
    ) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.headers = dict(headers or {})
        self.inner = dict(inner or {})


class NoDrive(GraphError):
    """A user has no drive. SharePoint counts who asks for such drives too often."""


@dataclasses.dataclass(slots=True)
class Call:
    """One request, or one part of a batch, on its way through the tenant."""

    method: str
    host: str
    version: str
    segments: tuple[str, ...]
    query: dict[str, str]
    headers: Mapping[str, str]
    body: bytes
    request_id: str
    path: str = ""
    operation: str = "other"
    values: dict[str, str] = dataclasses.field(default_factory=dict)
    client_id: str = ""
    user_id: str = ""  # of a user who signed in; empty for an app
    roles: frozenset[str] = frozenset()
    mailbox_key: str | None = None
    immutable_ids: bool = False
    max_page_size: int | None = None

    @property
    def root(self) -> str:
        """The service root that links in answers start with."""
        return f"https://{self.host}/{self.version}"

    def json(self) -> dict[str, t.Any]:
        """The request body as a JSON object. Raises GraphError 400."""
        try:
            value = json.loads(self.body or b"{}")
        except ValueError:
            raise GraphError(
                400,
                "BadRequest",
                "Unable to read JSON request payload. Please ensure Content-Type header is set and payload is of valid JSON format.",
            ) from None
        if not isinstance(value, dict):
            raise GraphError(400, "BadRequest", "Empty Payload. JSON content expected.")
        return value

    def integer(self, name: str, default: int) -> int:
        """A numeric query option. Raises GraphError 400."""
        text = self.query.get(name)
        if text is None:
            return default
        try:
            number = int(text)
        except ValueError:
            number = -1
        if number < 0:
            raise GraphError(
                400,
                "BadRequest",
                f"Invalid value '{text}' for ${name} query option found. The ${name} query option requires a non-negative integer value.",
            )
        return number

    def flag(self, name: str) -> bool:
        return self.query.get(name, "").lower() == "true"


def json_bytes(value: Json) -> bytes:
    return _ENCODER.encode(value).encode("utf-8", "surrogatepass")


def json_answer(value: Json, status: int = 200, headers: dict[str, str] | None = None) -> Answer:
    """A JSON answer with Graph's content type."""
    merged = {
        "content-type": "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8",
        "odata-version": "4.0",
    }
    merged.update(headers or {})
    return Answer(status, json_bytes(value), merged)


def read_query(raw: str) -> dict[str, str]:
    """Query options with lower-case names and without the leading C($), which Graph takes as optional."""
    return {name.lstrip("$").lower(): value for name, value in parse_qsl(raw, keep_blank_values=True)}


def read_segments(raw_path: str) -> tuple[str, ...]:
    """Decoded path segments; C(users('x')) and C(delta()) are brought to the plain form."""
    segments: list[str] = []
    for piece in raw_path.split("/"):
        if not piece:
            continue
        text = unquote(piece)
        if text.endswith(")"):
            name, bracket, rest = text.partition("(")
            inner = rest[:-1]
            if bracket and name.isidentifier() and (not inner or (inner[0] == "'" and inner[-1] == "'" and len(inner) > 1)):
                segments.append(name)
                if inner:
                    segments.append(inner[1:-1].replace("''", "'"))
                continue
        segments.append(text)
    return tuple(segments)


def read_prefer(value: str) -> tuple[bool, int | None]:
    """(immutable ids wanted, page size wanted) from a Prefer header."""
    immutable = False
    size = None
    for piece in value.split(","):
        name, _equals, setting = piece.strip().partition("=")
        name = name.strip().lower()
        setting = setting.strip().strip('"')
        if name == "idtype":
            immutable = setting.lower() == "immutableid"
        elif name == "odata.maxpagesize" and setting.isdigit():
            size = int(setting)
    return immutable, size

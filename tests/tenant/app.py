# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ASGI edge: turns HTTP into calls and answers into HTTP."""

from __future__ import annotations

import asyncio
import traceback
import typing as t
import uuid

from starlette.applications import Starlette
from starlette.routing import Mount

from .call import Answer, Call, Cut, read_prefer, read_query, read_segments
from .service import Service

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from starlette.types import Receive, Scope, Send

    from .state import Tenant


class ConnectionCut(Exception):
    """Raised towards the server to break an answer off."""


class Edge:
    """One ASGI endpoint for all hosts."""

    def __init__(self, tenant: Tenant, reset: Callable[[int], bool]) -> None:
        self._service = Service(tenant)
        self._reset = reset

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            call = await read_call(scope, receive)
        except Disconnected:
            return
        ticket = self._service.begin(call)
        answer = Answer(500)
        try:
            answer = await self._service.run(ticket)
            if answer.cut is Cut.RESET and answer.cut_after == 0 and self._reset(scope["client"][1]):
                return
            # Counted out and logged before the last byte leaves: who has the whole answer may ask again at once, or read the log.
            await _send(answer, receive, send, lambda sent: self._service.finish(ticket, answer, sent))
            if answer.cut is not None:
                if answer.cut is Cut.RESET:
                    self._reset(scope["client"][1])
                raise ConnectionCut
        except ConnectionCut:
            raise
        except Exception:
            traceback.print_exc()  # a defect of the tenant itself: the server would answer a bare 500 and say nothing
            raise
        finally:
            self._service.finish(ticket, answer, 0)


def build_app(tenant: Tenant, reset: Callable[[int], bool]) -> Starlette:
    """The application. C(reset) breaks the TCP connection of a client port, if it can."""
    return Starlette(routes=[Mount("/", app=Edge(tenant, reset))])


class Disconnected(Exception):
    """The client went away before its request was whole: half a request does nothing."""


async def read_call(scope: Scope, receive: Receive) -> Call:
    """Reads the whole request. Raises Disconnected."""
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    host = headers.get("host", "").partition(":")[0].lower()
    raw_path = scope["raw_path"].decode("latin-1").partition("?")[0]
    query = scope["query_string"].decode("latin-1")
    segments = read_segments(raw_path)
    immutable, size = read_prefer(headers["prefer"]) if "prefer" in headers else (False, None)
    body = b""
    if scope["method"] in ("POST", "PUT", "PATCH"):
        pieces = []
        more = True
        while more:
            event = await receive()
            if event["type"] == "http.disconnect":
                raise Disconnected
            pieces.append(event.get("body", b""))
            more = event.get("more_body", False)
        body = b"".join(pieces)
    return Call(
        method=scope["method"],
        host=host,
        version=segments[0] if segments else "v1.0",
        segments=segments,
        query=read_query(query) if query else {},
        headers=headers,
        body=body,
        request_id=str(uuid.uuid4()),
        path=f"{raw_path}?{query}" if query else raw_path,
        immutable_ids=immutable,
        max_page_size=size,
    )


async def _send(answer: Answer, receive: Receive, send: Send, before_end: Callable[[int], None]) -> None:
    """Sends an answer; C(before_end) is told the size of the body just before the client can have all of it."""
    headers = [(name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in answer.headers.items()]
    if isinstance(answer.body, bytes):
        await _send_whole(answer, answer.body, headers, send, before_end)
    else:
        leaving = asyncio.create_task(_departure(receive))
        try:
            await _send_chunks(answer, answer.body, headers, send, before_end, leaving)
        finally:
            leaving.cancel()


async def _departure(receive: Receive) -> None:
    """Ends when the client goes away."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def _send_whole(
    answer: Answer, body: bytes, headers: list[tuple[bytes, bytes]], send: Send, before_end: Callable[[int], None]
) -> None:
    if answer.status not in (204, 304):
        headers.append((b"content-length", b"%d" % len(body)))
    cut = answer.cut is not None
    sent = body[: answer.cut_after] if cut else body
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    before_end(len(sent))
    await send({"type": "http.response.body", "body": sent, "more_body": cut})


async def _send_chunks(
    answer: Answer,
    chunks: Iterator[bytes],
    headers: list[tuple[bytes, bytes]],
    send: Send,
    before_end: Callable[[int], None],
    leaving: asyncio.Task[None],
) -> None:
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    sent = 0
    for chunk in chunks:
        piece = chunk if answer.cut is None else chunk[: answer.cut_after - sent]
        await send({"type": "http.response.body", "body": piece, "more_body": True})
        await asyncio.sleep(answer.pace)  # other requests are not to wait for the end of a large file
        sent += len(piece)
        if leaving.done() or (answer.cut is not None and sent >= answer.cut_after):
            break
    before_end(sent)
    if answer.cut is None:
        await send({"type": "http.response.body", "body": b""})

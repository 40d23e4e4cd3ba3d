# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""C(POST /$batch): up to 20 requests in one (facts 5, 14.36). Every part is counted, limited and logged by itself."""

from __future__ import annotations

import asyncio
import base64
import json
import typing as t
import uuid

from .call import Answer, Call, GraphError, json_answer, read_prefer, read_query, read_segments

if t.TYPE_CHECKING:
    from .service import Service

LARGEST_BATCH = 20
Part = dict[str, t.Any]


async def run_batch(service: Service, call: Call) -> Answer:
    """Answers a whole batch. Raises GraphError 400 for a malformed one."""
    parts = _read_parts(call)
    done: dict[str, asyncio.Future[Part]] = {identifier: asyncio.get_running_loop().create_future() for identifier in parts}
    turns = asyncio.Semaphore(service.tenant.settings.batch_parallelism or LARGEST_BATCH)
    answers = list(await asyncio.gather(*(_run_part(service, call, part, done, turns) for part in parts.values())))
    if service.tenant.settings.shuffle_batches:
        answers = service.tenant.faults.shuffled(answers)
    return json_answer({"responses": answers})


async def _run_part(service: Service, call: Call, part: Part, done: dict[str, asyncio.Future[Part]], turns: asyncio.Semaphore) -> Part:
    before = [await done[str(identifier).lower()] for identifier in part.get("dependsOn") or ()]
    if any(int(result["status"]) >= 400 for result in before):
        failed = GraphError(424, "FailedDependency", "The request failed because it depends on a request that failed.")
        result: Part = {
            "id": part["id"],
            "status": 424,
            "headers": {"Content-Type": "application/json"},
            "body": {"error": {"code": failed.code, "message": failed.message}},
        }
    else:
        async with turns:
            result = await _answer_part(service, call, part)
    done[str(part["id"]).lower()].set_result(result)
    return result


async def _answer_part(service: Service, call: Call, part: Part) -> Part:
    inner = _inner_call(call, part)
    ticket = service.begin(inner)
    await asyncio.sleep(0)  # parts of a batch run side by side: all that may run are counted in before the first is answered
    answer = await service.run(ticket)
    body = answer.body if isinstance(answer.body, bytes) else b"".join(answer.body)
    service.finish(ticket, answer, len(body))
    headers = {name.title(): value for name, value in answer.headers.items() if name in ("content-type", "retry-after", "location", "etag")}
    result: Part = {"id": part["id"], "status": answer.status, "headers": headers}
    if body:
        result["body"] = _body(answer.headers.get("content-type", ""), body)
    return result


def _body(content_type: str, body: bytes) -> t.Any:
    kind = content_type.partition(";")[0].strip().lower()
    if kind.endswith("json"):
        return json.loads(body)
    if kind.startswith("text/"):
        return body.decode("utf-8", "replace")
    return base64.b64encode(body).decode()


def _inner_call(call: Call, part: Part) -> Call:
    raw_path, _mark, query = str(part["url"]).partition("?")
    headers = {
        "authorization": call.headers.get("authorization", ""),
        "user-agent": call.headers.get("user-agent", ""),
        **{str(name).lower(): str(value) for name, value in (part.get("headers") or {}).items()},
    }
    immutable, size = read_prefer(headers.get("prefer", ""))
    body = part.get("body")
    content = b"" if body is None else body.encode() if isinstance(body, str) else json.dumps(body).encode()
    path = "/" + raw_path.lstrip("/")
    return Call(
        method=str(part["method"]).upper(),
        host=call.host,
        version=call.version,
        segments=(call.version, *read_segments(path)),
        query=read_query(query),
        headers=headers,
        body=content,
        request_id=str(uuid.uuid4()),
        path=f"/{call.version}{path}" + (f"?{query}" if query else ""),
        immutable_ids=immutable,
        max_page_size=size,
    )


def _read_parts(call: Call) -> dict[str, Part]:
    requests = call.json().get("requests")
    if not isinstance(requests, list) or not requests:
        raise GraphError(400, "BadRequest", "Invalid batch payload format.")
    if len(requests) > LARGEST_BATCH:
        raise GraphError(400, "MaximumValueExceeded", f"Number of batch request steps exceeds the maximum value of {LARGEST_BATCH}.")
    parts: dict[str, Part] = {}
    for part in requests:
        if not isinstance(part, dict) or not {"id", "method", "url"} <= set(part):
            raise GraphError(400, "BadRequest", "Invalid batch payload format.")
        identifier = str(part["id"]).lower()
        if identifier in parts:
            raise GraphError(400, "BadRequest", f"Duplicate request id '{part['id']}' in the batch.")
        if part.get("body") is not None and not any(str(name).lower() == "content-type" for name in part.get("headers") or ()):
            raise GraphError(400, "BadRequest", f"Request '{part['id']}' has a body but no Content-Type header.")
        if any(str(other).lower() not in parts for other in part.get("dependsOn") or ()):
            raise GraphError(400, "BadRequest", f"Request '{part['id']}' depends on a request that does not come before it.")
        parts[identifier] = part
    return parts

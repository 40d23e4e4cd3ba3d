# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What happens to every Graph request, in the order of the real service: token, limits, faults, roles, handler."""

from __future__ import annotations

import asyncio
import dataclasses
import time
import typing as t

from . import entra
from .batch import run_batch
from .call import Answer, GraphError, NoDrive
from .drive_download import answer_download as answer_drive_download
from .drive_download import begin_download
from .drive_faults import drive_item_number
from .drive_routes import drive_owner, find_drive
from .drive_uploads import find_upload
from .envelope import DEPRECATED, common_headers, error_answer, nested_error_answer
from .exchange_import import answer_import, import_session_of
from .fault_catalogue import EFFECTS
from .hosts import GRAPH_HOSTS, LOGIN_HOSTS, REPORTS_HOST, SHAREPOINT_HOSTS, UPLOAD_HOSTS
from .refusals import no_role, no_such_path, seconds_of
from .request_log import LogEntry, without_secrets
from .routes import build_router
from .routing import Route
from .uploads import answer_upload, session_of
from .usage_report import answer_download

if t.TYPE_CHECKING:
    from .call import Call
    from .exchange_import import ImportSession
    from .faults import Fault
    from .resource_units import Charge
    from .state import Tenant
    from .uploads import Upload

_NO_MAILBOX = "directory"
_DRIVES = "drives"  # who is told to wait by SharePoint waits with all drives
_DOWNLOAD = Route("drive_download", answer_drive_download, frozenset(), "drive")
_VERSIONS = frozenset({"v1.0", "beta"})
_ITEM_NAMES = ("message", "event", "contact", "task")  # in the patterns of routes
_CHARGED_UPLOADS = frozenset({"POST", "PUT", "PATCH"})


@dataclasses.dataclass(slots=True)
class Ticket:
    """A request on its way: counted in by C(begin), to be counted out by C(finish)."""

    call: Call
    started: float
    route: Route | None = None
    refusal: GraphError | None = None
    key: tuple[str, str] | None = None
    concurrency: int = 1
    fault: str | None = None
    upload: Upload | None = None
    importing: ImportSession | None = None
    charge: Charge | None = None
    finished: bool = False


class Service:
    """Answers calls; the same for single requests and for the parts of a batch."""

    def __init__(self, tenant: Tenant) -> None:
        self.tenant = tenant
        self._router = build_router()

    def begin(self, call: Call) -> Ticket:
        """Finds out who asks for what, and counts the request in."""
        ticket = Ticket(call, time.perf_counter())
        if call.host in GRAPH_HOSTS:
            self._begin_graph(ticket)
        elif call.host in LOGIN_HOSTS:
            call.operation = entra.operation_of(call)
        elif call.host in UPLOAD_HOSTS and "importItem" in call.segments:
            self._begin_import(ticket)
        elif call.host in UPLOAD_HOSTS:
            self._begin_upload(ticket)
        elif call.host == REPORTS_HOST:
            call.operation = "report_download"
        elif call.host in SHAREPOINT_HOSTS:
            self._begin_sharepoint(ticket)
        return ticket

    async def run(self, ticket: Ticket) -> Answer:
        """The answer. Never raises GraphError."""
        call = ticket.call
        if self.tenant.settings.latency_seconds:
            await asyncio.sleep(self.tenant.settings.latency_seconds)
        try:
            answer = await self._answer_with_faults(ticket) if self.tenant.faults.armed else await self._answer_any(ticket)
        except GraphError as error:
            if error.__class__ is NoDrive:
                self.tenant.units.note_missing_drive()
            nested = ticket.key is not None and ticket.key[1] == _DRIVES and self.tenant.settings.drive_nested_errors
            answer = nested_error_answer(call, error) if nested else error_answer(call, error)
        self._tell_to_wait(ticket, answer)
        if call.host not in LOGIN_HOSTS:
            answer.headers.update(common_headers(call))
        if "mbx" in call.values and call.version == "beta" and self.tenant.settings.beta_deprecation_headers:
            answer.headers.update(DEPRECATED)
        return answer

    def finish(self, ticket: Ticket, answer: Answer, sent: int) -> None:
        """Counts the request out and logs it; does nothing the second time."""
        if ticket.finished:
            return
        ticket.finished = True
        call = ticket.call
        if ticket.key is not None:
            self.tenant.limiter.leave(ticket.key)
        if call.operation == "drive_download":
            self.tenant.units.note_sent(call.client_id, sent)
        log = self.tenant.log
        log.append(
            LogEntry(
                log.next_seq(),
                time.time(),
                call.method,
                call.host,
                without_secrets(call.path),
                call.operation,
                call.mailbox_key,
                call.client_id,
                answer.status,
                answer.code,
                ticket.concurrency,
                sent,
                round((time.perf_counter() - ticket.started) * 1000, 3),
                call.request_id,
                ticket.fault,
                ticket.charge.units if ticket.charge is not None else 0,
            )
        )

    def _begin_upload(self, ticket: Ticket) -> None:
        call = ticket.call
        call.operation = "upload_part"
        try:
            ticket.upload = session_of(self.tenant, call)
        except GraphError as error:
            ticket.refusal = error
            return
        call.client_id, call.mailbox_key = ticket.upload.client_id, ticket.upload.mailbox.owner_id
        self._count_in(ticket, call.mailbox_key)

    def _begin_import(self, ticket: Ticket) -> None:
        call = ticket.call
        call.operation = "import_item"
        try:
            session = ticket.importing = import_session_of(self.tenant, call)
        except GraphError as error:
            ticket.refusal = error
            return
        call.client_id, call.mailbox_key = session.client_id, session.scope
        self._count_in(ticket, session.scope)

    def _count_in(self, ticket: Ticket, scope: str) -> None:
        call = ticket.call
        ticket.key = (call.client_id, scope)
        self.tenant.limiter.note_arrival(ticket.key, f"{call.method} {call.operation}")
        ticket.concurrency = self.tenant.limiter.enter(ticket.key)

    def _begin_sharepoint(self, ticket: Ticket) -> None:
        call = ticket.call
        try:
            if "uploadSession" in call.segments:
                ticket.route, call.client_id, call.mailbox_key = find_upload(self.tenant, call)
            else:
                ticket.route = _DOWNLOAD
                call.client_id, call.mailbox_key = begin_download(self.tenant, call)
        except GraphError as error:
            call.operation = "drive_upload_part"
            ticket.refusal = error
            return
        call.operation = ticket.route.operation
        self._charge(ticket)

    def _charge(self, ticket: Ticket) -> None:
        """Counts a request on drives in: its units, and its sender's promise to wait."""
        self._count_in(ticket, _DRIVES)
        ticket.charge = self.tenant.units.charge(ticket.call)

    def _tell_to_wait(self, ticket: Ticket, answer: Answer) -> None:
        """Gives the answer what it says of the budget, and notes until when its reader has promised to wait."""
        waits = [answer.headers[name] for name in ("retry-after", "ratelimit-reset") if name in answer.headers]
        if ticket.charge is not None:
            answer.headers = {**ticket.charge.headers, **answer.headers}
        if ticket.key is None or "retry-after" not in answer.headers or answer.status not in ((429, 503) if ticket.charge else (429,)):
            return
        self.tenant.limiter.told_to_wait(ticket.key, max(map(seconds_of, waits)))

    def _begin_graph(self, ticket: Ticket) -> None:
        call = ticket.call
        if not call.segments or call.segments[0] not in _VERSIONS:
            ticket.refusal = GraphError(400, "BadRequest", f"Invalid version: {call.segments[0] if call.segments else ''}")
            return
        try:
            issued = self.tenant.tokens.judge(call.headers.get("authorization"), call.host)
        except GraphError as error:
            ticket.refusal = error
        else:
            call.client_id = issued.app.client_id
            call.roles = issued.roles
            call.user_id = issued.user_id
        if call.method == "POST" and call.segments[1:] == ("$batch",):
            call.operation = "batch"
            return
        ticket.route, call.values, wrong_method = find_drive(call) or self._router.find(call.method, call.segments[1:])
        if ticket.route is None:
            if ticket.refusal is None:
                ticket.refusal = no_such_path(call, wrong_method)
            return
        call.operation = ticket.route.operation
        if ticket.route.is_mail:
            values = call.values
            call.mailbox_key = self.tenant.exchange.scope(values["mbx"]) if "mbx" in values else self.tenant.mailbox_key(values["user"])
        if ticket.route.is_drive:
            call.mailbox_key = drive_owner(self.tenant, call)
            if ticket.refusal is None:
                self._charge(ticket)
        elif ticket.refusal is None:
            self._count_in(ticket, call.mailbox_key or _NO_MAILBOX)
            ticket.charge = self.tenant.directory_units.charge(call) if ticket.route.is_directory else None

    async def _answer_with_faults(self, ticket: Ticket) -> Answer:
        call = ticket.call
        faults = self.tenant.faults
        spoiling: list[Fault] = []
        for fault in faults.candidates(call, self._message_number(call)):
            effect = EFFECTS[fault.name]
            if effect.after is not None:
                spoiling.append(fault)
            elif faults.strike(fault):
                ticket.fault = fault.name
                if effect.before is not None:
                    return effect.before(self.tenant, call, fault)
                await asyncio.sleep(float(fault.option("seconds", 1.0)))
        answer = await self._answer_any(ticket)
        for fault in spoiling:
            answer = self._spoiled(ticket, fault, answer)
        return answer

    def _spoiled(self, ticket: Ticket, fault: Fault, answer: Answer) -> Answer:
        effect = EFFECTS[fault.name]
        if effect.after is None or answer.status >= 400 or not self.tenant.faults.strike(fault):
            return answer
        spoiled = effect.after(self.tenant, ticket.call, fault, answer)
        if spoiled is None:
            self.tenant.faults.give_back(fault)
            return answer
        ticket.fault = fault.name
        return spoiled

    def _message_number(self, call: Call) -> int | None:
        if "drive" in call.values:
            return drive_item_number(self.tenant, call)
        key = next((call.values[name] for name in _ITEM_NAMES if name in call.values), None)
        if key is None or call.mailbox_key not in self.tenant.mailboxes:
            return None
        try:
            return self.tenant.mailboxes[call.mailbox_key].item_number(key)
        except GraphError:
            return None

    async def _answer_any(self, ticket: Ticket) -> Answer:
        if ticket.call.operation == "batch" and ticket.refusal is None:
            return await run_batch(self, ticket.call)
        return self._answer(ticket)

    def _answer(self, ticket: Ticket) -> Answer:
        call = ticket.call
        if call.host in LOGIN_HOSTS:
            return entra.answer(self.tenant, call)
        if ticket.upload is not None and ticket.key is not None:
            self.tenant.limiter.check(ticket.key, upload=len(call.body))
            return answer_upload(self.tenant, call, ticket.upload)
        if ticket.importing is not None and ticket.key is not None:
            self.tenant.limiter.check(ticket.key, upload=len(call.body))
            return answer_import(self.tenant, call, ticket.importing)
        if call.operation == "report_download":
            return answer_download(self.tenant, call)
        if ticket.refusal is not None:
            raise ticket.refusal
        if ticket.route is None or ticket.key is None:
            raise no_such_path(call, False)
        if ticket.charge is not None:
            if ticket.charge.refusal is not None:
                raise ticket.charge.refusal
        elif call.mailbox_key is not None:
            self.tenant.limiter.check(ticket.key, upload=len(call.body) if call.method in _CHARGED_UPLOADS else 0)
        if ticket.route.roles and not ticket.route.roles & call.roles:
            raise no_role(ticket.route)
        return ticket.route.handler(self.tenant, call)

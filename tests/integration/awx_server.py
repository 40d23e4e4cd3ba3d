# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A small AWX: the part of its REST API that makes objects, with the checks that AWX makes before it takes them.

What it checks is read in AWX's C(awx/api/serializers.py), C(awx/api/views/__init__.py) and C(awx/main/fields.py).
"""

from __future__ import annotations

import contextlib
import dataclasses
import http.server
import json
import re
import threading
import typing as t
import urllib.parse

Fields = dict[str, t.Any]

API = "/api/v2/"
TOKEN = "a-token-of-awx"
QUESTION_TYPES = {
    "text": str,
    "textarea": str,
    "password": str,
    "multiplechoice": str,
    "multiselect": (str, list),
    "integer": int,
    "float": float,
}
NEEDED: dict[str, dict[str, type]] = {
    "organizations": {"name": str},
    "credential_types": {"name": str, "kind": str},
    "credentials": {"name": str, "credential_type": int},
    "execution_environments": {"name": str, "image": str},
    "projects": {"name": str},
    "inventories": {"name": str, "organization": int},
    "hosts": {"name": str, "inventory": int},
    "job_templates": {"name": str, "project": int, "inventory": int, "playbook": str},
    "schedules": {"name": str, "unified_job_template": int, "rrule": str},
}
REFERENCES = {"organization": "organizations", "inventory": "inventories", "project": "projects", "unified_job_template": "job_templates"}
REFERENCES |= {"execution_environment": "execution_environments"}


class Refused(Exception):
    """What AWX answers with, as its status and its words."""

    def __init__(self, status: int, answer: object) -> None:
        super().__init__(status, answer)
        self.status, self.answer = status, answer


@dataclasses.dataclass(slots=True)
class Awx:
    """What is stored, which playbooks a fetched project has, and each request that changed something."""

    address: str
    playbooks: frozenset[str]
    objects: dict[str, dict[int, Fields]] = dataclasses.field(default_factory=lambda: {kind: {} for kind in NEEDED})
    surveys: dict[int, Fields] = dataclasses.field(default_factory=dict)
    writes: list[str] = dataclasses.field(default_factory=list)

    def named(self, kind: str) -> dict[str, Fields]:
        return {stored["name"]: stored for stored in self.objects[kind].values()}

    def add(self, kind: str, given: Fields) -> Fields:
        """Make an object, as a POST to its list does. Raises Refused."""
        self._check(kind, given)
        number = sum(map(len, self.objects.values())) + 1
        stored: Fields = {"id": number, "description": "", **given}
        if kind == "projects":
            stored["status"] = "pending"
        if kind == "job_templates":
            stored["summary_fields"] = {"credentials": []}
        self.objects[kind][number] = stored
        return stored

    def change(self, kind: str, number: int, given: Fields) -> Fields:
        self._check(kind, {**self.objects[kind][number], **given}, number)
        self.objects[kind][number].update(given)
        return self.objects[kind][number]

    def listed(self, kind: str, query: t.Mapping[str, str]) -> Fields:
        size = int(query.get("page_size", 25))
        wanted = {name: value for name, value in query.items() if name not in ("page", "page_size")}
        found = [stored for stored in self.objects[kind].values() if all(_matches(stored, *each) for each in wanted.items())]
        return {"count": len(found), "next": None if len(found) <= size else "?page=2", "previous": None, "results": found[:size]}

    def _check(self, kind: str, given: Fields, number: int | None = None) -> None:
        missing = [field for field in NEEDED[kind] if field not in given]
        if missing:
            raise Refused(400, {field: ["This field is required."] for field in missing})
        wrong = [field for field, kind_of in NEEDED[kind].items() if given[field].__class__ is not kind_of]
        if wrong:
            raise Refused(400, {field: ["Incorrect type."] for field in wrong})
        for field, referred in REFERENCES.items():
            if field in given and given[field] not in self.objects[referred]:
                raise Refused(400, {field: [f'Invalid pk "{given[field]}" - object does not exist.']})
        same = [other for other in self.objects[kind].values() if other["name"] == given["name"] and other["id"] != number]
        if any(kind != "hosts" or other["inventory"] == given["inventory"] for other in same):
            raise Refused(400, {"__all__": [f"{kind} with this Name already exists."]})
        check = {"credential_types": _check_credential_type, "schedules": self._check_schedule, "job_templates": self._check_template}.get(
            kind
        )
        if check:
            check(given)

    def _check_template(self, given: Fields) -> None:
        project = self.objects["projects"][given["project"]]
        if project["status"] != "successful" or given["playbook"] not in self.playbooks:
            raise Refused(400, {"playbook": ["Playbook not found for project."]})
        if not isinstance(json.loads(given.get("extra_vars") or "{}"), dict):
            raise Refused(400, {"extra_vars": ["Input type is not a dictionary"]})

    def _check_schedule(self, given: Fields) -> None:
        rule = given["rrule"]
        if not re.match(r"DTSTART(;TZID=[^:]+:\d{8}T\d{6}|:\d{8}T\d{6}Z) ", rule) or rule.count("DTSTART") != 1:
            raise Refused(400, {"rrule": ["Valid DTSTART required in rrule. Value should start with: DTSTART:YYYYMMDDTHHMMSSZ"]})
        if any("INTERVAL" not in each for each in re.findall(r"RULE:\S*", rule)) or "RRULE:" not in rule:
            raise Refused(400, {"rrule": ["INTERVAL required in rrule"]})
        survey = self.surveys.get(given["unified_job_template"], {"spec": []})["spec"]
        unknown = given.get("extra_data", {}).keys() - {question["variable"] for question in survey}
        if unknown:
            raise Refused(400, {"extra_data": [f"Variables {', '.join(unknown)} are not allowed on launch."]})
        unanswered = [question for question in survey if question["required"] and not question.get("default")]
        if any(question["variable"] not in given.get("extra_data", {}) for question in unanswered):
            raise Refused(400, {"variables_needed_to_start": [f"'{question['variable']}' value missing" for question in unanswered]})


def _matches(stored: Fields, name: str, value: str) -> bool:
    field, _two, how = name.partition("__")
    held = str(stored[field])
    return {"": held == value, "startswith": held.startswith(value), "in": held in value.split(",")}[how]


def _check_credential_type(given: Fields) -> None:
    if given["kind"] not in ("cloud", "net"):
        raise Refused(400, {"kind": [f"Must be 'cloud' or 'net', not {given['kind']}"]})
    allowed = {"id", "label", "type", "format", "choices", "help_text", "multiline", "secret", "default"}
    for field in given["inputs"]["fields"]:
        if not {"id", "label"} <= field.keys() <= allowed or field["type"] not in ("string", "boolean"):
            raise Refused(400, {"inputs": [f"{field} is not valid"]})
    known = {field["id"] for field in given["inputs"]["fields"]} | {"tower"}
    for templates in given["injectors"].values():
        for name, template in templates.items():
            used = set(re.findall(r"(?:\{\{|% if) *([a-z_]+)", template))
            if name.startswith("ANSIBLE_") or not used <= known:
                raise Refused(400, {"injectors": [f"{name} uses an undefined field"]})


def check_survey(spec: Fields) -> None:
    """As AWX checks a survey before it keeps it. Raises Refused."""
    missing = [field for field in ("name", "description", "spec") if field not in spec]
    if missing or not spec["spec"]:
        raise Refused(400, {"error": f"Field '{missing or 'spec'}' is missing from survey spec."})
    for number, question in enumerate(spec["spec"]):
        kinds = {"type": str, "question_name": str, "variable": str, "required": bool}
        if any(question.get(field).__class__ is not kind for field, kind in kinds.items()) or question["type"] not in QUESTION_TYPES:
            raise Refused(400, {"error": f"survey question {number} is not complete"})
        default = question.get("default", "")
        if default != "" and not isinstance(default, QUESTION_TYPES[question["type"]]):
            raise Refused(400, {"error": f"Default value {default} in survey question {number} has another type."})
        if question["type"].startswith("multi") and ("choices" not in question or (default and default not in question["choices"])):
            raise Refused(400, {"error": "Default choice must be answered from the choices listed."})


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    awx: t.ClassVar[Awx]

    def log_message(self, *_arguments: object) -> None:
        """Say nothing: the tests look at what is stored."""

    def _answer(self) -> None:
        try:
            status, answer = self._decide()
        except Refused as refused:
            status, answer = refused.status, refused.answer
        body = b"" if answer is None else json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PATCH = do_DELETE = _answer  # noqa: N815 - the names that the server looks for

    def _decide(self) -> tuple[int, object]:
        given = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or "{}")
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            raise Refused(401, {"detail": "Authentication credentials were not provided. To establish a login session, visit /api/login/."})
        url = urllib.parse.urlsplit(self.path)
        kind, *rest = url.path.removeprefix(API).strip("/").split("/")
        if not url.path.startswith(API) or not url.path.endswith("/") or kind not in self.awx.objects:
            raise Refused(404, {"detail": "The requested resource could not be found."})
        if self.command != "GET":
            self.awx.writes.append(f"{self.command} {url.path.removeprefix(API)}")
        if not rest:
            query = dict(urllib.parse.parse_qsl(url.query))
            return (201, self.awx.add(kind, given)) if self.command == "POST" else (200, self.awx.listed(kind, query))
        number = int(rest[0])
        if number not in self.awx.objects[kind]:
            raise Refused(404, {"detail": "Not found."})
        return self._one(kind, number, given) if len(rest) == 1 else self._part(number, rest[1], given)

    def _one(self, kind: str, number: int, given: Fields) -> tuple[int, object]:
        stored = self.awx.objects[kind][number]
        if self.command == "PATCH":
            return 200, self.awx.change(kind, number, given)
        if self.command == "DELETE":
            del self.awx.objects[kind][number]
            return 204, None
        if kind == "projects":
            # It is fetched while somebody waits for it.
            stored["status"] = (
                "successful" if stored["status"] == "running" else "running" if stored["status"] == "pending" else stored["status"]
            )
        return 200, stored

    def _part(self, template: int, part: str, given: Fields) -> tuple[int, object]:
        if part == "survey_spec" and self.command == "POST":
            check_survey(given)
            self.awx.surveys[template] = given
        elif part == "credentials" and self.command == "POST":
            credential = self.awx.objects["credentials"][given["id"]]
            self.awx.objects["job_templates"][template]["summary_fields"]["credentials"].append(
                {"id": given["id"], "name": credential["name"]}
            )
            return 204, None
        return 200, self.awx.surveys.get(template, {})


@contextlib.contextmanager
def running_awx(playbooks: t.Iterable[str]) -> t.Iterator[Awx]:
    """An AWX with an organization that listens on loopback for the time of the with block; C(playbooks) are those of each project."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        awx = Awx(f"http://127.0.0.1:{server.server_address[1]}", frozenset(playbooks))
        server.RequestHandlerClass = type("_HandlerOfThis", (_Handler,), {"awx": awx})
        awx.add("organizations", {"name": "Default"})
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield awx
        finally:
            server.shutdown()
            thread.join()

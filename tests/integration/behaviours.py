# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How mailboxes misbehave (graph-mailbox facts, section 14, items 1 to 38), what people do to them, and what must hold."""

from __future__ import annotations

import collections
import dataclasses
import random
import typing as t
import zlib

from ansible_collections.tenantvault.m365_backup.plugins.module_utils._errors import BackupError
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.source_read import SourceRead
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.graph.client import GraphClient
from ansible_collections.tenantvault.m365_backup.tests.integration.mailboxes import StoredMailbox, is_complete
from tenant.control import ControlClient

Fault: t.TypeAlias = "dict[str, t.Any]"
_DELTA = "messages_delta"


@dataclasses.dataclass(frozen=True)
class Behaviour:
    """One item of the list, and faults that make a tenant show it. C(may_miss): a run may end with findings, or fail.

    C(is_about_message): the faults concern one message of the mailbox.
    """

    item: int
    name: str
    faults: tuple[Fault, ...]
    may_miss: bool = False
    is_about_message: bool = False

    def __str__(self) -> str:
        return f"{self.item}-{self.name}"


def _on(operation: str | list[str], **more: t.Any) -> Fault:
    return {"match": {"operation": operation, **more}}


#: What one mailbox can do while it is read. Items that are not here have tests of their own (see C(ELSEWHERE)).
BEHAVIOURS: tuple[Behaviour, ...] = (
    Behaviour(4, "children before parents", ({"name": "reordered_entries", "times": 9, **_on("folders_delta")},)),
    Behaviour(4, "folders named twice", ({"name": "duplicate_entries", "times": 9, **_on("folders_delta")},)),
    Behaviour(7, "folder gone after the list", ({"name": "folder_gone", "times": 2},), may_miss=True),
    Behaviour(7, "folder gone, other code", ({"name": "folder_gone", "times": 1, "code": "ErrorSyncFolderNotFound"},), may_miss=True),
    Behaviour(8, "empty first page", ({"name": "empty_page", "probability": 0.4, "times": 4},)),
    Behaviour(9, "removal of a stranger", ({"name": "unknown_removal", "times": 9},)),
    Behaviour(9, "removal with reason changed", ({"name": "unknown_removal", "times": 9, "reason": "changed"},)),
    Behaviour(10, "entries twice", ({"name": "duplicate_entries", "times": 9},)),
    Behaviour(10, "entries in any order", ({"name": "reordered_entries", "times": 9},)),
    Behaviour(10, "round told again", ({"name": "replayed_round", "times": 9},)),
    Behaviour(11, "requests without immutable ids", ({"name": "status", "status": 400, "times": None, "match": {"rest_ids": True}},)),
    Behaviour(12, "entries in part", ({"name": "partial_entries", "times": 9},)),
    Behaviour(12, "booleans as strings", ({"name": "string_booleans", "times": 9},)),
    Behaviour(13, "cursor lost", ({"name": "cursor_lost", "times": 9},)),
    Behaviour(13, "cursor lost, small letters", ({"name": "cursor_lost", "times": 9, "code": "syncStateNotFound"},)),
    Behaviour(13, "resync required", ({"name": "cursor_lost", "times": 9, "code": "resyncRequired"},)),
    Behaviour(13, "cursor lost, only a location", ({"name": "cursor_lost", "times": 9, "variant": "location"},)),
    Behaviour(14, "cursor lost in the middle", ({"name": "cursor_lost", "times": 1, "match": {"phase": "next"}},)),
    Behaviour(15, "over quota", ({"name": "delta_quota_exceeded", "times": None},)),
    Behaviour(15, "over quota for a moment", ({"name": "delta_quota_exceeded", "times": 4, "probability": 0.5},)),
    Behaviour(15, "delta not supported", ({"name": "delta_not_supported", "times": 4, **_on(_DELTA)},)),
    Behaviour(18, "page cut off once", ({"name": "truncated_json", "times": 2, "probability": 0.3},)),
    Behaviour(18, "large pages cut off", ({"name": "truncated_json", "times": None, "match": {"page_over": 100}},)),
    Behaviour(
        18, "pages with people cut off", ({"name": "truncated_json", "times": None, "match": {"select": "toRecipients"}},), may_miss=True
    ),
    Behaviour(18, "every page of a delta cut off", ({"name": "truncated_json", "times": None, **_on(_DELTA)},)),
    Behaviour(18, "pages with one message cut off", ({"name": "truncated_json", "times": None},), may_miss=True, is_about_message=True),
    Behaviour(19, "large pages end in 504", ({"name": "gateway_timeout", "times": None, "match": {"page_over": 50}},)),
    Behaviour(21, "404 without body", ({"name": "not_found_empty", "times": 4, "probability": 0.5},)),
    Behaviour(21, "404 for good", ({"name": "item_not_found", "times": 2, **_on("message_mime")},), may_miss=True),
    Behaviour(22, "corrupt item", ({"name": "corrupt_item", "times": 2, **_on("message_mime")},), may_miss=True),
    Behaviour(22, "invalid recipients", ({"name": "invalid_recipients", "times": 2},), may_miss=True),
    Behaviour(24, "attachment that cannot be opened", ({"name": "attachment_unreadable", "times": 2},), may_miss=True),
    Behaviour(24, "too many attachments", ({"name": "too_many_attachments", "times": 9},), may_miss=True),
    Behaviour(31, "throttled", ({"name": "throttled", "times": 5, "probability": 0.2, "retry_after": 1},)),
    Behaviour(31, "throttled without a time", ({"name": "throttled", "times": 5, "probability": 0.2, "retry_after": None},)),
    Behaviour(31, "throttled for fractions", ({"name": "throttled", "times": 3, "probability": 0.2, "retry_after": 1.25},)),
    Behaviour(31, "throttled until a date", ({"name": "throttled", "times": 2, "probability": 0.2, "retry_after": "date:2"},)),
    Behaviour(35, "mailbox on the move", ({"name": "mailbox_stale", "times": 4, "probability": 0.3},)),
    Behaviour(35, "503 without body", ({"name": "unavailable", "body": "empty", "times": 4, "probability": 0.3},)),
    Behaviour(35, "connection reset", ({"name": "reset", "times": 4, "probability": 0.3},)),
    Behaviour(35, "body reset", ({"name": "cut_body", "how": "reset", "times": 4, "probability": 0.5},)),
    Behaviour(35, "body cut off", ({"name": "cut_body", "how": "end", "times": 4, "probability": 0.5},)),
    Behaviour(35, "token expired", ({"name": "token_expired", "times": 1, "after": 5},)),
    Behaviour(
        35,
        "service down",
        ({"name": "unavailable", "times": None, **_on("message_mime")},),
        may_miss=True,
    ),
    Behaviour(
        37, "no mailbox", ({"name": "mailbox_failure", "times": None, "status": 404, "code": "MailboxNotEnabledForRESTAPI"},), may_miss=True
    ),
    Behaviour(38, "out of scope", ({"name": "mailbox_failure", "times": None},), may_miss=True),
    Behaviour(38, "role missing", ({"name": "status", "status": 403, "code": "ErrorAccessDenied", "times": None},), may_miss=True),
)

#: Items of other tests: what the reader does not ask for, or what is a state of the mailbox rather than a misbehaviour.
ELSEWHERE: dict[int, str] = {
    1: "test_mail_live.py::test_every_folder_is_backed_up_whatever_its_name_and_place",
    2: "test_mail_live.py::test_search_folders_are_recognised_and_not_descended",
    3: "test_mail_live.py::test_what_is_left_out_is_left_out_in_every_language",
    5: "test_graph_writing.py",
    6: "test_graph_writing.py",
    16: "no request of ours has a $filter on messages",
    17: "no request of ours has an $orderby on messages",
    20: "test_run.py::test_inv05_every_message_comes_back_byte_for_byte_through_restic",
    23: "test_mail_live.py::test_pictures_inside_the_text_come_with_the_mime_though_graph_says_that_there_are_no_attachments",
    25: "test_graph_writing.py",
    26: "test_graph_writing.py",
    27: "test_graph_writing.py",
    28: "test_graph_writing.py",
    29: "test_graph_writing.py",
    30: "test_graph_writing.py",
    32: "test_graph_limits.py",
    33: "test_graph_limits.py",
    34: "test_graph_limits.py",
    36: "no request of ours is a $batch",
}


def fill(control: ControlClient, user: str) -> None:
    """A small mailbox with something of everything."""
    control.create_folder(user, "One", parent="inbox")
    control.create_folder(user, "Inner", parent=["inbox", "One"])
    control.create_folder(user, "Two/2")
    control.create_folder(user, "Hidden", hidden=True)
    control.create_folder(user, "Below", parent=["Hidden"])
    for number, folder in enumerate((["inbox"], ["inbox", "One"], ["inbox", "One", "Inner"], ["Two/2"], ["Hidden"], ["Hidden", "Below"])):
        control.deliver_many(user, folder, [_mail(f"{number}-{message}") for message in range(5 if number == 0 else 2)])
    control.deliver(user, "drafts", _mail("draft"), is_draft=True)
    control.deliver(user, "inbox", WITH_ATTACHMENT)


def disturb(control: ControlClient, user: str, random_: random.Random, changes: int) -> None:
    """What people do between two runs. What happens out of sight, below another folder, is found in time, not by the next run."""
    for number in range(changes):
        messages = control.messages(user)
        ids = [message["id"] for message in messages]
        some = random_.sample(ids, min(2, len(ids)))
        lines = control.folders(user)
        hidden = {line["name"] for line in lines if line["hidden"]}
        folders = [line for line in lines if line["path"] and line["well_known"] is None and not hidden & set(line["path"])]
        kind = random_.randrange(10)
        if kind == 0 or not folders:
            control.deliver(user, "inbox", _mail(f"new {random_.random()}"))
        elif kind == 1:
            control.move(user, some, random_.choice(folders)["id"])
        elif kind == 2:
            control.delete(user, some[:1])
        elif kind == 3:
            control.update(user, [key for key in some if zlib.crc32(key.encode()) % 2], is_read=random_.random() < 0.5)
        elif kind == 4:
            # Of a message whose read mark has changed the service may tell nothing else.
            some = [key for key in some if not zlib.crc32(key.encode()) % 2]
            control.update(user, some, flagged=random_.random() < 0.5, categories=random_.sample(["Red", "Blue", "Late"], 2))
        elif kind == 5:
            control.rename_folder(user, random_.choice(folders)["id"], random_.choice(["Renamed", "One", "a/b", "2026"]))
        elif kind == 6:
            control.create_folder(user, random_.choice(["New", "One"]), parent=random_.choice(folders)["id"])
        elif kind == 7:
            control.create_folder(user, f"Hidden {number}", hidden=True)
            control.deliver(user, [f"Hidden {number}"], _mail(f"hidden {random_.random()}"))
        elif kind == 8 and len(folders) > 2:
            control.delete_folder(user, random_.choice(folders)["id"])
        else:
            control.update(user, [key for key in some if not zlib.crc32(key.encode()) % 2], subject=f"changed {number}")


def run_honestly(mailbox: StoredMailbox, client: GraphClient) -> SourceRead | BackupError:
    """A run, which must end right or say what is missing: AssertionError when it does neither."""
    before = mailbox.tree
    try:
        result = mailbox.read(client)
    except BackupError as error:
        if mailbox.tree != before:
            raise AssertionError("a run that failed has changed the tree") from error
        return error
    if result.tree is None:
        if not result.availability:
            raise AssertionError("a mailbox without a tree and without a reason")
        return result
    _demand_words(mailbox, result)
    return result


def _demand_words(mailbox: StoredMailbox, result: SourceRead) -> None:
    """Every message that is not as the tenant has it lies in a folder that is named, or is kept in mind for the next run."""
    truth, stored = mailbox.truth(), mailbox.stored()
    wrong = {key for key in truth.keys() | stored.keys() if truth.get(key) != stored.get(key)} - mailbox.state().retries.keys()
    named = collections.Counter(finding.object for finding in result.findings)
    names = mailbox.kept_folders()
    unnamed = []
    for key in sorted(wrong):
        places = [f"folder {names.get(mark.folder)}" for mark in (truth.get(key), stored.get(key)) if mark is not None]
        if any(place in named for place in places):
            continue
        single = next((place for place in places if named[f"a message in {place}"] > 0), None)
        if single is None:
            unnamed.append((key, truth.get(key), stored.get(key)))
        else:
            named[f"a message in {single}"] -= 1
    if unnamed and not any(name.startswith("hidden folders") for name in named):
        said = [finding.object for finding in result.findings]
        raise AssertionError(f"{len(unnamed)} messages are wrong and nobody says so: {unnamed[:3]}; findings: {said}")


def run_calmly(mailbox: StoredMailbox, client: GraphClient) -> SourceRead:
    """A run without faults, which must make it complete, and do what a preview says."""
    before, preview = mailbox.tree, mailbox.preview(client)
    result = mailbox.read(client)
    if preview.is_changed != (result.tree != before) or preview.counts.total != result.counts.total:
        raise AssertionError(f"the preview says {preview.is_changed} {preview.counts}, the run did {result.counts}")
    if result.findings:
        raise AssertionError(f"a calm run has findings: {[finding.object for finding in result.findings]}")
    if not is_complete(mailbox):
        truth, stored = mailbox.truth(), mailbox.stored()
        wrong = [(key, truth.get(key), stored.get(key)) for key in truth.keys() | stored.keys() if truth.get(key) != stored.get(key)]
        folders = {key: folder.name for key, folder in mailbox.state().folders.items()}
        raise AssertionError(f"a calm run did not make it complete: {wrong[:3]} {folders.items() ^ mailbox.kept_folders().items()}")
    return result


def _mail(subject: str) -> bytes:
    return (
        f"From: a@example.com\r\nTo: b@example.com\r\nSubject: {subject}\r\nMessage-ID: <{subject}@example.com>\r\n\r\nHello\r\n".encode()
    )


WITH_ATTACHMENT = (
    b"From: a@example.com\r\nTo: b@example.com\r\nSubject: with a file\r\nMIME-Version: 1.0\r\n"
    b'Content-Type: multipart/mixed; boundary="x"\r\n\r\n--x\r\nContent-Type: text/html\r\n\r\n'
    b"<a href='https://contoso.sharepoint.com/plan'>Plan</a>\r\n--x\r\nContent-Type: text/plain; name=\"a.txt\"\r\n"
    b'Content-Disposition: attachment; filename="a.txt"\r\n\r\nThe file\r\n--x--\r\n'
)

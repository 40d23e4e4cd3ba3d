# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Contact folders (facts 7.2): the default one is addressed as C(contacts) and in no list; all others lie below it."""

from __future__ import annotations

import typing as t

from .call import Answer, GraphError, json_answer
from .contacts import named_folder
from .item_delta import container_delta
from .listing import list_answer, selected
from .odata import read_select

if t.TYPE_CHECKING:
    from .call import Call
    from .mailbox import Mailbox
    from .sections import Container
    from .state import Tenant

Json = dict[str, t.Any]


def contact_folder_json(mailbox: Mailbox, folder: Container) -> Json:
    """A contactFolder; the default one lies below the mailbox's root."""
    parent = folder.parent or mailbox.root
    return {"id": folder.id, "parentFolderId": parent.id, "displayName": folder.name}


def list_folders(tenant: Tenant, call: Call) -> Answer:
    """C(GET .../contactFolders): those below the default one; C(.../childFolders): those below any other."""
    mailbox = tenant.mailbox(call)
    found = named_folder(mailbox, call).children
    path = "/" + "/".join(call.path.partition("?")[0].split("/")[2:])
    return list_answer(
        call, found, lambda folder: contact_folder_json(mailbox, folder), path=path, context=f"users('{mailbox.owner_id}')/contactFolders"
    )


def get_folder(tenant: Tenant, call: Call) -> Answer:
    mailbox = tenant.mailbox(call)
    return _answer(call, mailbox, named_folder(mailbox, call))


def create_folder(tenant: Tenant, call: Call) -> Answer:
    """C(POST .../contactFolders) and C(.../childFolders): 201, or 409 ErrorFolderExists."""
    mailbox = tenant.mailbox(call)
    return _answer(call, mailbox, add_folder(mailbox, call.json().get("displayName"), named_folder(mailbox, call)), 201)


def add_folder(mailbox: Mailbox, name: t.Any, parent: Container) -> Container:
    """A new folder. Raises GraphError 400 without a name, 409 for a name that is taken."""
    if not isinstance(name, str) or not name.strip():
        raise GraphError(400, "ErrorInvalidRequest", "The display name of a folder must not be empty.")
    _refuse_taken(parent, name)
    return mailbox.sections.contacts.add_container(name, parent)


def update_folder(tenant: Tenant, call: Call) -> Answer:
    mailbox = tenant.mailbox(call)
    folder = named_folder(mailbox, call)
    if folder.is_default:
        raise GraphError(403, "ErrorAccessDenied", "The distinguished folder cannot be renamed.")
    name = call.json().get("displayName")
    if isinstance(name, str) and name.strip() and name != folder.name:
        if folder.parent is not None:
            _refuse_taken(folder.parent, name, but=folder)
        folder.name = name
        mailbox.sections.contacts.touch_container(folder)
    return _answer(call, mailbox, folder)


def delete_folder(tenant: Tenant, call: Call) -> Answer:
    mailbox = tenant.mailbox(call)
    folder = named_folder(mailbox, call)
    if folder.is_default:
        raise GraphError(403, "ErrorDeleteDistinguishedFolder", "Distinguished folders cannot be deleted.")
    mailbox.sections.contacts.delete_container(folder)
    return Answer(204)


def folders_delta(tenant: Tenant, call: Call) -> Answer:
    """C(GET .../contactFolders/delta)."""
    mailbox = tenant.mailbox(call)
    return container_delta(
        tenant,
        call,
        mailbox.sections.contacts,
        lambda folder: contact_folder_json(mailbox, folder),
        path="contactFolders/delta",
        kind="contactFolder",
    )


def _refuse_taken(parent: Container, name: str, but: Container | None = None) -> None:
    for one in parent.children:
        if one is not but and one.name.casefold() == name.casefold():
            raise GraphError(409, "ErrorFolderExists", "A folder with the specified name already exists.")


def _answer(call: Call, mailbox: Mailbox, folder: Container, status: int = 200) -> Answer:
    context = f"{call.root}/$metadata#users('{mailbox.owner_id}')/contactFolders/$entity"
    return json_answer({"@odata.context": context, **selected(contact_folder_json(mailbox, folder), read_select(call))}, status)

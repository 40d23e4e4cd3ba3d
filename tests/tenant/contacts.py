# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Contacts: reading, changing, pictures, delta (facts 7.2)."""

from __future__ import annotations

import re
import typing as t
from urllib.parse import quote

from .call import Answer, GraphError, json_answer
from .extended import normal_id
from .item_delta import item_delta
from .listing import list_answer, selected
from .message_view import stamp
from .odata import read_select
from .sections import Photo, not_found

if t.TYPE_CHECKING:
    from .call import Call
    from .mailbox import Mailbox
    from .sections import Container, Item
    from .state import Tenant

Json = dict[str, t.Any]
LARGEST_PHOTO = 4 * 1024 * 1024
_TEXTS = (
    "fileAs", "displayName", "givenName", "initials", "middleName", "nickName", "surname", "title", "yomiGivenName", "yomiSurname",
    "yomiCompanyName", "generation", "jobTitle", "companyName", "department", "officeLocation", "profession", "businessHomePage",
    "assistantName", "manager", "mobilePhone", "spouseName", "personalNotes", "birthday",
)  # fmt: skip
_LISTS = ("categories", "imAddresses", "homePhones", "businessPhones", "children", "emailAddresses")
_ADDRESSES = ("homeAddress", "businessAddress", "otherAddress")
SETTABLE = frozenset({*_TEXTS, *_LISTS, *_ADDRESSES})
_READ_ONLY = frozenset(
    {"id", "changeKey", "createdDateTime", "lastModifiedDateTime", "parentFolderId", "@odata.type", "@odata.context", "photo"}
)


def contact_json(mailbox: Mailbox, item: Item, *, immutable: bool) -> Json:
    """The full JSON of a contact."""
    stored = item.properties
    key = f"EQAAABYAAAD{item.number:08x}AA{item.changed:08x}"
    return {
        "@odata.etag": f'W/"{key}"',
        "id": mailbox.sections.contacts.item_id(item, immutable=immutable),
        "createdDateTime": stamp(item.created),
        "lastModifiedDateTime": stamp(item.modified),
        "changeKey": key,
        "categories": stored.get("categories") or [],
        "parentFolderId": item.container.id,
        **{name: stored.get(name, "" if name == "personalNotes" else None) for name in _TEXTS},
        **{name: stored.get(name) or [] for name in _LISTS if name != "categories"},
        **{name: stored.get(name) or {} for name in _ADDRESSES},
    }


def named_folder(mailbox: Mailbox, call: Call) -> Container:
    contacts = mailbox.sections.contacts
    return contacts.container(call.values["folder"]) if "folder" in call.values else contacts.default


def named_contact(mailbox: Mailbox, call: Call) -> Item:
    """Raises GraphError 404, also for a contact of another folder than the one the path names."""
    item = mailbox.sections.contacts.item(call.values["contact"])
    if "folder" in call.values and item.container is not named_folder(mailbox, call):
        raise not_found()
    return item


def list_contacts(tenant: Tenant, call: Call) -> Answer:
    """C(GET .../contacts) of one folder, the default one unless named."""
    mailbox = tenant.mailbox(call)
    folder = named_folder(mailbox, call)
    path = "/" + "/".join(call.path.partition("?")[0].split("/")[2:])

    def render(item: Item) -> Json:
        return {**contact_json(mailbox, item, immutable=call.immutable_ids), **expanded(item, call)}

    return list_answer(call, list(folder.items.values()), render, path=path, context=f"users('{mailbox.owner_id}')/contacts")


def get_contact(tenant: Tenant, call: Call) -> Answer:
    mailbox = tenant.mailbox(call)
    return _answer(call, mailbox, named_contact(mailbox, call))


def create_contact(tenant: Tenant, call: Call) -> Answer:
    """C(POST .../contacts): 201."""
    mailbox = tenant.mailbox(call)
    folder = named_folder(mailbox, call)
    wanted = call.json()
    item = mailbox.sections.contacts.add(folder, checked_contact(wanted))
    item.extended = _extended(wanted)
    return _answer(call, mailbox, item, 201)


def update_contact(tenant: Tenant, call: Call) -> Answer:
    mailbox = tenant.mailbox(call)
    item = named_contact(mailbox, call)
    wanted = call.json()
    item.properties = {**item.properties, **checked_contact(wanted)}
    item.extended = {**(item.extended or {}), **_extended(wanted)}
    mailbox.sections.contacts.touch(item)
    return _answer(call, mailbox, item)


def delete_contact(tenant: Tenant, call: Call) -> Answer:
    mailbox = tenant.mailbox(call)
    mailbox.sections.contacts.remove(named_contact(mailbox, call))
    return Answer(204)


def contacts_delta(tenant: Tenant, call: Call) -> Answer:
    """C(GET .../contactFolders/{folder}/contacts/delta), C(.../contacts/delta) for the default folder."""
    mailbox = tenant.mailbox(call)
    folder = named_folder(mailbox, call)
    return item_delta(
        tenant,
        call,
        mailbox.sections.contacts,
        folder,
        lambda item: contact_json(mailbox, item, immutable=call.immutable_ids),
        path=f"contactFolders('{quote(folder.id, safe='')}')/contacts/delta",
        kind="contact",
    )


def get_photo(tenant: Tenant, call: Call) -> Answer:
    """C(GET .../photo): facts about the picture; 404 when there is none."""
    photo = _photo(named_contact(tenant.mailbox(call), call))
    facts = {"@odata.mediaContentType": photo.content_type, "id": "240X240", "height": 240, "width": 240}
    return json_answer({"@odata.context": f"{call.root}/$metadata#photo", **facts})


def get_photo_content(tenant: Tenant, call: Call) -> Answer:
    """C(GET .../photo/$value)."""
    photo = _photo(named_contact(tenant.mailbox(call), call))
    return Answer(200, photo.content, {"content-type": photo.content_type})


def put_photo(tenant: Tenant, call: Call) -> Answer:
    """C(PUT) and C(PATCH .../photo/$value)."""
    mailbox = tenant.mailbox(call)
    item = named_contact(mailbox, call)
    content_type = call.headers.get("content-type", "")
    if not content_type.startswith("image/") or not call.body:
        raise GraphError(400, "ErrorInvalidRequest", "The content of a photo must be an image, and its Content-Type must say so.")
    if len(call.body) > LARGEST_PHOTO:
        raise GraphError(413, "RequestEntityTooLarge", "Request Entity Too Large")
    item.photo = Photo(call.body, content_type)
    mailbox.sections.contacts.touch(item)
    return Answer(200)


def delete_photo(tenant: Tenant, call: Call) -> Answer:
    mailbox = tenant.mailbox(call)
    item = named_contact(mailbox, call)
    _photo(item)
    item.photo = None
    mailbox.sections.contacts.touch(item)
    return Answer(204)


def checked_contact(wanted: Json) -> Json:
    """The properties of a contact that a client may set. Raises GraphError 400."""
    for name, value in wanted.items():
        if name not in SETTABLE and name not in _READ_ONLY and name != "singleValueExtendedProperties":
            if name.startswith("@odata.") and value is None:
                continue
            raise GraphError(400, "ErrorInvalidRequest", "Requests must contain extension changes exclusively.")
    if len(wanted.get("emailAddresses") or ()) > 3:
        raise GraphError(400, "ErrorInvalidRequest", "A contact has at most three e-mail addresses.")
    return {name: value for name, value in wanted.items() if name in SETTABLE}


def expanded(item: Item, call: Call) -> Json:
    """C(singleValueExtendedProperties) as far as the request expands them."""
    expand = call.query.get("expand", "")
    if "singleValueExtendedProperties" not in expand:
        return {}
    wanted = [normal_id(text) for text in re.findall(r"id\s+eq\s+'([^']*)'", expand)]
    values = [{"id": name, "value": (item.extended or {})[name]} for name in dict.fromkeys(wanted) if name in (item.extended or {})]
    return {"singleValueExtendedProperties": values} if values else {}


def _photo(item: Item) -> Photo:
    if item.photo is None:
        raise GraphError(404, "ErrorItemNotFound", "The photo wasn't found.")
    return item.photo


def _extended(wanted: Json) -> dict[str, str]:
    return {normal_id(str(one.get("id"))): str(one.get("value")) for one in wanted.get("singleValueExtendedProperties") or ()}


def _answer(call: Call, mailbox: Mailbox, item: Item, status: int = 200) -> Answer:
    full = {**contact_json(mailbox, item, immutable=call.immutable_ids), **expanded(item, call)}
    body = selected(full, read_select(call), also=("singleValueExtendedProperties",))
    context = f"{call.root}/$metadata#users('{mailbox.owner_id}')/contacts/$entity"
    return json_answer({"@odata.context": context, **body}, status, {"etag": full["@odata.etag"]})

# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Dataclasses as JSON and back, with every type checked: summaries come from other hosts, too.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import dataclasses
import functools
import types
import typing as t
from datetime import datetime

from .._errors import InputError
from .summary import HostSummary

FORMAT_VERSION = 1
_T = t.TypeVar("_T")


class Malformed(ValueError):
    """A document that is not of the type that is wanted; the text says where."""


def summary_document(summary: HostSummary) -> dict[str, t.Any]:
    """A summary as other hosts, and later versions of the collection, can read it."""
    return {"version": FORMAT_VERSION, **to_document(summary)}


def parse_summary(document: object) -> HostSummary:
    """The summary of another host. Raises InputError for everything else."""
    version = document.get("version") if isinstance(document, dict) else None
    if version != FORMAT_VERSION or not isinstance(document, dict):
        raise InputError(
            f"What was given as the summary of a host is none of version {FORMAT_VERSION}.",
            hint="Give results summary of m365_backup_report tasks that other hosts have run with the same version of the collection.",
        )
    try:
        return from_document(HostSummary, {name: value for name, value in document.items() if name != "version"})
    except Malformed as error:
        raise InputError(
            f"What was given as the summary of a host is damaged: {error}.",
            hint="Give results summary of m365_backup_report tasks as they are.",
        ) from error


def to_document(value: t.Any) -> t.Any:
    """Dicts, lists, text, numbers and null; moments in ISO 8601."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: to_document(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, dict):
        return {name: to_document(each) for name, each in value.items()}
    if isinstance(value, (tuple, list)):
        return [to_document(each) for each in value]
    return value


def from_document(kind: type[_T], document: object) -> _T:
    """The dataclass that L(to_document) has made this of. Raises L(Malformed)."""
    return t.cast(_T, _parse(kind, document, kind.__name__))


def _parse(kind: t.Any, value: t.Any, where: str) -> t.Any:
    origin, arguments = t.get_origin(kind), t.get_args(kind)
    if kind is t.Any:
        return value
    if origin in (t.Union, types.UnionType):
        return None if value is None else _parse(next(each for each in arguments if each is not types.NoneType), value, where)
    if origin is tuple:
        return tuple(_parse(arguments[0], each, f"{where}[{number}]") for number, each in enumerate(_of(list, value, where)))
    if origin is dict:
        return {name: _parse(arguments[1], each, f"{where}.{name}") for name, each in _of(dict, value, where).items()}
    if dataclasses.is_dataclass(kind):
        return _parse_dataclass(kind, _of(dict, value, where), where)
    if kind is datetime:
        return _moment(_of(str, value, where), where)
    if kind is float and value.__class__ is int:
        return float(value)
    return _of(kind, value, where)


def _parse_dataclass(kind: t.Any, value: dict[str, t.Any], where: str) -> t.Any:
    hints = _hints(kind)
    strange, missing = value.keys() - hints.keys(), hints.keys() - value.keys()
    if strange or missing:
        raise Malformed(f"{where} has {sorted(map(str, strange))} that it should not have, and not {sorted(missing)}")
    return kind(**{name: _parse(hint, value[name], f"{where}.{name}") for name, hint in hints.items()})


@functools.cache
def _hints(kind: type) -> dict[str, t.Any]:
    return t.get_type_hints(kind)


def _of(kind: type[_T], value: object, where: str) -> _T:
    """Neither booleans are numbers here nor the other way round."""
    if not isinstance(value, kind) or (value.__class__ is bool) is not (kind is bool):
        raise Malformed(f"{where} is no {kind.__name__}")
    return value


def _moment(text: str, where: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Malformed(f"{where} is no time") from None
    if moment.tzinfo is None:
        raise Malformed(f"{where} has no time zone")
    return moment

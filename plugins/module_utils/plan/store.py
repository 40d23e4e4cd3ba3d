# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plans on the backup host: one small JSON file each, readable by its owner only.

A file is replaced by rename, after its content is on disk: whatever happens, it holds the old plan or the new one.

PRIVATE to the collection: it can change at any time.
"""

from __future__ import annotations

import dataclasses
import json
import os
import re
import typing as t
from pathlib import Path

from .._errors import InputError
from .document import plan_from_dict, plan_to_dict
from .errors import DamagedPlan, PlanNotFound, StateUnusable
from .model import NAME_PATTERN, Plan

FORMAT_VERSION = 1

_FOLDER = "plans"
_CACHE_FOLDER = "cache"
_SUFFIX = ".json"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class StoredPlan:
    """A plan, and the id of the repository that it was last applied with (None: never with one).

    In ``cache_folder`` runs may keep copies of what repositories hold, to open them faster. It may be removed at any time.
    """

    plan: Plan
    repository_id: str | None = None
    cache_folder: Path | None = dataclasses.field(default=None, compare=False)


class PlanStore:
    """The stored plans below one state path.

    Every method raises L(StateUnusable) when the operating system refuses, and L(DamagedPlan) for a file that is no plan.
    """

    def __init__(self, state_path: Path) -> None:
        self._folder = state_path / _FOLDER
        self._cache_folder = state_path / _CACHE_FOLDER

    def find(self, reference: str) -> StoredPlan:
        """The plan of that name, else the one of that title. Raises L(PlanNotFound)."""
        if _is_name(reference):
            stored = self.load(reference)
            if stored is not None:
                return stored
        stored = self.find_title(reference)
        if stored is not None:
            return stored
        every = self.list()
        known = ", ".join(f"{stored.plan.name} ({stored.plan.title})" for stored in every)
        raise PlanNotFound(
            f"No plan is called {reference!r} below {self._folder}.",
            hint=f"The plans there are: {known}." if known else "No plan was applied on this host with this state_path yet.",
        )

    def find_title(self, title: str) -> StoredPlan | None:
        """The plan of exactly that title; None when there is none."""
        return next((stored for stored in self.list() if stored.plan.title == title), None)

    def load(self, name: str) -> StoredPlan | None:
        """The plan of that name; None when there is none."""
        path = self.path(name)
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _refused("read", path, error) from error
        stored = _parse(content, path)
        if stored.plan.name != name:
            raise _damaged(path, f"it holds a plan with the name {stored.plan.name}")
        return dataclasses.replace(stored, cache_folder=self._cache_folder)

    def list(self, on_damage: t.Callable[[DamagedPlan], None] | None = None) -> list[StoredPlan]:
        """All plans, by name. A file that is no plan goes to ``on_damage``, where that is given, and the others count."""
        try:
            names = sorted(path.name.removesuffix(_SUFFIX) for path in self._folder.iterdir() if path.name.endswith(_SUFFIX))
        except FileNotFoundError:
            return []
        except OSError as error:
            raise _refused("list", self._folder, error) from error
        found = []
        for name in filter(_is_name, names):
            try:
                found.append(self.load(name))
            except DamagedPlan as damage:
                if on_damage is None:
                    raise
                on_damage(damage)
        return [stored for stored in found if stored is not None]

    def choose(self, references: t.Iterable[str]) -> tuple[StoredPlan, ...]:
        """Each of these plans once, by name or title, as L(find) finds them; without any reference all plans."""
        found = {stored.plan.name: stored for stored in map(self.find, references)}
        return tuple(found.values()) if found else tuple(self.list())

    def save(self, stored: StoredPlan) -> None:
        """Write the plan, in place of an older one of the same name."""
        document = {"format": FORMAT_VERSION, "repository_id": stored.repository_id, "plan": plan_to_dict(stored.plan)}
        path = self.path(stored.plan.name)
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            _write_durably(path, (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode())
        except OSError as error:
            raise _refused("write", path, error) from error

    def delete(self, name: str) -> bool:
        """Remove the plan; whether there was one."""
        path = self.path(name)
        try:
            path.unlink()
            _flush_folder(self._folder)
        except FileNotFoundError:
            return False
        except OSError as error:
            raise _refused("remove", path, error) from error
        return True

    def check_writable(self) -> None:
        """Raise L(StateUnusable) when L(save) would be refused, as far as can be told without writing."""
        folder = nearest_folder(self._folder)
        if not os.access(folder, os.W_OK | os.X_OK):
            raise StateUnusable(
                f"Plans cannot be stored: {folder} cannot be written by this user.",
                hint="Run the task as another user (become), mount the disk writable, or choose another state_path.",
            )

    def path(self, name: str) -> Path:
        """Where the plan of that name lies."""
        if not _is_name(name):
            raise InputError(f"{name!r} is no name of a plan.", hint="Names have small letters, digits, hyphens and underscores.")
        return self._folder / f"{name}{_SUFFIX}"


def nearest_folder(path: Path) -> Path:
    """The path itself when it exists and can be seen, else the nearest folder above it of which that is true."""
    return next(each for each in (path, *path.parents) if os.path.exists(each) or each == each.parent)


def _is_name(text: str) -> bool:
    return re.match(NAME_PATTERN, text) is not None


def _parse(content: bytes, path: Path) -> StoredPlan:
    try:
        document: t.Any = json.loads(content)
    except ValueError as error:
        raise _damaged(path, f"it is not JSON ({error})") from error
    if not isinstance(document, dict) or not isinstance(document.get("plan"), dict):
        raise _damaged(path, "it holds no plan")
    version = document.get("format")
    if version != FORMAT_VERSION:
        raise DamagedPlan(
            f"The stored plan {path} has format {version!r}; this version of the collection reads format {FORMAT_VERSION}.",
            hint="Use the version of the collection that wrote it, or a newer one.",
        )
    try:
        plan = plan_from_dict(document["plan"])
    except InputError as error:
        raise _damaged(path, error.what) from error
    repository_id = document.get("repository_id")
    if repository_id is not None and not isinstance(repository_id, str):
        raise _damaged(path, "repository_id is not text")
    return StoredPlan(plan=plan, repository_id=repository_id)


def _damaged(path: Path, problem: str) -> DamagedPlan:
    return DamagedPlan(
        f"The stored plan {path} cannot be used: {problem}.",
        hint="Restore the file, or remove it and apply the plan again; the backups are in the repository and not affected.",
    )


def _refused(verb: str, path: Path, error: OSError) -> StateUnusable:
    return StateUnusable(
        f"Cannot {verb} {path}: {error.strerror}.",
        hint="Check the owner and mode of the folder and the disk, or choose another state_path.",
    )


def _write_durably(path: Path, content: bytes) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(file.fileno(), 0o600)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.rename(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    _flush_folder(path.parent)


def _flush_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

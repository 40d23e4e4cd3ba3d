# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the action plugins of long tasks share: the module does the work, and a thread tells how far it is.

Whatever goes wrong with the telling, the task is that of the module, as if there were no action plugin.

PRIVATE to the collection: it can change at any time.
"""

# ruff: noqa: SLF001 - what Ansible offers to action plugins begins with an underscore, here asked of a copy of the plugin

from __future__ import annotations

import contextlib
import contextvars
import copy
import os
import secrets
import threading
import typing as t

from ansible import constants
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action.normal import ActionModule as NormalAction

from ansible_collections.tenantvault.m365_backup.plugins.plugin_utils._progress_screen import Screen, open_screen
from ansible_collections.tenantvault.m365_backup.plugins.plugin_utils._progress_watch import Watch

SWITCH, VARIABLE, OPTION = "M365_BACKUP_PROGRESS", "m365_backup_progress", "progress_file"
#: Wherever modules run, and whoever they run as, they may write here. The name of the file is one that nobody can guess.
_FOLDER = "/tmp"  # noqa: S108

Result = dict[str, t.Any]


class ProgressAction(NormalAction):
    """Runs the module of the same name, and prints how far it is."""

    def run(self, tmp: t.Any = None, task_vars: dict[str, t.Any] | None = None) -> Result:
        """As every action plugin."""
        screen = self._screen(task_vars or {})
        if screen is None:
            return t.cast(Result, super().run(tmp, task_vars))
        given = self._task.args.get(OPTION)
        path = given or f"{_FOLDER}/m365_backup-{secrets.token_hex(16)}.progress"
        arguments = self._task.args
        self._task.args = {**arguments, OPTION: path}
        watch = Watch(self._reader(str(path)), screen, is_remote=self._connection.transport != "local", on_orphaned=_leave)
        thread = threading.Thread(target=contextvars.copy_context().run, args=(watch.run,), name="progress", daemon=True)
        result: Result = {}
        try:
            thread.start()
            result = super().run(tmp, task_vars)
        finally:
            watch.end()
            thread.join()
            self._task.args = arguments
            screen.close("" if result.get("failed") or result.get("unreachable") else str(result.get("msg") or ""))
            if (given is None and "msg" not in result) or "module_stdout" in result:
                self._remove(str(path))
        return result

    def _screen(self, variables: t.Mapping[str, t.Any]) -> Screen | None:
        """None where nobody is to be told: in check mode nothing is written, and what runs in the background is polled by others."""
        if self._task.check_mode or self._task.async_val or not self._is_on(variables):
            return None
        hosts = variables.get("ansible_play_hosts_all") or ()
        host = str(variables.get("inventory_hostname") or "")
        return open_screen(str(constants.DEFAULT_STDOUT_CALLBACK), host=host, is_alone=len(hosts) == 1)

    def _is_on(self, variables: t.Mapping[str, t.Any]) -> bool:
        value = variables.get(VARIABLE)
        if value is None:
            value = os.environ.get(SWITCH, "true")
        with contextlib.suppress(TypeError, ValueError):
            return bool(boolean(self._templar.template(value)))
        return True

    def _reader(self, path: str) -> t.Callable[[], str]:
        """How the watch reads the file, from a thread of its own."""
        other = copy.copy(self)
        # A command remembers in the connection and in its become plugin what it waits for, and the module's command is waiting.
        other._connection = copy.copy(self._connection)
        if other._connection.become is not None:
            other._connection.become = copy.copy(other._connection.become)
        is_here = self._connection.transport == "local" and other._connection.become is None
        command = f"cat {self._connection._shell.quote(path)}"

        def read() -> str:
            if not is_here:
                answer = other._low_level_execute_command(command)
                return str(answer["stdout"]) if answer["rc"] == 0 else ""
            with contextlib.suppress(FileNotFoundError), open(path, encoding="utf-8") as stream:
                return stream.read()
            return ""

        return read

    def _remove(self, path: str) -> None:
        """What a module leaves that was killed. Whatever keeps us from it, the task has told of it already."""
        with contextlib.suppress(Exception):
            self._low_level_execute_command(f"rm -f {self._connection._shell.quote(path)}")


def _leave() -> None:
    """The ansible-playbook of this worker is gone. The module that it waits for ends when nobody waits for its answer."""
    for child in _children():
        with contextlib.suppress(OSError):
            os.kill(child, 15)
    os._exit(1)


def _children() -> t.Iterator[int]:
    """Processes that this one has started, such as ssh; none where the system does not tell."""
    with contextlib.suppress(OSError, ValueError):
        for thread in os.listdir("/proc/self/task"):
            with open(f"/proc/self/task/{thread}/children", encoding="ascii") as stream:
                yield from map(int, stream.read().split())

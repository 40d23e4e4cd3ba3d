# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shows a playbook as a story: what each task said, and nothing else. Used by the demo."""

from __future__ import annotations

import sys
import typing as t

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: story
type: stdout
short_description: One sentence a task
description:
  - Prints the C(msg) of each task, and the error of one that failed.
"""


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "story"

    def v2_runner_on_ok(self, result: t.Any) -> None:
        task = getattr(result, "task", None) or result._task  # noqa: SLF001 - before 2.19 a callback has no other way
        if task.action == "ansible.builtin.debug":
            return  # it says once more what the task before it has said
        document = self._result(result)
        state = "changed" if document.get("changed") else "no change"
        self._say(f"{document.get('msg', 'done')} [{state}]")

    def v2_runner_on_failed(self, result: t.Any, ignore_errors: bool = False) -> None:
        self._say(f"FAILED: {self._result(result).get('msg', 'no message')}")

    def v2_runner_on_unreachable(self, result: t.Any) -> None:
        self._say(f"UNREACHABLE: {self._result(result).get('msg', 'no message')}")

    def _result(self, result: t.Any) -> dict[str, t.Any]:
        found = getattr(result, "result", None)
        return found if isinstance(found, dict) else result._result  # noqa: SLF001 - before 2.19 a callback has no other way

    def _say(self, text: str) -> None:
        sys.stdout.write(f"   {text}\n")
        sys.stdout.flush()

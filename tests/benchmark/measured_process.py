# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs another program where the tenant is reached, and writes down what it used.

C(python -m benchmark.measured_process ANSWER SECONDS PROGRAM ARGUMENTS...)
"""

from __future__ import annotations

import dataclasses
import json
import os
import sys
from pathlib import Path

from .processes import ProcessFailed, measure


def main() -> int:
    answer, seconds, *command = sys.argv[1:]
    try:
        usage = measure(command, cwd=Path.cwd(), environment=os.environ, timeout=float(seconds))
    except ProcessFailed as error:
        print(error, file=sys.stderr)
        return 1
    Path(answer).write_text(json.dumps(dataclasses.asdict(usage)), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

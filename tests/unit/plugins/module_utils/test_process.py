# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Settings of a whole process."""

from __future__ import annotations

import ctypes
import subprocess
import sys

import pytest

HAS_POOLS = hasattr(ctypes.CDLL(None), "mallopt") and hasattr(ctypes.CDLL(None), "malloc_info")

COUNT_POOLS = """
import ctypes, threading
from ansible_collections.tenantvault.m365_backup.plugins.module_utils._process import limit_memory_pools
if {limited}:
    limit_memory_pools()
libc = ctypes.CDLL(None)
libc.malloc.restype = libc.fdopen.restype = ctypes.c_void_p
threads = [threading.Thread(target=lambda: (barrier.wait(), libc.malloc(1000), barrier.wait())) for number in range(16)]
barrier = threading.Barrier(16)
for thread in threads: thread.start()
for thread in threads: thread.join()
stream = ctypes.c_void_p(libc.fdopen(1, b"w"))
libc.malloc_info(0, stream)
libc.fflush(stream)
"""


def pools(*, limited: bool) -> int:
    report = subprocess.run(
        [sys.executable, "-c", COUNT_POOLS.format(limited=limited)], check=True, capture_output=True, text=True, timeout=60
    )
    return report.stdout.count("<heap nr=")


@pytest.mark.skipif(not HAS_POOLS, reason="this C library has no pools to limit")
def test_threads_share_one_pool_of_memory() -> None:
    assert pools(limited=True) == 1 < pools(limited=False)

# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the place of clamd is declared."""

from __future__ import annotations

import pytest

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.scan.clamd_address import Address, parse_address
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.scan.scanner import ScannerUnusable


@pytest.mark.parametrize(
    ("text", "address", "local"),
    [
        ("/run/clamav/clamd.ctl", Address("/run/clamav/clamd.ctl", path="/run/clamav/clamd.ctl"), True),
        ("tcp://av.example.com:3310", Address("tcp://av.example.com:3310", host="av.example.com", port=3310), False),
        ("tcp://127.0.0.1:3310/", Address("tcp://127.0.0.1:3310/", host="127.0.0.1", port=3310), True),
        ("tcp://[::1]:3310", Address("tcp://[::1]:3310", host="::1", port=3310), True),
        ("tcp://[2001:db8::5]:3310", Address("tcp://[2001:db8::5]:3310", host="2001:db8::5", port=3310), False),
    ],
)
def test_a_socket_is_a_path_or_a_host_with_a_port(text: str, address: Address, local: bool) -> None:
    assert parse_address(text) == address
    assert parse_address(text).is_local is local


@pytest.mark.parametrize(
    "text", ["", "clamd.ctl", "tcp://host", "tcp://host:0", "tcp://host:70000", "tcp://::1:3310", "http://host:3310", "tcp://:1"]
)
def test_anything_else_is_refused_with_its_own_words(text: str) -> None:
    with pytest.raises(ScannerUnusable) as caught:
        parse_address(text)
    assert repr(text) in caught.value.what

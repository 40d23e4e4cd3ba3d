# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which folders count as lying on a disk of this machine."""

from __future__ import annotations

import pytest

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.mounts import is_on_local_disk, type_of_device

MOUNTS = (
    "27 1 254:0 / / rw,relatime - ext4 /dev/vda rw",
    "22 27 0:21 / /proc rw,relatime - proc proc rw",
    "31 27 0:40 / /mnt/far\\040away rw,relatime shared:7 - nfs4 server:/backups rw,vers=4.2",
    "no line of this kind",
)


@pytest.mark.parametrize(("device", "wanted"), [((254, 0), "ext4"), ((0, 40), "nfs4"), ((254, 1), ""), ((0, 4), "")])
def test_the_type_of_a_file_system_is_found_by_its_device(device: tuple[int, int], wanted: str) -> None:
    assert type_of_device(MOUNTS, *device) == wanted


@pytest.mark.parametrize("folder", ["/proc/self", "/no/such/folder"])
def test_a_folder_on_no_disk_or_that_is_not_there_does_not_count_as_local(folder: str) -> None:
    assert not is_on_local_disk(folder)

# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which messages may have attachments that are links: those that link to a cloud drive, however their text is written."""

from __future__ import annotations

import base64
import quopri

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.backup.mail_bodies import has_cloud_link

LINKS = st.sampled_from([b"https://contoso-my.sharepoint.com/:x:/p/a", b"https://1drv.ms/u/x"])


@given(before=st.binary(max_size=200), link=LINKS, after=st.binary(max_size=50))
def test_a_link_is_found_in_base64_wherever_it_stands(before: bytes, link: bytes, after: bytes) -> None:
    assert has_cloud_link(b"\r\n".join(base64.encodebytes(before + link + after).splitlines()))


@given(before=st.text(max_size=200), link=LINKS)
def test_a_link_is_found_in_quoted_printable_wherever_it_stands(before: str, link: bytes) -> None:
    text = quopri.encodestring(before.encode("utf-8", "replace") + link)
    assert has_cloud_link(text.replace(b"\n", b"\r\n"))


@pytest.mark.parametrize("text", [b"", b"no link", b"https://example.com/", base64.b64encode(b"https://example.com/" * 50)])
def test_other_texts_have_none(text: bytes) -> None:
    assert not has_cloud_link(text)

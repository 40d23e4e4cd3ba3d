# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import contextlib
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository import compression
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.crypto import OVERHEAD, KeyMaterial, SealingKey
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.errors import Malformed
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.repository.polynomial import (
    DEGREE,
    is_irreducible,
    random_irreducible,
)

KEY = SealingKey(KeyMaterial.from_bytes(bytes(range(64))))


@given(st.binary(max_size=5000))
def test_what_was_sealed_opens(plain: bytes) -> None:
    sealed = KEY.seal(plain)
    assert len(sealed) == len(plain) + OVERHEAD
    assert KEY.open(sealed) == plain


@given(st.lists(st.binary(max_size=100), max_size=5))
def test_what_was_sealed_before_makes_no_difference(plains: list[bytes]) -> None:
    sealed = [KEY.seal(plain) for plain in plains]
    assert [SealingKey(KeyMaterial.from_bytes(bytes(range(64)))).open(one) for one in sealed] == plains


@given(st.binary(max_size=300), st.data())
def test_a_single_flipped_bit_is_detected(plain: bytes, data: st.DataObject) -> None:
    sealed = bytearray(KEY.seal(plain))
    sealed[data.draw(st.integers(0, len(sealed) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(Malformed, match="authentication"):
        KEY.open(bytes(sealed))


@given(st.binary(max_size=300), st.data())
def test_truncated_data_is_detected(plain: bytes, data: st.DataObject) -> None:
    sealed = KEY.seal(plain)
    with pytest.raises(Malformed):
        KEY.open(sealed[: data.draw(st.integers(0, len(sealed) - 1))])


def test_another_key_opens_nothing() -> None:
    with pytest.raises(Malformed):
        SealingKey(KeyMaterial.random()).open(KEY.seal(b"secret"))


def test_the_same_data_never_looks_the_same() -> None:
    assert KEY.seal(b"secret") != KEY.seal(b"secret")


@pytest.mark.parametrize(
    ("message", "mac_r", "mac_k", "nonce", "tag"),
    [
        (
            "f3f6",
            "851fc40c3467ac0be05cc20404f3f700",
            "ec074c835580741701425b623235add6",
            "fb447350c4e868c52ac3275cf9d4327e",
            "f4c633c3044fc145f84f335cb81953de",
        ),
        (
            "",
            "a0f3080000f46400d0c7e9076c834403",
            "75deaa25c09f208e1dc4ce6b5cad3fbf",
            "61ee09218d29b0aaed7e154a2c5509cc",
            "dd3fab2251f11ac759f0887129cc2ee7",
        ),
    ],
)
def test_tags_are_those_of_the_paper_on_poly1305_aes(message: str, mac_r: str, mac_k: str, nonce: str, tag: str) -> None:
    key = SealingKey(KeyMaterial(bytes(32), bytes.fromhex(mac_k), bytes.fromhex(mac_r)))
    assert key._tag(bytes.fromhex(nonce), bytes.fromhex(message)).hex() == tag


def test_secrets_do_not_show() -> None:
    material = KeyMaterial.from_bytes(b"A" * 64)
    assert "AAAA" not in repr(material)
    assert "AAAA" not in repr(SealingKey(material))


@given(st.binary(min_size=1, max_size=5000))
def test_compressed_data_comes_back(data: bytes) -> None:
    assert compression.decompress(compression.compress(data), len(data)) == data


def test_a_decompression_bomb_is_refused() -> None:
    bomb = compression.compress(bytes(50_000_000))
    assert len(bomb) < 10_000
    with pytest.raises(Malformed, match="50,000,000"):
        compression.decompress(bomb, 1_000_000)


@given(st.binary(max_size=200))
def test_decompressing_anything_answers_or_refuses(data: bytes) -> None:
    with contextlib.suppress(Malformed):
        assert len(compression.decompress(data, 1000)) <= 1000


@pytest.mark.parametrize("polynomial", [0x25B468838DCB75, 0x3DA3358B4DC173])
def test_polynomials_of_restic_are_irreducible(polynomial: int) -> None:
    assert is_irreducible(polynomial)


@given(st.integers(2, (1 << 27) - 1))
def test_products_are_reducible(factor: int) -> None:
    product, other = 0, 1 << (DEGREE + 1 - factor.bit_length()) | 1
    for bit in range(factor.bit_length()):
        if factor >> bit & 1:
            product ^= other << bit
    assert product.bit_length() == DEGREE + 1
    assert not is_irreducible(product)


def test_random_polynomials_are_irreducible_and_differ() -> None:
    first, second = random_irreducible(os.urandom), random_irreducible(os.urandom)
    assert is_irreducible(first)
    assert is_irreducible(second)
    assert first != second

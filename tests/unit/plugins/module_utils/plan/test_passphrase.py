# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import base64
import random
import re
import secrets
import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.tenantvault.m365_backup.plugins.module_utils._errors import InputError
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.passphrase import (
    MINIMUM_FRESH,
    MINIMUM_LENGTH,
    UNENCRYPTED_PASSPHRASE,
    check_new_passphrase,
    check_passphrase,
)
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.predictability import Kind, measure
from ansible_collections.tenantvault.m365_backup.plugins.module_utils.plan.recovery_key import generate_recovery_key

# Words such as those in lists for dice.
WORDS = re.findall(
    r"[a-z]+",
    """
    abacus ability absently acid acorn acrobat afloat aging ahead algebra alibi almanac amber amuse anvil apple aroma atlas avocado
    bagel balmy banjo barrel basil beaver blanket blender bobcat boil bonfire bottle breeze brick bubble bucket bunny cabin cactus
    canary candle canyon cargo cement chatter chess cider citizen clamp clover cobalt cosmic cradle crayon cushion daily dancer
    decaf denim dinner dizzy dolphin donut drizzle drum duvet eagle eclair elbow ember enigma envoy exhale fabric falcon fern fiddle
    flannel flute foam fossil frosting fungus gadget garlic giant glacier gondola gravel grumpy guitar hammock harvest hazelnut
    helmet hermit honey hubcap igloo impish inkwell iron ivory jigsaw jogger juniper kayak kernel kite koala ladder lagoon lantern
    lemon lilac lizard lobster magnet mango marble meadow mitten molar mosaic muffin napkin nectar nimble nugget oasis oboe olive
    onion orbit otter oxygen paddle panther parsley pebble pelican piano pickle plaza plywood polka possum pretzel puddle quail
    quartz quilt rabbit radish raven relish ribbon rocket rubber saddle salsa sandal scarf scuba shrimp siren skillet sleet slogan
    spinach sprout squid stapler sublime sulfur sushi swan tadpole tango tarot thimble thorn tidal toffee trombone tulip turbine
    umbrella unicorn upbeat utensil valley vanilla velvet violin vortex waffle walnut whisker widget wombat xerox yeast yodel zebra
    zeppelin zigzag zucchini
    """,
)


def dice(chance: random.Random, separator: str) -> str:
    """Eight words and more, until they are long enough."""
    words = [chance.choice(WORDS) for _number in range(8)]
    while len(separator.join(words)) < MINIMUM_LENGTH:
        words.append(chance.choice(WORDS))
    return separator.join(words)


def from_alphabet(alphabet: str, length: int = MINIMUM_LENGTH) -> st.SearchStrategy[str]:
    return st.randoms(use_true_random=True).map(lambda chance: "".join(chance.choices(alphabet, k=length)))


TRUE_CHANCE = st.randoms(use_true_random=True)
GENERATORS = {
    "openssl rand -base64 45": TRUE_CHANCE.map(lambda chance: base64.b64encode(chance.randbytes(45)).decode()),
    "openssl rand -hex 23": TRUE_CHANCE.map(lambda chance: chance.randbytes(23).hex()),
    "secrets.token_urlsafe(34)": TRUE_CHANCE.map(lambda chance: base64.urlsafe_b64encode(chance.randbytes(34)).decode().rstrip("=")),
    "lookup password": from_alphabet(string.ascii_letters + string.digits + ".,:-_"),
    "small letters": from_alphabet(string.ascii_lowercase),
    "digits": from_alphabet(string.digits),
    "dice with blanks": TRUE_CHANCE.map(lambda chance: dice(chance, " ")),
    "dice with hyphens": TRUE_CHANCE.map(lambda chance: dice(chance, "-")),
    "recovery key": TRUE_CHANCE.map(lambda chance: generate_recovery_key(chance.randbytes)),
}


@pytest.mark.parametrize("name", GENERATORS)
def test_what_a_generator_makes_is_never_refused(name: str) -> None:
    @settings(max_examples=500)
    @given(GENERATORS[name])
    def never_refused(passphrase: str) -> None:
        check_new_passphrase(passphrase)

    never_refused()


@pytest.mark.parametrize(
    "passphrase",
    [
        "Der alte Kühlschrank summt, während Großmutter Äpfel schält.",
        "Вчера вечером мы долго искали зелёный зонтик под столом",
        "昨日の夕方、古い駅の前で赤い傘を持った猫が静かに雨の止むのを待っていたので私は切符を買わずに歩いて帰った",
        "Ο γείτονας ξέχασε πάλι τα κλειδιά του μέσα στο ψυγείο",
        "a passphrase of the tests that is long enough to be one",
    ],
)
def test_a_sentence_of_real_length_is_taken(passphrase: str) -> None:
    check_new_passphrase(passphrase)


GUESSABLE = [
    ("x" * 60, Kind.REPETITION),
    ("abc" * 20, Kind.REPETITION),
    ("password" * 7, Kind.REPETITION),
    ("Hunter2!" * 8, Kind.REPETITION),
    ("drowsy shark krahs yswordrowsy shark krahs yswordrowsy shark", Kind.REPETITION),
    ("Tr0ub4dor&3" + "." * 40, Kind.REPETITION),
    ("!1" * 20 + "My only good part" + "!1" * 20, Kind.REPETITION),
    ("abcdefghijklmnopqrstuvwxyz" + "zyxwvutsrqponmlkjihgfedcba", Kind.SEQUENCE),
    ("a1b2c3d4e5f6g7h8i9j0k1l2m3n4o5p6q7r8s9t0u1v2w3x4", Kind.SEQUENCE),
    ("Summer2021!Summer2022!Summer2023!Summer2024!Summer2025!", Kind.SEQUENCE),
    ("1234567890" * 5, Kind.REPETITION),
    ("qwertyuiopasdfghjklzxcvbnm1234567890poiuytrewqlkjhgfdsa", Kind.KEYBOARD),
    ("qwertzuiopü+asdfghjklöä#yxcvbnm,.-1234567890qwertzuiop", Kind.KEYBOARD),
    ("azertyuiopqsdfghjklmwxcvbn,;:!azertyuiopqsdfghjklm", Kind.KEYBOARD),
    ("1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik,9ol.0p!@#$%^&*()", Kind.KEYBOARD),
    ("correct horse battery staple password letmein iloveyou", Kind.KNOWN),
]


@pytest.mark.parametrize(("passphrase", "kind"), GUESSABLE)
def test_what_can_be_guessed_is_refused_with_the_reason_and_a_way_to_make_a_good_one(passphrase: str, kind: Kind) -> None:
    with pytest.raises(InputError, match="can be guessed") as raised:
        check_new_passphrase(passphrase)
    assert kind.value in raised.value.what
    assert "openssl rand" in raised.value.hint
    assert "lookup('ansible.builtin.password'" in raised.value.hint


def test_the_published_passphrase_protects_no_new_repository() -> None:
    with pytest.raises(InputError, match="published"):
        check_new_passphrase(UNENCRYPTED_PASSPHRASE)


@given(st.text(alphabet="ążŠ§Ø", min_size=1, max_size=6).map(lambda part: (part * 45)[:60]))
def test_a_refusal_shows_no_part_of_the_passphrase(passphrase: str) -> None:
    with pytest.raises(InputError) as raised:
        check_new_passphrase(passphrase)
    assert not any(character in str(raised.value) for character in passphrase)


@pytest.mark.parametrize("passphrase", ["x" * MINIMUM_LENGTH, "password" * 6])
def test_a_repository_that_exists_is_opened_with_the_passphrase_that_it_has(passphrase: str) -> None:
    check_passphrase(passphrase)


@pytest.mark.parametrize("check", [check_passphrase, check_new_passphrase])
def test_44_characters_are_too_few_however_random_they_are(check: object) -> None:
    assert callable(check)
    with pytest.raises(InputError, match="has 44 characters"):
        check(secrets.token_urlsafe(33))


@given(st.text(max_size=80), st.text(max_size=20))
def test_nothing_gets_better_than_its_characters_or_worse_by_more_of_them(text: str, more: str) -> None:
    text, more = text.casefold(), more.casefold()
    fresh = measure(text).fresh
    assert fresh <= len(text)
    assert fresh <= measure(text + more).fresh


@given(st.text(min_size=1, max_size=40), st.integers(min_value=2, max_value=6))
def test_repeating_a_text_is_worth_next_to_nothing(text: str, times: int) -> None:
    assert measure(text * times).fresh <= measure(text).fresh + 3


@given(GENERATORS["openssl rand -base64 45"])
def test_measuring_stops_where_it_is_enough(passphrase: str) -> None:
    assert measure(passphrase, MINIMUM_FRESH).fresh >= MINIMUM_FRESH
    assert measure(passphrase).fresh >= measure(passphrase, MINIMUM_FRESH).fresh

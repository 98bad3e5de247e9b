# ruff: noqa: E501
"""Normalization and hashing: every vector of the platforms' own pages, literally, and the laws."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.export.destinations.data_manager import user_identifiers
from functions.export.payload import countries
from functions.export.payload import identifiers as ids
from tests.destinations.harness import sample_row

# What each platform must receive for what a form may hold. "official" vectors are printed on the
# platform's own page or in its own library's tests.
EMAILS = [
    ("  John.Smith@Example.com ", "google", "8e621e3d0368631d263d07a351fa8d34fba0d17c15fbcdec11a5f58008d022a0"),
    ("  John.Smith@Example.com ", "plain", "8e621e3d0368631d263d07a351fa8d34fba0d17c15fbcdec11a5f58008d022a0"),
    ("John_Smith@gmail.com", "google", "62a14e44f765419d10fea99367361a727c12365e2520f32218d505ed9aa0f62f"),
    ("John_Smith@gmail.com", "plain", "62a14e44f765419d10fea99367361a727c12365e2520f32218d505ed9aa0f62f"),
    ("alexz@example.com", "google", "509e933019bb285a134a9334b8bb679dff79d0ce023d529af4bd744d47b4fd8a"),
    ("mary@example.com", "plain", "f1904cf1a9d73a55fa5de0ac823c4403ded71afd4c3248d00bdcd0866552bb79"),
    ("Cloudy.SanFrancisco+shopping@Gmail.com", "google", "223ebda6f6889b1494551ba902d9d381daf2f642bae055888e96343d53e9f9c4"),
    ("Cloudy.SanFrancisco+shopping@Gmail.com", "plain", "8dd4a9bf850242873c14976125edabc35096192b784626a5641a7d2de56e3c1e"),
    ("user.name+NYC@Example.com", "google", "f109a2a632fbcea5fc82049f50beed3d8621bf9034399f437fb622222acccdac"),
    ("user.name+NYC@Example.com", "plain", "f109a2a632fbcea5fc82049f50beed3d8621bf9034399f437fb622222acccdac"),
    ("Jane.Doe@GoogleMail.com", "google", "338abf9ef1c8793cadc7bcf51ed595338eb727ed9e06ce3d91d566d60b975937"),
    ("Jane.Doe@GoogleMail.com", "plain", "9c2764e1af636435a4bcf2a98733aeb0e027d6e78855043310150e99d73d3440"),
]  # fmt: skip
PHONES = [
    ("(650)555-1212", "US", False, "e323ec626319ca94ee8bff2e4c87cf613be6ea19919ed1364124e16807ab3176"),
    ("(650)555-1212", "US", True, "1e231c66011e7a2d867a9cfae267a6aff103cf4913640b6e71a99850fc0ffbc8"),
    ("+1 800-555-0100", None, True, "fb4f73a6ec5fdb7077d564cdd22c3554b43ce49168550c3b12c547b78c517b30"),
    ("+1 800-555-0100", None, False, "92cfdc5fbcd4a20fbe5d3857af6c1aba31762105bba7f21a17155e920653046c"),
    ("+44 113 496 0987", None, True, "0fac52d27ec377f8ad2f9de75d1f9bace693237e31868ae6f4616b8bbd0e94fb"),
    ("+44 113 496 0987", None, False, "0d0bdab1b69302da54eab62fafae55faadba503c4a51b870a57a34959d645be9"),
    ("0049 30 123456", None, True, "a909469fabf3f43d0b7b6c42a85a6e7e8ceb36c7a2f0f1b9c15b80dc16384cb7"),
    ("+49 (0)30 123456", None, True, "a909469fabf3f43d0b7b6c42a85a6e7e8ceb36c7a2f0f1b9c15b80dc16384cb7"),
    ("0049 30 123456", None, False, "ac75546db905289f50bd750fd5648fec0719074ce391521b2372abeae9110668"),
    ("+49 (0)30 123456", None, False, "ac75546db905289f50bd750fd5648fec0719074ce391521b2372abeae9110668"),
]  # fmt: skip
NAMES = [
    (ids.name, "  MARY ", "6915771be1c5aa0c886870b6951b03d7eafc121fea0e80a5ea83beb7c449f4ec"),
    (ids.google_name, "  MARY ", "6915771be1c5aa0c886870b6951b03d7eafc121fea0e80a5ea83beb7c449f4ec"),
    (ids.name, "Valéry", "08e1996b5dd49e62a4b4c010d44e4345592a863bb9f8e3976219bac29417149c"),
    (ids.name, "Vale\N{COMBINING ACUTE ACCENT}ry", "08e1996b5dd49e62a4b4c010d44e4345592a863bb9f8e3976219bac29417149c"),
    (ids.name, "정", "8fa8cd9c440be61d0151429310034083132b35975c4bea67fdd74158eb51db14"),
    (ids.name, "O'Brien", "b4cb6cb33fe4b865868de825023a1e2790dc12ac01ecc8d7c5afe8254071c8ba"),
    (ids.google_name, "O'Brien", "b4cb6cb33fe4b865868de825023a1e2790dc12ac01ecc8d7c5afe8254071c8ba"),
    (ids.google_name, "Mary Ann", "16b3f07f0ec2f9dd127b71dc2e6c791b7d93116a1c3bc99d057eaa7a8a077e73"),
    (ids.name, "Mary Ann", "343b97011010c3549fe7fcd6c226ed9431ea37b0b77ed78f6300a0098925faf1"),
    (ids.google_name, "Mrs. Mary Ann", "16b3f07f0ec2f9dd127b71dc2e6c791b7d93116a1c3bc99d057eaa7a8a077e73"),
    (ids.place, "New York", "350c754ba4d38897693aa077ef43072a859d23f613443133fecbbd90a3512ca5"),
    (ids.place, "CA", "6959097001d10501ac7d54c0bdb8db61420f658f2922cc26e46d536119a31126"),
    (ids.postal_code, "94035-1234", "1794327a4d443904421f5ca1f3d72d0a62ba2f0770d80755ec2220fc0efb052e"),
    (ids.postal_code, "M1 1AE", "1dc694c2070e697769fb959b50671d76cafd430d8ca191fbdd0affcaea344ac5"),
    (ids.country_code, "US", "79adb2a2fce5c6ba215fe5f27f532d4e7edbac4b6a5e09e1ef3a08084a904621"),
    (lambda raw: ids.country_code(countries.code(raw)), "United States", "79adb2a2fce5c6ba215fe5f27f532d4e7edbac4b6a5e09e1ef3a08084a904621"),
    (ids.birth_date, "2/16/1997", "01acdbf6ec7b4f478a225f1a246e5d6767eeab1a7ffa17f025265b5b94f40f0c"),
    (ids.birth_date, "1997-02-16", "01acdbf6ec7b4f478a225f1a246e5d6767eeab1a7ffa17f025265b5b94f40f0c"),
    (ids.birth_date, "19970216", "01acdbf6ec7b4f478a225f1a246e5d6767eeab1a7ffa17f025265b5b94f40f0c"),
]  # fmt: skip


@pytest.mark.parametrize(("raw", "profile", "expected"), EMAILS)
def test_an_email_hashes_as_the_platform_documents(
    raw: str, profile: ids.Profile, expected: str
) -> None:
    assert ids.email(raw, profile) == expected


@pytest.mark.parametrize(("raw", "country", "plus", "expected"), PHONES)
def test_a_phone_number_hashes_as_the_platform_documents(
    raw: str, country: str | None, plus: bool, expected: str
) -> None:
    assert ids.phone(raw, country, plus=plus) == expected


@pytest.mark.parametrize(("normalize", "raw", "expected"), NAMES)
def test_a_name_or_place_hashes_as_the_platform_documents(
    normalize: Callable[[str], str | None], raw: str, expected: str
) -> None:
    assert normalize(raw) == expected


def test_microsoft_wants_the_mailbox_without_dots_and_alias() -> None:
    assert ids.email("John.Smith+news@Example.com", "microsoft") == ids.sha256(
        "johnsmith@example.com"
    )


@pytest.mark.parametrize(
    "raw",
    [
        *("", "   ", "not an address", "@example.com", "a@", "a@b@c"),
        *("undefined@undefined", "null@null", "none@none.com", "N/A"),
    ],
)
@pytest.mark.parametrize("profile", ["google", "plain", "microsoft"])
def test_what_is_no_email_is_dropped(raw: str, profile: ids.Profile) -> None:
    assert ids.email(raw, profile) is None


@pytest.mark.parametrize(
    "raw",
    [
        *("mailto:Mary@example.com", "<mary@Example.com>", "Mary Poppins <mary@example.com>"),
        *("'mary@example.com'", '"mary@example.com"', "(mary@example.com)", "mary@example.com."),
        *("mary@example.com;", "\u200bmary@example.com\ufeff", "mary@\u200bexample.com"),
        *("mary@example.com\x00", "mailto:mary@example.com?subject=Hello"),
        *("mary%40example.com", "Mary%40Example.com "),
    ],
)
def test_an_address_out_of_a_link_is_the_address(raw: str) -> None:
    assert ids.email(raw) == ids.email("mary@example.com")


@pytest.mark.parametrize(
    ("region", "code"),
    [("US-CA", "ca"), ("Ca.", "ca"), ("Washington, D.C.", "dc"), ("U.S. Virgin Islands", "vi")],
)
def test_a_us_state_is_known_however_it_is_punctuated(region: str, code: str) -> None:
    assert ids.state(region, "US") == ids.sha256(code)


@pytest.mark.parametrize(("country", "code"), [("U.K.", "GB"), ("U.S.A.", "US"), ("u.s.", "US")])
def test_a_country_is_known_with_its_points(country: str, code: str) -> None:
    assert countries.code(country) == code


def test_a_gmail_address_that_is_all_alias_is_dropped() -> None:
    assert ids.email("+spam@gmail.com", "google") is None
    assert ids.email("+spam@example.com", "microsoft") is None


@pytest.mark.parametrize("raw", ["030 123456", "call me", "", "+999 12345678", "+49"])
def test_a_number_without_a_known_country_is_dropped_not_guessed(raw: str) -> None:
    assert ids.phone(raw, None) is None


def test_nothing_is_hashed_twice() -> None:
    digest = ids.email("mary@example.com")
    assert digest
    assert ids.email(digest) == digest
    assert ids.phone(digest.upper(), "US") == digest
    assert ids.external_id(digest) == digest


GOOGLE_EMAILS = [
    ("QuinnY@EXAMPLE.com", "quinny@example.com"),
    ("Jefferson.Loves.hiking@gmail.com", "jeffersonloveshiking@gmail.com"),
    ("Jefferson.LOVES.Hiking@googlemail.com", "jeffersonloveshiking@googlemail.com"),
    ("Cloudy.SanFrancisco+shopping@googlemail.com", "cloudysanfrancisco@googlemail.com"),
    ("user.name+NYC@Example.com", "user.name+nyc@example.com"),
    ("  ALEXZ@example.com   ", "alexz@example.com"),
    ("quinn", None),
    (" @googlemail.com", None),
    (" ...@gmail.com", None),
    ("  ", None),
]
"""Vectors of Google's own formatter (googleads/data-manager-python, tests/formatter_test.py)."""


@pytest.mark.parametrize(("raw", "normalized"), GOOGLE_EMAILS)
def test_googles_formatter_says_the_same_of_emails(raw: str, normalized: str | None) -> None:
    assert ids.email(raw, "google") == (normalized and ids.sha256(normalized))


GOOGLE_PHONES = [
    ("1 800 555 0100", "US", "+18005550100"),
    ("18005550100", "US", "+18005550100"),
    ("+1 800-555-0100", None, "+18005550100"),
    ("441134960987", "GB", "+441134960987"),
    ("+44-113-496-0987", None, "+441134960987"),
    # Google's formatter reads these without a country; we do not, as any digits would then pass
    # for a foreign number (reference: libphonenumber, is_valid_number)
    ("441134960987", None, None),
    ("1 800 555 0100", None, None),
]


@pytest.mark.parametrize(("raw", "country", "number"), GOOGLE_PHONES)
def test_googles_formatter_says_the_same_of_phones_with_a_country(
    raw: str, country: str | None, number: str | None
) -> None:
    assert ids.phone(raw, country) == (number and ids.sha256(number))


def test_googles_formatter_says_the_same_of_names() -> None:
    for raw in ("Givenname", "  GivenName  "):
        assert ids.google_name(raw) == ids.sha256("givenname")


FACEBOOK = [
    (ids.place, "San Francisco", "sanfrancisco"),
    (ids.place, "St. Albans", "stalbans"),
    (ids.postal_code, "94035-1234", "94035"),
    (ids.postal_code, "M1 1AE", "m11ae"),
    # facebook-business cuts at the first dash, which Meta's page asks of US codes only
    (lambda raw: ids.postal_code(raw, "BR"), "01310-100", "01310100"),
    (lambda raw: ids.state(raw, "US"), "California", "ca"),
    (lambda raw: ids.state(raw, "US"), "CA", "ca"),
    (lambda raw: ids.state(raw, "US"), "new  york", "ny"),
    (lambda raw: ids.state(raw, "DE"), "Nordrhein-Westfalen", "nordrheinwestfalen"),
    (lambda raw: ids.state(raw, None), "ca", "ca"),
    (lambda raw: ids.state(raw, None), "Bayern", None),
]
"""What facebook-business's normalizer makes of the same text, but where Meta's page of 2026-01-09
says otherwise (the SDK shortens no state)."""


@pytest.mark.parametrize(("normalize", "raw", "normalized"), FACEBOOK)
def test_facebooks_normalizer_and_page_say_the_same_of_places(
    normalize: Callable[[str], str | None], raw: str, normalized: str | None
) -> None:
    assert normalize(raw) == (normalized and ids.sha256(normalized))


@pytest.mark.parametrize("raw", ["(not set)", "undefined", "N/A", " null ", "-", "None"])
def test_a_text_that_stands_for_nothing_is_nothing(raw: str) -> None:
    assert ids.name(raw) is None
    assert ids.external_id(raw) is None
    assert ids.click_id(raw) is None


@pytest.mark.parametrize(
    "raw",
    [
        *("%28not%20set%29", "%2528not%2520set%2529", "{gclid}", "{{fbclid}}", "%7Bmsclkid%7D"),
        *("__CLICKID__", "[gclid]", "%%CLICK_ID%%", "undefined,undefined", "Cj0 KC", "<gclid>"),
        *("https://shop.example/?gclid=Cj0KCQ", "Cj0KCQ&utm_source=x", "gclid=Cj0KCQ", "%GG"),
    ],
)
def test_what_an_advert_left_unfilled_or_a_link_broke_is_no_click_id(raw: str) -> None:
    assert ids.click_id(raw) is None


@pytest.mark.parametrize(
    "raw",
    [
        *("Cj0KCQiA-abc_DEF", "E.C.P.CrcBmQ1x-_w", "IwAR2F4-dbP0l7Mn1IawQQGCINEz7PYX_aem_Ad9x"),
        *("2f5c9b1e4d7a4c3b8f6e0d1c2b3a4958", "6c8a0d5e-5b7f-4f63-9f0e-1f2d3c4b5a69", "EAIaIQ=="),
    ],
)
def test_click_ids_stay_as_the_platforms_gave_them(raw: str) -> None:
    assert ids.click_id(f" \u200b{raw}\n") == ids.click_id(quote(raw, safe="")) == raw


def test_a_click_id_loses_the_percent_signs_of_its_address() -> None:
    assert ids.click_id("Cj0KCQ%2Dab%5Fc") == "Cj0KCQ-ab_c"
    assert ids.click_id("Cj0KCQ%252Dab%255Fc") == "Cj0KCQ-ab_c"


@pytest.mark.parametrize(
    "raw",
    ["13/13/1997", "yesterday", "1997", "2/16/97", "97-02-16", "", "99999999999-1-1", "9" * 5_000],
)
def test_what_is_no_birth_date_is_dropped(raw: str) -> None:
    assert ids.birth_date(raw) is None


@pytest.mark.parametrize("raw", ["", None, "...", "  "])
def test_an_empty_name_leaves_nothing_to_send(raw: str | None) -> None:
    assert ids.name(raw) is None
    assert ids.google_name(raw) is None
    assert ids.place(raw) is None


def test_a_click_id_becomes_the_cookie_value_with_its_own_time_and_case() -> None:
    clicked = datetime(2026, 11, 1, 12, tzinfo=UTC)
    assert ids.facebook_click(None, "AbC123", clicked) == "fb.1.1793534400000.AbC123"
    assert ids.facebook_click("fb.1.1793534400000.x", "AbC", clicked) == ("fb.1.1793534400000.x")
    assert ids.facebook_click(None, "AbC123", None) is None
    assert ids.facebook_click(None, None, clicked) is None
    assert ids.facebook_click("cut off", "AbC123", clicked) == "fb.1.1793534400000.AbC123"


def test_a_hash_with_space_around_it_is_not_hashed_again() -> None:
    digest = ids.sha256("mary")
    assert ids.external_id(f" {digest}\n") == ids.google_name(f"{digest} ") == digest


@given(st.text(max_size=40), st.sampled_from(["google", "plain", "microsoft"]))
def test_normalizing_is_idempotent_and_ignores_case_and_outer_space(
    raw: str, profile: ids.Profile
) -> None:
    first = ids.email(f"{raw}@example.com", profile)
    assert ids.email(f"  {raw}@EXAMPLE.com ", profile) == first
    assert first is None or ids.email(first, profile) == first


@pytest.mark.parametrize(
    ("raw", "kept"),
    [
        ("203.0.113.7", "203.0.113.7"),
        (" 203.0.113.7, 10.0.0.1", "203.0.113.7"),
        ("2001:db8::1", "2001:db8::1"),
        ("::ffff:203.0.113.7", "::ffff:203.0.113.7"),
        ("unknown", None),
        ("203.0.113.7:443 via proxy", None),
        ("203.0.113.7:8080", "203.0.113.7"),
        ("[2001:db8::1]:443", "2001:db8::1"),
        ("10.0.0.1, 203.0.113.7", "203.0.113.7"),
        ("999.999.999.999", None),
        ("1.2.3", None),
        ("abc", None),
        ("10.1.2.3", None),
        ("192.168.1.5", None),
        ("172.20.0.1", None),
        ("100.64.1.1", None),
        ("127.0.0.1", None),
        ("::1", None),
        ("::ffff:10.0.0.1", None),
        ("fd00::1", None),
        ("fe80::1%eth0", None),
        ("0.0.0.0", None),
        ("255.255.255.255", None),
        ("a" * 64, None),
        ("", None),
        (None, None),
    ],
)
def test_what_is_no_address_of_a_browser_is_not_sent(raw: str | None, kept: str | None) -> None:
    assert ids.ip_address(raw) == kept


@pytest.mark.parametrize("code", ["M1 1AE", "10115", "12345-6789", "D02 AF30", "1234 AB"])
def test_a_postal_code_is_told_to_google(code: str) -> None:
    kinds = [next(iter(each)) for each in user_identifiers(sample_row(postal_code=code), None)]
    assert kinds == ["emailAddress", "phoneNumber", "address"]


@pytest.mark.parametrize("code", ["a" * 64, "Berlin, somewhere", "?", "1", "  "])
def test_what_is_no_postal_code_costs_the_address_and_not_the_person(code: str) -> None:
    kinds = [next(iter(each)) for each in user_identifiers(sample_row(postal_code=code), None)]
    assert kinds == ["emailAddress", "phoneNumber"]

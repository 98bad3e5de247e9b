"""Strangers are kept out: every fault that a token can have, tokens signed by Google's own code."""

from __future__ import annotations

import datetime
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID
from flask import Flask, request
from google.auth import jwt
from google.auth.crypt import es256
from google.auth.crypt import rsa as rsa_crypt

from common.errors import AccessError, RetryableError, UnauthenticatedError
from common.http.identity import USER_TOKEN, Identity, identified, require, role_of
from common.http.tokens import GOOGLE, IDENTITY_AWARE_PROXY, Keys
from common.settings import Settings

AUDIENCE, SERVICE = "client-id.apps", "/projects/12/locations/europe-west1/services/console"
LISTS = {
    "viewers": ("domain:shop.example",),
    "editors": ("Ann@shop.example",),
    "operators": ("robot@shop-conversions.iam.gserviceaccount.com",),
}
OPEN = Settings(project="p", token_audience=AUDIENCE, iap_audience=SERVICE, **LISTS)


def pem(key: Any) -> bytes:
    return bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        )
    )


def certificate(key: rsa.RSAPrivateKey) -> str:
    """A self-signed certificate, as Google publishes its keys."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "federated-signon")])
    day = datetime.datetime(2026, 1, 1)
    built = x509.CertificateBuilder().subject_name(name).issuer_name(name)
    built = built.public_key(key.public_key()).serial_number(1).not_valid_before(day)
    signed = built.not_valid_after(day.replace(year=2036)).sign(key, hashes.SHA256())
    return signed.public_bytes(serialization.Encoding.PEM).decode()


RSA, OTHER_RSA = (rsa.generate_private_key(65537, 2048) for _ in range(2))
EC = ec.generate_private_key(ec.SECP256R1())
PUBLIC = EC.public_key().public_bytes(
    serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
)
PUBLISHED = {
    GOOGLE.certificates: {"g1": certificate(RSA)},
    IDENTITY_AWARE_PROXY.certificates: {"i1": PUBLIC.decode()},
}
GOOGLE_SIGNER = rsa_crypt.RSASigner.from_string(pem(RSA), "g1")  # type: ignore[no-untyped-call]
NEW_SIGNER = rsa_crypt.RSASigner.from_string(pem(RSA), "new")  # type: ignore[no-untyped-call]
STRANGER = rsa_crypt.RSASigner.from_string(pem(OTHER_RSA), "g1")  # type: ignore[no-untyped-call]
IAP_SIGNER = es256.ES256Signer.from_string(pem(EC), "i1")


def signed(claims: Mapping[str, Any], signer: Any = GOOGLE_SIGNER, **header: Any) -> str:
    token = jwt.encode(signer, dict(claims), header=header or None)  # type: ignore[no-untyped-call]
    return str(token.decode())


@dataclass(frozen=True)
class In:
    """A moment so many seconds from when the token is made."""

    seconds: int


def claims_of(**changes: Any) -> dict[str, Any]:
    now = int(time.time())
    shown: dict[str, Any] = {
        "iss": "https://accounts.google.com",
        "aud": AUDIENCE,
        "iat": now - 10,
        "exp": now + 3000,
        "email": "bob@shop.example",
        "email_verified": True,
        "hd": "shop.example",
        "sub": "1",
    }
    shown |= {
        key: now + value.seconds if isinstance(value, In) else value
        for key, value in changes.items()
    }
    return {key: value for key, value in shown.items() if value is not None}


def assertion_of(**changes: Any) -> dict[str, Any]:
    issued = {"iss": "https://cloud.google.com/iap", "aud": SERVICE, "exp": In(500)}
    return claims_of(**{**issued, "email_verified": None, **changes})


def who(headers: dict[str, str], settings: Settings = OPEN, keys: Keys | None = None) -> Identity:
    with Flask("test").test_request_context("/", headers=headers):
        return identified(request, settings, keys or Keys(PUBLISHED.__getitem__))


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@pytest.mark.parametrize(
    ("claims", "role"),
    [
        ({}, "viewer"),
        ({"email": "ann@shop.example"}, "editor"),
        ({"email": "robot@shop-conversions.iam.gserviceaccount.com", "hd": None}, "operator"),
        ({"iss": "accounts.google.com"}, "viewer"),
    ],
)
def test_who_is_on_a_list_gets_its_highest_role(claims: dict[str, Any], role: str) -> None:
    assert who(bearer(signed(claims_of(**claims)))).role == role


@pytest.mark.parametrize(
    "claims",
    [
        {"email": "stranger@gmail.com", "hd": None},
        {"email": "x@evil-project.iam.gserviceaccount.com", "hd": None},
        {"email": "bob@shop.example", "hd": None},
        {"email": "eve@shop.example.evil", "hd": "shop.example.evil"},
        {"email": "eve@evil.example", "hd": "evil.example"},
    ],
)
def test_any_other_account_of_google_is_named_and_kept_out(claims: dict[str, Any]) -> None:
    with pytest.raises(AccessError, match=claims["email"]) as refused:
        who(bearer(signed(claims_of(**claims))))
    assert refused.value.code == "wrong_account"


WRONG = [
    {"iss": "https://evil.example"},
    {"iss": "https://cloud.google.com/iap"},
    {"aud": "another-client"},
    {"aud": ""},
    {"exp": In(-60), "iat": In(-600)},
    {"iat": In(120)},
    {"exp": In(86_400)},
    {"email": None},
    {"email": ""},
    {"email": ["ann@shop.example"]},
    {"email_verified": False},
    {"email_verified": None},
    {"email_verified": "true"},
    {"exp": "tomorrow"},
    {"iat": None},
]


@pytest.mark.parametrize("claims", WRONG, ids=lambda claims: "-".join(claims) or "none")
def test_a_token_with_a_fault_is_refused_with_a_challenge(claims: dict[str, Any]) -> None:
    with pytest.raises(UnauthenticatedError) as refused:
        who(bearer(signed(claims_of(**claims))))
    assert refused.value.code == "bad_token"
    assert refused.value.challenge == 'Bearer error="invalid_token"'


@pytest.mark.parametrize(
    "token",
    [
        signed(claims_of(), STRANGER),
        signed(claims_of(), GOOGLE_SIGNER, alg="none"),
        signed(claims_of(), NEW_SIGNER),
        signed(claims_of(), IAP_SIGNER),
        signed(claims_of())[:-4] + "AAAA",
        signed(claims_of()).rpartition(".")[0] + ".SIGNATURE_REMOVED_BY_GOOGLE",
        "a.b.c",
        "....",
        "é.é.é",
        "x" * 9000,
    ],
    ids="stranger none new iap cut unsigned short dots letters long".split(),
)
def test_what_google_did_not_sign_is_refused(token: str) -> None:
    with pytest.raises(UnauthenticatedError):
        who(bearer(token))


@pytest.mark.parametrize("sent", ["", "Bearer", "Bearer ", "Basic abc", "Token x"])
def test_a_missing_token_is_asked_for(sent: str) -> None:
    with pytest.raises(UnauthenticatedError) as refused:
        who({"Authorization": sent})
    assert (refused.value.code, refused.value.challenge) == ("not_signed_in", "Bearer")


def test_the_consoles_user_is_known_by_the_proxys_assertion_alone() -> None:
    token = signed(assertion_of(email="ann@shop.example"), IAP_SIGNER)
    found = who({USER_TOKEN: token, **bearer(signed(claims_of()))})
    assert found == Identity("ann@shop.example", "editor")
    closed = OPEN.model_copy(update={"token_audience": ""})
    assert who({USER_TOKEN: token}, closed).email == "ann@shop.example"


@pytest.mark.parametrize(
    "claims",
    [{"aud": SERVICE + "2"}, {"exp": In(3000)}, {"iss": "https://accounts.google.com"}],
)
def test_a_wrong_assertion_is_never_passed_over(claims: dict[str, Any]) -> None:
    good = bearer(signed(claims_of()))
    for settings in (OPEN, OPEN.model_copy(update={"iap_audience": ""})):
        with pytest.raises(UnauthenticatedError):
            who({USER_TOKEN: signed(assertion_of(**claims), IAP_SIGNER), **good}, settings)


def test_without_a_list_nobody_enters_an_open_function() -> None:
    nobody = Settings(project="p", token_audience=AUDIENCE)
    with pytest.raises(AccessError):
        who(bearer(signed(claims_of())), nobody)
    domain = nobody.model_copy(update={"token_domain": "shop.example"})
    assert who(bearer(signed(claims_of())), domain).role == "operator"
    with pytest.raises(AccessError):
        who(bearer(signed(claims_of(hd=None))), domain)


def test_behind_the_platform_its_word_counts_and_lists_still_hold() -> None:
    let_in = Settings(project="p")
    token = signed(claims_of()).rpartition(".")[0] + ".SIGNATURE_REMOVED_BY_GOOGLE"
    assert who(bearer(token), let_in) == Identity("bob@shop.example", "operator")
    assert who({}, let_in) == Identity("unknown", "operator")
    listed = Settings(project="p", viewers=("bob@shop.example",))
    assert who(bearer(token), listed).role == "viewer"
    with pytest.raises(AccessError):
        who({}, listed)
    ours = Settings(project="p", token_domain="shop.example")
    assert who(bearer(token), ours).role == "operator"
    with pytest.raises(AccessError):
        who(bearer(signed(claims_of(hd="other.example"))), ours)


def test_a_token_that_the_platform_did_not_look_at_names_nobody() -> None:
    # "If both headers are provided, only the X-Serverless-Authorization header is checked."
    # (docs.cloud.google.com/run/docs/authenticating/service-to-service)
    listed = Settings(project="p", viewers=("bob@shop.example",), operators=("ann@shop.example",))
    own = signed(claims_of()).rpartition(".")[0] + ".SIGNATURE_REMOVED_BY_GOOGLE"
    made_up = signed(claims_of(email="ann@shop.example"), STRANGER)
    sent = {"X-Serverless-Authorization": f"Bearer {own}", **bearer(made_up)}
    assert who(sent, listed) == Identity("bob@shop.example", "viewer")
    assert who({"X-Serverless-Authorization": f"Bearer {own}"}, listed).role == "viewer"
    with pytest.raises(AccessError):
        who({"X-Serverless-Authorization": "Bearer opaque", **bearer(made_up)}, listed)


def test_on_a_machine_of_ones_own_one_is_oneself() -> None:
    assert who({}, Settings(project="p", local_user="you@here")).email == "you@here"
    with pytest.raises(ValueError, match="LOCAL_USER"):
        Settings.from_environment(
            {"CONVERSIONS_PROJECT": "p", "CONVERSIONS_LOCAL_USER": "me", "K_SERVICE": "api"}
        )


def test_keys_are_fetched_once_and_anew_for_one_that_is_not_known() -> None:
    asked: list[str] = []
    clock = [0.0]

    def fetch(address: str) -> Mapping[str, str]:
        asked.append(address)
        return PUBLISHED[address]

    keys = Keys(fetch, lambda: clock[0])
    for _ in range(8):
        who(bearer(signed(claims_of())), keys=keys)
    assert len(asked) == 1
    unknown = bearer(signed(claims_of(), NEW_SIGNER))
    for at, times in ((10.0, 1), (31.0, 2), (40.0, 2), (62.0, 3)):
        clock[0] = at
        with pytest.raises(UnauthenticatedError):
            who(unknown, keys=keys)
        assert len(asked) == times
    clock[0] = 5000.0
    who(bearer(signed(claims_of())), keys=keys)
    assert len(asked) == 4


def test_without_keys_the_answer_is_to_try_again_and_not_each_request_looks_for_them() -> None:
    asked: list[str] = []
    clock = [0.0]

    def down(address: str) -> Mapping[str, str]:
        asked.append(address)
        if clock[0] < 60:
            raise OSError(address)
        return PUBLISHED[address]

    keys = Keys(down, lambda: clock[0])
    for at, times in ((0.0, 1), (1.0, 1), (4.0, 1), (6.0, 2)):
        clock[0] = at
        with pytest.raises(RetryableError) as refused:
            who(bearer(signed(claims_of())), keys=keys)
        assert (refused.value.status, refused.value.code) == (503, "keys_unavailable")
        assert len(asked) == times
    clock[0] = 60.0
    who(bearer(signed(claims_of())), keys=keys)


def test_roles_grow_and_the_refusal_names_account_and_role() -> None:
    viewer, operator = Identity("a@b", "viewer"), Identity("c@d", "operator")
    require(operator, "viewer")
    with pytest.raises(AccessError, match="a@b is a viewer here; this takes an editor"):
        require(viewer, "editor")
    assert not viewer.sees_personal_data
    assert role_of("a@b", "", Settings(project="p", viewers=("domain:",))) is None


def test_the_api_asks_for_each_routes_role() -> None:
    from functions.api.main import answer

    settings = OPEN.model_copy(update={"viewers": ("bob@shop.example",), "editors": ()})

    class Nobody:
        def __init__(self) -> None:
            self.settings = settings

    def ask(verb: str, path: str, **headers: str) -> Any:
        with Flask("test").test_request_context(path, method=verb, headers=headers):
            return answer(request, Nobody(), Keys(PUBLISHED.__getitem__))  # type: ignore[arg-type]

    token = bearer(signed(claims_of()))
    assert json.loads(ask("GET", "/me", **token).data) == {
        "email": "bob@shop.example",
        "role": "viewer",
        "may": {"edit": False, "operate": False, "see_personal_data": False},
    }
    for verb, path in (("PUT", "/conversions/a"), ("POST", "/runs")):
        refused = ask(verb, path, **token)
        assert (refused.status_code, json.loads(refused.data)["code"]) == (403, "role_missing")
    missing = ask("GET", "/conversions")
    assert missing.status_code == 401
    assert missing.headers["WWW-Authenticate"] == "Bearer"

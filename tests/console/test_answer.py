"""The page with its policy, and requests that go on under the identity of whoever sent them."""

from __future__ import annotations

import re
import socket

import pytest
import requests
from google.auth.exceptions import TransportError

from common.errors import RetryableError
from common.http.reading import MAXIMUM_BODY
from common.settings import Settings
from functions.console import forward
from functions.console.forward import ASSERTION, USER_TOKEN, Upstreams, no_token
from tests.console.conftest import OWN_PAGE, Console


def test_each_answer_has_a_nonce_of_its_own_in_page_and_policy(console: Console) -> None:
    first, second = (console.browser().get("/conversions/purchase") for _ in range(2))
    nonces = [re.findall(r'content="([^"]+)"', answer.text)[0] for answer in (first, second)]
    assert nonces[0] != nonces[1]
    policy = first.headers["Content-Security-Policy"]
    assert f"'nonce-{nonces[0]}'" in policy
    assert "unsafe" not in policy
    assert "script-src 'self';" in policy
    assert first.headers["Cache-Control"] == "no-store"


def test_hashed_files_are_kept_for_a_year_and_sent_compressed(console: Console) -> None:
    browser = console.browser()
    asset = browser.get("/assets/index-abc.js", headers={"Accept-Encoding": "gzip"})
    assert "immutable" in asset.headers["Cache-Control"]
    assert asset.headers["Content-Encoding"] == "gzip"
    assert browser.get("/assets/index-abc.js").text == "1"


@pytest.mark.parametrize(
    "path",
    ["/assets/gone.js", "/assets/..%2findex.html", "/assets/.env", "/robots.txt", "/x/../a.js"],
)
def test_what_is_no_file_of_the_page_is_not_found(console: Console, path: str) -> None:
    answer = console.browser().get(path)
    assert answer.status_code == 404
    assert answer.json is not None
    assert answer.json["code"] == "no_such_file"


def test_a_page_that_was_not_built_says_how_to_build_it(console: Console) -> None:
    (console.dist / "index.html").unlink()
    answer = console.browser().get("/")
    assert answer.status_code == 503
    assert answer.json is not None
    assert "make console" in answer.json["fix"]


def test_a_request_goes_on_with_its_query_body_and_version(console: Console) -> None:
    answer = console.browser().put(
        "/api/conversions/a%20b?allow_unknown_event=true&q=%26",
        json={"id": "a"},
        headers={**OWN_PAGE, "If-Match": '"3"', "Cookie": "s=1", "X-Goog-Other": "1"},
    )
    assert answer.status_code == 200
    (received,) = console.upstream.requests
    assert (received.method, received.json) == ("PUT", {"id": "a"})
    assert received.path == "/api/conversions/a%20b?allow_unknown_event=true&q=%26"
    assert received.headers["If-Match"] == '"3"'
    assert received.headers["Content-Type"] == "application/json"
    for dropped in ("Cookie", "X-Goog-Other", "Authorization", USER_TOKEN):
        assert dropped not in received.headers


def test_the_proxys_assertion_goes_along_beside_the_consoles_own_token(console: Console) -> None:
    browser = console.browser(local_user="", token=lambda address: f"for {address}")
    sent = {
        ASSERTION: "signed",
        "Authorization": "Bearer of-the-caller",
        "X-Serverless-Authorization": "Bearer unsigned",
        "X-Goog-Authenticated-User-Email": "accounts.google.com:boss@shop.com",
        USER_TOKEN: "forged",
    }
    assert browser.get("/export-preview/destinations", headers=sent).status_code == 200
    (received,) = console.upstream.requests
    assert received.headers["Authorization"] == f"Bearer for {console.upstream.url}/export-preview"
    assert received.headers.get_all(USER_TOKEN) == ["signed"]
    assert "X-Serverless-Authorization" not in received.headers
    assert "X-Goog-Authenticated-User-Email" not in received.headers


def test_without_the_proxy_nothing_is_forwarded(console: Console) -> None:
    answer = console.browser(local_user="").get("/api/conversions")
    assert answer.status_code == 403
    assert answer.json is not None
    assert answer.json["code"] == "not_signed_in"
    assert not console.upstream.requests


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec-Fetch-Site": "cross-site", "X-Requested-With": "XMLHttpRequest"},
        {"Sec-Fetch-Site": "same-site", "X-Requested-With": "XMLHttpRequest"},
        {"Sec-Fetch-Site": "same-origin"},
        {"Origin": "https://evil.example", "X-Requested-With": "XMLHttpRequest"},
    ],
)
def test_what_another_site_sends_changes_nothing(console: Console, headers: dict[str, str]) -> None:
    answer = console.browser().post("/api/runs", json={}, headers=headers)
    assert answer.status_code == 403
    assert not console.upstream.requests


def test_an_older_browser_names_its_origin(console: Console) -> None:
    headers = {"Origin": "http://localhost", "X-Requested-With": "XMLHttpRequest"}
    assert console.browser().post("/api/runs", json={}, headers=headers).status_code == 200


@pytest.mark.parametrize("path", ["/api//x", "/api/a/../../b", "/api/./x", "/api/a%5cb"])
def test_a_path_that_could_mean_another_is_refused(console: Console, path: str) -> None:
    assert console.browser().get(path).status_code == 400
    assert not console.upstream.requests


def test_a_body_is_read_up_to_its_limit(console: Console) -> None:
    answer = console.browser().post(
        "/validate-sql",
        data=b"x" * (MAXIMUM_BODY + 1),
        headers={**OWN_PAGE, "Content-Type": "text/plain"},
    )
    assert answer.status_code == 413


def test_a_function_that_does_not_answer_is_named(console: Console) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        console.upstream.url = f"http://127.0.0.1:{free.getsockname()[1]}"
    answer = console.browser().get("/api/conversions")
    assert answer.status_code == 503
    assert answer.json is not None
    assert "api" in answer.json["detail"]


def test_every_answer_is_guarded(console: Console) -> None:
    for path in ("/", "/assets/index-abc.js", "/api/conversions", "/nothing.txt"):
        headers = console.browser().get(path).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cross-Origin-Resource-Policy"] == "same-origin"


def test_the_local_user_is_refused_in_the_cloud() -> None:
    environment = {"CONVERSIONS_PROJECT": "p", "CONVERSIONS_LOCAL_USER": "me@here"}
    assert Settings.from_environment(environment).local_user == "me@here"
    with pytest.raises(ValueError, match="LOCAL_USER"):
        Settings.from_environment({**environment, "K_SERVICE": "console"})


def test_a_function_without_an_address_is_named() -> None:
    settings = Settings(project="p", function_urls=("api=http://a", "validate-sql=http://v"))
    with pytest.raises(ValueError, match="export-preview"):
        Upstreams.of(settings, requests.Session(), no_token)


def test_without_an_identity_the_console_asks_to_try_again(monkeypatch: pytest.MonkeyPatch) -> None:
    class Unreachable:
        valid = False

        def refresh(self, _: object) -> None:
            raise TransportError("no metadata server")  # type: ignore[no-untyped-call]

    monkeypatch.setattr(forward, "_credentials", lambda _: Unreachable())
    with pytest.raises(RetryableError) as failed:
        forward.own_token("https://api.example.com")
    assert failed.value.code == "identity_unavailable"

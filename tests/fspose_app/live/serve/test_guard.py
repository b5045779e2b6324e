"""Who may ask: names, tokens and origins; and what every answer carries."""

import pytest

from data.errors import ConfigError
from fspose_app.live.serve.settings import check_token, is_loopback

TOKEN = "a-token-of-some-length"
START = {"source": "0"}


def test_a_foreign_name_that_leads_here_opens_nothing(plain):
    client = plain.client

    answer = client.get("/v1/live", headers={"host": "evil.example"})

    assert answer.status_code == 403
    assert "detail" in answer.json()


@pytest.mark.parametrize("host", ["localhost:8000", "127.0.0.1", "[::1]:80", "127.8.8.8"])
def test_this_machines_own_names_do(plain, host):
    assert plain.client.get("/v1/live", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:1"},  # another program of this machine
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site", "origin": "http://localhost"},
    ],
)
def test_the_page_of_another_site_starts_no_camera(plain, locked, headers):
    known = {"authorization": f"Bearer {TOKEN}"}

    answers = [
        plain.client.post("/v1/live/start", json=START, headers=headers),
        locked.client.post("/v1/live/start", json=START, headers=headers | known),
    ]

    assert [answer.status_code for answer in answers] == [403, 403]
    assert plain.runs == locked.runs == []


def test_our_own_page_and_programs_do_start_it(plain):
    origins = [{"origin": plain.url}, {"sec-fetch-site": "same-origin"}, {}]

    answers = [plain.client.post("/v1/live/start", json=START, headers=o) for o in origins]

    assert [answer.status_code for answer in answers] == [200, 200, 200]


def test_nobody_else_may_read_an_answer(plain):
    client = plain.client
    foreign = {"origin": "http://evil.example"}
    asked = foreign | {"access-control-request-method": "POST"}

    answers = [
        client.get("/v1/live", headers=foreign),
        client.options("/v1/live/start", headers=asked),
    ]

    for answer in answers:
        assert not [name for name in answer.headers if name.startswith("access-control-")]
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"


def test_every_answer_has_the_headers(locked):
    client = locked.client
    answers = [client.get("/health"), client.get("/"), client.get("/v1/live"), client.put("/")]

    assert [answer.status_code for answer in answers] == [200, 401, 401, 401]
    for answer in answers:
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": "Bearer wrong"},
        {"authorization": f"Bearer {TOKEN}x"},
        {"authorization": f"Basic {TOKEN}"},
        {"authorization": "Bearer \xff"},
        {"authorization": "Bearer"},
        {"cookie": f"fspose={TOKEN}"},
    ],
)
@pytest.mark.parametrize("path", ["/v1/live", "/v1/about", "/page.js", "/openapi.json", "/none"])
def test_without_the_token_nothing_is_told(locked, headers, path):
    coded = {name: value.encode("latin-1") for name, value in headers.items()}

    answer = locked.client.get(path, headers=coded)

    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"


def test_the_header_opens(locked):
    client = locked.client

    answer = client.get("/v1/live", headers={"authorization": f"Bearer {TOKEN}"})

    assert answer.status_code == 200


def test_the_address_opens_once_and_then_the_cookie(locked):
    client = locked.client

    first = client.get("/", params={"token": TOKEN})
    second = client.get("/")

    assert (first.status_code, first.headers["location"]) == (303, "/")
    kept = first.headers["set-cookie"]
    assert "HttpOnly" in kept
    assert "SameSite=lax" in kept
    assert TOKEN not in kept
    assert second.status_code == 200
    assert client.get("/v1/live").status_code == 200


@pytest.mark.parametrize("token", ["wrong", "", "a-token-of-some-lengtH", "ä"])
def test_a_wrong_token_in_the_address_is_told(locked, token):
    answer = locked.client.get("/", params={"token": token})

    assert answer.status_code == 401
    assert "not the token" in answer.text
    assert "set-cookie" not in answer.headers


def test_a_token_in_the_address_opens_nothing_but_the_page(locked):
    answer = locked.client.get("/v1/live", params={"token": TOKEN})

    assert answer.status_code == 401


def test_another_machines_name_is_fine_where_there_is_a_token(locked):
    headers = {"host": "studio.local:8000", "authorization": f"Bearer {TOKEN}"}

    assert locked.client.get("/v1/live", headers=headers).status_code == 200


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.7", "studio.local", ""])
def test_an_address_that_others_reach_needs_a_token(host):
    with pytest.raises(ConfigError, match="a token is needed"):
        check_token(host, None)

    check_token(host, TOKEN)


@pytest.mark.parametrize("token", ["", "short", "with a space in it", "mit-Umlaut-ä-darin"])
def test_a_token_that_is_easily_guessed_or_cannot_be_sent_is_refused(token):
    with pytest.raises(ConfigError):
        check_token("127.0.0.1", token)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "[::1]", "127.1.2.3"])
def test_loopback_is_known(host):
    assert is_loopback(host)

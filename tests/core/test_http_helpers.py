"""Paths, headers and error bodies: nothing that a caller or a server can say gets through, or breaks anything."""

from __future__ import annotations

import json
import math
import re
import time
from email.utils import formatdate
from typing import Any
from urllib.parse import unquote, urlsplit
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asyncdbaas import InvalidInputError, TokenError, errors
from asyncdbaas._checks import check_text
from asyncdbaas._core.http import (
    RateLimitHeaders,
    api_error,
    check_base_url,
    check_params,
    check_path,
    check_token,
    cluster_segment,
    parse_count,
    parse_retry_after,
    read_rate_limit,
    seg,
)
from asyncdbaas.types import Secret

UUID_TEXT = "9cc10173-e9ea-4176-9dbc-a4cee4c4ff30"
NASTY = st.text(alphabet=st.sampled_from("./%2eE\\?#&;:@\r\n\t \x00\x7fé\u2028\u202e😀a\ud800\udcff~"), max_size=12)
ANY_TEXT = st.text() | NASTY


# Paths.


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("orders", "orders"),
        ("a.b_c-d~e", "a.b_c-d~e"),
        ("...", "..."),
        (".hidden", ".hidden"),
        ("a/b", "a%2Fb"),
        ("../x", "..%2Fx"),
        ("%2e%2e", "%252e%252e"),
        ("a b", "a%20b"),
        ("a?b#c&d=e", "a%3Fb%23c%26d%3De"),
        ("a\r\nHost: evil", "a%0D%0AHost%3A%20evil"),
        ("\x00", "%00"),
        ("é😀", "%C3%A9%F0%9F%98%80"),
        ("logs-*", "logs-%2A"),
    ],
)
def test_a_segment_is_percent_encoded(value: str, expected: str) -> None:
    assert seg(value, "name") == expected


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("", "topic name must not be ''"),
        (".", "topic name must not be '.'"),
        ("..", "topic name must not be '..'"),
        ("a\ud800", "topic name is not valid text: it contains half of a surrogate pair"),
        (None, "topic name must be a string, not None"),
        (5, "topic name must be a string, not int"),
        (b"x", "topic name must be a string, not bytes"),
    ],
)
def test_a_segment_that_would_address_something_else_is_rejected_by_name(value: Any, message: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        seg(value, "topic name")
    assert str(caught.value) == message
    str(caught.value).encode()


@given(value=ANY_TEXT)
def test_a_segment_stays_one_segment_and_reads_back(value: str) -> None:
    try:
        encoded = seg(value, "name")
    except InvalidInputError:
        assert value in ("", ".", "..") or not value.isprintable()
        return
    path = f"/v2/databases/{UUID_TEXT}/topics/{encoded}"
    assert check_path(path) == path
    split = urlsplit(f"https://host{path}")
    assert (split.netloc, split.query, split.fragment) == ("host", "", "")
    assert split.path.count("/") == 5
    assert unquote(split.path.rsplit("/", 1)[1]) == value


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/v2/databases",
        f"/v2/databases/{UUID_TEXT}/users/a%2Fb",
        "/v2/x/...",
        "/v2/x/.a",
        "/v2/x/a.",
        "/v2/x/%2e%2e%2e",
        "/v2/x//y",
        "/v2/x/",
        "/v2/x/a:b@c;d=e,f+g*h!i$j'k(l)",
    ],
)
def test_an_encoded_path_passes(path: str) -> None:
    assert check_path(path) == path


@pytest.mark.parametrize(
    "path",
    [
        "",
        "v2/databases",
        "//evil.example/../x",
        "https://evil.example/v2",
        "@evil.example/v2",
        "/v2/../account",
        "/v2/./x",
        "/v2/..",
        "/v2/.",
        "/v2/%2e%2e/account",
        "/v2/%2E./account",
        "/v2/.%2e",
        "/v2/%2e",
        "/v2/a b",
        "/v2/a?b",
        "/v2/a#b",
        "/v2/a\\b",
        "/v2/a\n",
        "/v2/a\r\nX: y",
        "/v2/a\x00",
        "/v2/é",
        "/v2/\ud800",
        "/v2/a|b",
        '/v2/"',
        "/v2/<x>",
        "/v2/{id}",
    ],
)
def test_a_path_that_is_not_encoded_or_could_reach_elsewhere_is_refused(path: str) -> None:
    with pytest.raises(InvalidInputError, match=r"^path must start with / and be percent-encoded") as caught:
        check_path(path)
    str(caught.value).encode()


@pytest.mark.parametrize("path", [None, 5, b"/v2"])
def test_a_path_that_is_no_string_is_refused(path: Any) -> None:
    with pytest.raises(InvalidInputError, match=r"^path must be a string"):
        check_path(path)


@given(path=st.builds("/v2/{}".format, ANY_TEXT) | ANY_TEXT)
def test_a_path_that_passes_leads_where_it_says(path: str) -> None:
    try:
        check_path(path)
    except InvalidInputError:
        return
    split = urlsplit("https://host" + path)
    assert (split.netloc, split.path, split.query, split.fragment) == ("host", path, "", "")
    assert path.isascii()
    assert path.isprintable()
    assert not {".", ".."} & {unquote(segment) for segment in path.split("/")}


@pytest.mark.parametrize("cluster_id", [UUID_TEXT, UUID_TEXT.upper(), UUID(UUID_TEXT)])
def test_a_cluster_id_is_a_uuid(cluster_id: str | UUID) -> None:
    assert cluster_segment(cluster_id) == str(cluster_id)


@pytest.mark.parametrize(
    "cluster_id",
    [
        "",
        "events",
        "..",
        UUID_TEXT[:-1],
        UUID_TEXT + "0",
        UUID_TEXT + "\n",
        f" {UUID_TEXT}",
        UUID_TEXT.replace("-", ""),
        f"{{{UUID_TEXT}}}",
        f"urn:uuid:{UUID_TEXT}",
        UUID_TEXT.replace("9", "\uff19"),
        f"{UUID_TEXT}/../x",
        None,
        5,
        b"x",
        [],
        {},
    ],
)
def test_a_cluster_id_that_is_no_uuid_is_rejected_by_name(cluster_id: Any) -> None:
    with pytest.raises(InvalidInputError, match=r"^cluster_id must be a UUID"):
        cluster_segment(cluster_id)


@pytest.mark.parametrize(("cluster_id", "shown"), [("events", "'events'"), ("a password", "str"), (5, "int")])
def test_of_what_is_no_cluster_id_only_a_name_is_quoted(cluster_id: Any, shown: str) -> None:
    with pytest.raises(InvalidInputError, match=f"not {shown}$"):
        cluster_segment(cluster_id)


@given(cluster_id=st.uuids())
def test_any_uuid_is_one_safe_segment(cluster_id: UUID) -> None:
    assert cluster_segment(cluster_id) == cluster_segment(str(cluster_id)) == str(cluster_id)


def test_a_refused_cluster_id_is_refused_again() -> None:
    for _ in range(2):
        with pytest.raises(InvalidInputError):
            cluster_segment("name")


@pytest.mark.parametrize("value", ["", "x"])
def test_text_passes(value: str) -> None:
    assert check_text(value, "name") is value


# Addresses, parameters, tokens.


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("https://api.digitalocean.com", "https://api.digitalocean.com"),
        ("https://api.digitalocean.com/", "https://api.digitalocean.com"),
        ("https://host:8443/prefix/", "https://host:8443/prefix"),
        ("http://localhost:8080", "http://localhost:8080"),
        ("HTTP://LOCALHOST", "HTTP://LOCALHOST"),
        ("http://127.0.0.1", "http://127.0.0.1"),
        ("http://127.8.9.1:1", "http://127.8.9.1:1"),
        ("http://[::1]:8080", "http://[::1]:8080"),
    ],
)
def test_a_base_url(address: str, expected: str) -> None:
    assert check_base_url(address) == expected


@pytest.mark.parametrize(
    "address",
    [
        "http://api.digitalocean.com",
        "http://127.0.0.1.evil.example",
        "http://localhost.evil.example",
        "http://0.0.0.0",
        "http://127.1",
        "http://2130706433",
        "http://[::2]",
        "http://10.0.0.1",
    ],
)
def test_a_token_travels_in_the_clear_on_loopback_only(address: str) -> None:
    with pytest.raises(InvalidInputError, match=r"^base_url must use https, or the token travels in the clear"):
        check_base_url(address)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "api.digitalocean.com",
        "//api.digitalocean.com",
        "ftp://localhost",
        "file:///etc/passwd",
        "unix:///x",
        "https://",
        "https:///v2",
        "https://user@host",
        "https://user:password@host",
        "https://:password@host",
        "https://@host",
        "http://localhost@evil.example",
        "http://localhost:80@evil.example",
        "http://evil.example#@localhost",
        "https://host?x=1",
        "https://host/?x=1",
        "https://host?",
        "https://host#f",
        "https://host/#",
        "https://host:0",
        "https://host:99999",
        "https://host:port",
        "https://[::1",
        "https://::1]",
        "https://ho st",
        "https://host/a b",
        "https://host\n",
        "https://host\r\nX: y",
        "\thttps://host",
        "https://host\\@evil.example",
        "https://hóst",
        "https://\udc00",
        None,
        5,
        b"https://host",
    ],
)
def test_an_address_that_is_none_is_refused(address: Any) -> None:
    with pytest.raises(InvalidInputError, match=r"^base_url must be an http\(s\) address") as caught:
        check_base_url(address)
    str(caught.value).encode()


@given(address=st.builds("{}{}".format, st.sampled_from(["http://", "https://", "http://localhost", ""]), ANY_TEXT))
def test_an_address_that_passes_is_what_it_seems(address: str) -> None:
    try:
        checked = check_base_url(address)
    except InvalidInputError:
        return
    split = urlsplit(checked + "/v2/databases")
    assert split.hostname
    assert split.username is split.password is None
    assert split.query == split.fragment == ""
    assert split.path.endswith("/v2/databases")
    assert split.scheme == "https" or split.hostname in ("localhost", "::1") or split.hostname.startswith("127.")


def test_parameters_are_strings_and_integers() -> None:
    assert check_params({"tag_name": "a b&c=d", "page": 2, "big": 2**70}) == {
        "tag_name": "a b&c=d",
        "page": "2",
        "big": str(2**70),
    }


@pytest.mark.parametrize("value", [None, True, 1.5, float("nan"), b"x", ["a"], "\ud800"])
def test_other_parameters_are_rejected_by_name(value: Any) -> None:
    with pytest.raises(InvalidInputError, match=r"^params: tag_name (must be|is not) "):
        check_params({"tag_name": value})


@pytest.mark.parametrize("token", ["dop_v1_0123abcdef", "!", "~" * 5000, "a" * 64])
def test_a_token_passes(token: str) -> None:
    assert check_token(Secret(token)) == token


@pytest.mark.parametrize(
    ("token", "message"),
    [
        (Secret(""), "the token is empty"),
        (Secret("dop_v1_abc\n"), "the token contains '\\n' at position 10 of 11; strip the trailing newline"),
        (Secret("dop v1"), "the token contains ' ' at position 3 of 6; pass the token only"),
        (Secret("tokén"), "the token contains 'é' at position 3 of 5; pass the token only"),
        (Secret("a\x00b"), "the token contains '\\x00' at position 1 of 3; pass the token only"),
        (Secret("a\r\nHost: evil"), "the token contains '\\r' at position 1 of 13; pass the token only"),
        (Secret("a\ud800"), "the token contains '\\ud800' at position 1 of 2; pass the token only"),
        (None, "the token must be a string, not None"),
        (5, "the token must be a string, not int"),
        (b"dop_v1", "the token must be a string, not bytes"),
    ],
)
def test_a_token_that_cannot_be_a_header_is_refused_without_being_shown(token: Any, message: str) -> None:
    with pytest.raises(TokenError) as caught:
        check_token(token)
    assert str(caught.value) == message


@given(token=ANY_TEXT)
def test_a_token_that_passes_fits_in_one_header(token: str) -> None:
    try:
        check_token(Secret(token))
    except TokenError:
        return
    assert re.fullmatch(r"[!-~]+", token)


# Headers.


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0", 0),
        ("29", 29),
        ("4999", 4999),
        ("999999999", 999999999),
        ("0012", 12),
        ("1000000000", None),
        ("9" * 5000, None),
        ("-1", None),
        ("+1", None),
        ("1.0", None),
        ("1e3", None),
        ("1_000", None),
        (" 1", None),
        ("1 ", None),
        ("", None),
        ("nan", None),
        ("٣", None),
        ("²", None),
        ("soon", None),
        ("\udcff", None),
        (None, None),
    ],
)
def test_a_count(text: str | None, expected: int | None) -> None:
    assert parse_count(text) == expected


NOW = 1_790_000_000.0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, None),
        ("0", 0.0),
        ("29", 29.0),
        ("0.483", 0.483),
        ("-5", 0.0),
        ("-1e308", 0.0),
        ("1e308", 1e308),
        ("1e400", None),
        ("nan", None),
        ("inf", None),
        ("-inf", None),
        ("Infinity", None),
        ("", None),
        ("  7  ", 7.0),
        ("soon", None),
        ("7 s", None),
        ("\udcff", None),
        ("9" * 400, None),
        (formatdate(NOW + 90, usegmt=True), 90.0),
        (formatdate(NOW + 90), 90.0),
        (formatdate(NOW - 90, usegmt=True), 0.0),
        ("Mon, 01 Jan 0001 00:00:00 GMT", 0.0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 253402300799.0 - NOW),
        ("Thu, 99 Jan 2026 00:00:00 GMT", None),
        ("Thu, 01 Jan 99999999 00:00:00 GMT", None),
        ("Thu, 01 Jan 2026 99:00:00 GMT", None),
        ("0 0 0 0 0", None),
        (",", None),
        ("Mon", None),
    ],
)
def test_retry_after(text: str | None, expected: float | None) -> None:
    assert parse_retry_after(text, NOW) == expected


@pytest.mark.skipif(not hasattr(time, "tzset"), reason="Windows takes the time zone from its settings")
def test_the_date_of_retry_after_does_not_depend_on_the_machines_time_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Kathmandu")
    time.tzset()
    try:
        assert parse_retry_after(formatdate(NOW + 90), NOW) == 90.0  # with the zone -0000
    finally:
        monkeypatch.undo()
        time.tzset()


HEADER_TEXT = st.text(st.characters(codec="latin-1")) | ANY_TEXT
DATES = st.builds(
    "{}, {} {} {} {}:{}:{} {}".format,
    st.sampled_from(["Mon", "", "Xyz"]),
    st.integers(-1, 40),
    st.sampled_from(["Jan", "Feb", "Dec", "13"]),
    st.integers(-1, 10**6),
    st.integers(-1, 30),
    st.integers(-1, 70),
    st.integers(-1, 70),
    st.sampled_from(["GMT", "+0000", "-0000", "-2359", "+9999", "", "EST", "X"]),
)


@given(text=HEADER_TEXT | DATES | st.floats().map(str))
def test_no_header_breaks_its_reader(text: str) -> None:
    seconds = parse_retry_after(text, NOW)
    assert seconds is None or (seconds >= 0 and math.isfinite(seconds))
    count = parse_count(text)
    assert count is None or 0 <= count < 10**9
    seen = read_rate_limit({"ratelimit-reset": text, "ratelimit-limit": text, "ratelimit-remaining": text})
    assert seen.reset is None or math.isfinite(seen.reset)
    assert seen.limit == seen.remaining == count


def test_rate_limit_headers_are_read_one_by_one() -> None:
    headers = {"ratelimit-limit": "5000", "ratelimit-remaining": "4996", "ratelimit-reset": "1444931833"}
    assert read_rate_limit(headers) == RateLimitHeaders(limit=5000, remaining=4996, reset=1444931833.0)
    assert read_rate_limit({**headers, "ratelimit-limit": "many"}).limit is None
    assert read_rate_limit({}) == RateLimitHeaders()


# Errors.


def make(status: int, body: bytes = b"", headers: dict[str, str] | None = None, method: str = "GET") -> errors.APIError:
    return api_error(status, headers or {}, body, method=method, path="/v2/x")


@pytest.mark.parametrize(
    ("status", "cls"),
    [
        (400, errors.BadRequestError),
        (401, errors.AuthenticationError),
        (403, errors.PermissionDeniedError),
        (404, errors.NotFoundError),
        (409, errors.ConflictError),
        (412, errors.PreconditionError),
        (422, errors.UnprocessableError),
        (429, errors.RateLimitError),
        (500, errors.ServerError),
        (501, errors.ServerError),
        (503, errors.ServerError),
        (524, errors.ServerError),
        (599, errors.ServerError),
        (999, errors.ServerError),
        (100, errors.APIError),
        (301, errors.APIError),
        (304, errors.APIError),
        (405, errors.APIError),
        (418, errors.APIError),
    ],
)
def test_the_class_follows_the_status_alone(status: int, cls: type[errors.APIError]) -> None:
    error = make(status, b'{"id": "not_found", "message": "m"}')
    assert type(error) is cls
    assert error.status == status


def test_an_error_says_all_that_the_service_said() -> None:
    body = b'{"id": "unprocessable_entity", "message": "invalid size", "request_id": "77"}'
    error = make(422, body, {"retry-after": "3", "x-request-id": "88"})
    assert (error.code, error.message, error.request_id, error.retry_after) == (
        "unprocessable_entity",
        "invalid size",
        "77",
        3.0,
    )
    assert (error.method, error.path, error.attempts, error.outcome_unknown) == ("GET", "/v2/x", 1, False)


def test_a_retry_after_may_be_a_date() -> None:
    later = formatdate(time.time() + 100, usegmt=True)
    assert make(503, b"", {"retry-after": later}).retry_after == pytest.approx(100, abs=30)


CLOUDFLARE = b"""<!DOCTYPE html>
<html><head><title>DigitalOcean - Something went wrong!</title><style>body { color: red }</style>
<script type="text/javascript">var secret = "<b>";</script></head>
<body><h1>Something   went\nwrong!</h1></body></html>"""


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "the response has no text"),
        (b"   \n", "the response has no text"),
        (b"404 page not found\n", "404 page not found"),
        (CLOUDFLARE, "DigitalOcean - Something went wrong! Something went wrong!"),
        (b"<html></html>", "the response has no text"),
        (b" \r\n<html>late</html>", "late"),
        (b"<HTML><SCRIPT>a\nb</SCRIPT><STYLE>\nc</Style>d", "d"),
        (b"<", "<"),
        (b"a < b", "a < b"),
        (b"caf\xe9", "caf\ufffd"),
        (b"\xff\xfe", "\ufffd\ufffd"),
        (b'{"id": "x"}', '{"id": "x"}'),
        (b'{"message": ""}', '{"message": ""}'),
        (b'{"message": 5}', '{"message": 5}'),
        (b'{"message": null, "id": 7}', '{"message": null, "id": 7}'),
        (b'["message"]', '["message"]'),
        (b'"message"', '"message"'),
        (b'{"message": "cut', '{"message": "cut'),
        (b"[" * 100_000, "[" * 300),
        (b'{"message": "' + b"m" * 100_000 + b'"}', "m" * 300),
        (b"x" * 100_000, "x" * 300),
    ],
)
def test_the_message_of_an_error(body: bytes, message: str) -> None:
    assert make(502, body).message == message


@pytest.mark.parametrize(
    ("body", "headers", "expected"),
    [
        (b'{"request_id": "1"}', {"x-request-id": "2"}, "1"),
        (b'{"request_id": ""}', {"x-request-id": "2"}, "2"),
        (b'{"request_id": 5}', {"x-request-id": "2"}, "2"),
        (b"", {"x-request-id": "2"}, "2"),
        (b"", {}, None),
    ],
)
def test_the_request_id_comes_from_the_body_or_from_the_header(
    body: bytes, headers: dict[str, str], expected: str | None
) -> None:
    assert make(500, body, headers).request_id == expected


FORWARD = b'{"message": "Failed to forward the request you made, please try again."}'


@pytest.mark.parametrize(
    ("method", "status", "body", "unknown"),
    [
        ("POST", 500, b"", True),
        ("PUT", 502, b"", True),
        ("PATCH", 504, b"", True),
        ("DELETE", 524, b"", True),
        ("GET", 500, b"", False),
        ("HEAD", 500, b"", False),
        ("POST", 503, b"", True),
        ("POST", 503, FORWARD, False),
        ("POST", 503, FORWARD.upper().replace(b"MESSAGE", b"message"), False),
        ("POST", 502, FORWARD, True),
        ("POST", 429, b"", False),
        ("POST", 404, b"", False),
        ("POST", 422, b"", False),
        ("POST", 408, b"", True),
        ("POST", 101, b"", True),
        ("POST", 302, b"", True),
        ("POST", 303, b"", True),
        ("PUT", 304, b"", True),
        ("POST", 307, b"", False),
        ("POST", 308, b"", False),
        ("GET", 303, b"", False),
    ],
)
def test_a_write_may_have_been_applied_unless_the_service_refused_it(
    method: str, status: int, body: bytes, unknown: bool
) -> None:
    assert make(status, body, method=method).outcome_unknown == unknown


@given(status=st.integers(100, 999), body=st.binary() | ANY_TEXT.map(lambda text: text.encode("utf-8", "replace")))
def test_no_body_breaks_the_building_of_an_error(status: int, body: bytes) -> None:
    error = make(status, body)
    assert str(error).encode()
    assert len(error.message) <= 300


@given(
    fields=st.dictionaries(
        st.sampled_from(["id", "message", "request_id"]), ANY_TEXT | st.integers() | st.none() | st.lists(st.integers())
    ),
    header=HEADER_TEXT,
)
def test_no_field_or_header_breaks_the_text_of_an_error(fields: dict[str, Any], header: str) -> None:
    error = make(500, json.dumps(fields).encode(), {"x-request-id": header, "retry-after": header})
    assert str(error).encode()
    assert repr(error).encode()


def test_the_words_of_a_service_are_one_line_without_control_characters() -> None:
    body = b'{"id": "x\\u001b[31m", "message": "no\\nINFO all is well\\u202e", "request_id": "7\\u0000"}'
    assert str(make(422, body)) == r"GET /v2/x: 422 x\x1b[31m: no\nINFO all is well\u202e [request id 7\x00]"
    assert len(make(422, b"", {"x-request-id": "r" * 8000}).request_id or "") == 300
    assert str(make(502, b"<h1>Bad\x1b[2J</h1>")) == r"GET /v2/x: 502: Bad\x1b[2J"

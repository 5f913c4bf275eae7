"""Addresses of quota stores: what is taken, what is refused, and that nothing shows a part of a password."""

from __future__ import annotations

import traceback
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from leaks import traceback_text
from redis.asyncio.connection import parse_url
from server_process import free_port, running
from store import stopped

from asyncdbaas import InvalidInputError, QuotaStoreError
from asyncdbaas.emulator import certificates
from asyncdbaas.ratelimit import SharedRateLimiter
from asyncdbaas.ratelimit.address import read_address

PASSWORDS = st.text(st.characters(min_codepoint=33, max_codepoint=0x2FF), min_size=4) | st.from_regex(
    r"[0-9]{1,5}[/?#@\[\]:]{1,2}[a-z0-9@/?#:]{3,8}", fullmatch=True
)


@pytest.mark.parametrize(
    ("address", "for_redis", "shown"),
    [
        ("redis://quota.internal", "redis://quota.internal", "redis://quota.internal"),
        ("redis://quota.internal:7000/3", "redis://quota.internal:7000/3", "redis://quota.internal:7000/3"),
        ("valkey://:pa%23ss@h/", "redis://:pa%23ss@h/", "valkey://h/"),
        ("valkeys://u:p@h:1?socket_timeout=1", "rediss://u:p@h:1?socket_timeout=1", "valkeys://h:1"),
        ("rediss://[::1]:6380/0", "rediss://[::1]:6380/0", "rediss://[::1]:6380/0"),
        ("unix:///run/redis.sock?db=2", "unix:///run/redis.sock?db=2", "unix:///run/redis.sock"),
        ("unix://u:p@/run/redis.sock", "unix://u:p@/run/redis.sock", "unix:///run/redis.sock"),
        ("redis://u:p@ss:w@h:1/0", "redis://u:p@ss:w@h:1/0", "redis://h:1/0"),
    ],
)
def test_addresses_of_servers(address: str, for_redis: str, shown: str) -> None:
    read = read_address(address)
    assert (read.url, read.shown, read.sentinels, read.service) == (for_redis, shown, (), "")


@pytest.mark.parametrize(
    ("address", "for_redis", "sentinels", "service"),
    [
        ("redis+sentinel://s1:1,s2:2,s3/quota", "redis://s1:1", (("s1", 1), ("s2", 2), ("s3", 26379)), "quota"),
        ("valkey+sentinel://u:p@s1/my-quota/4", "redis://u:p@s1/4", (("s1", 26379),), "my-quota"),
    ],
)
def test_addresses_of_sentinels(
    address: str, for_redis: str, sentinels: tuple[tuple[str, int], ...], service: str
) -> None:
    read = read_address(address)
    assert (read.url, read.sentinels, read.service) == (for_redis, sentinels, service)


@pytest.mark.parametrize(
    "address",
    [
        "redis://",
        "redis://:6379",  # redis-py would take this machine for the host
        "redis://h:port",
        "redis://h:65536",
        "redis://h/name",
        "redis://h/0/1",
        "redis://h1,h2/0",
        "redis://h/0#fragment",
        "redis://h/0?password=a@b",
        "redis://h h/",
        "redis://h\n/",
        "unix://",
        "unix:///",
        "unix://h/path",
        "redis+sentinel://h:1",
        "redis+sentinel://h:1/",
        "redis+sentinel://h:1/a/b",
        "redis+sentinel://h:1,/quota",
        "redis+sentinel:///quota",
    ],
)
def test_an_address_that_is_not_valid_is_refused_with_its_pattern(address: str) -> None:
    with pytest.raises(InvalidInputError, match="percent-encode user and password") as caught:
        read_address(address)
    assert str(caught.value).count(address.partition("://")[0] + "://") >= 1


def test_the_longest_secret_is_hidden_first_so_that_no_rest_of_it_shows() -> None:
    read = read_address("redis://user:s3cret@h?password=s3cret%2Fof-old&ssl_password=s3&timeout=60")
    assert read.secrets == ("s3cret/of-old", "s3cret", "s3")


@pytest.mark.parametrize("address", ["", "localhost:6379", "http://h", "sentinel://h", "REDIS://h"])
def test_another_scheme_is_refused_with_those_that_there_are(address: str) -> None:
    with pytest.raises(InvalidInputError, match=r"must begin with one of redis://.*redis\+sentinel://"):
        read_address(address)


def test_an_address_that_is_no_string_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="must be a string, not "):
        read_address(Path("/run/redis.sock"))  # type: ignore[arg-type]  # what is tested


def test_an_option_that_redis_does_not_know_is_refused() -> None:
    for option in ("sockettimeout=1", "socket_timeout=s3cr3t"):
        with pytest.raises(InvalidInputError, match=r"an option after `\?`") as caught:
            SharedRateLimiter(f"redis://h/0?{option}")
        assert "s3cr3t" not in str(caught.value)


@pytest.mark.parametrize("scheme", ["redis", "valkeys", "redis+sentinel"])
@given(password=PASSWORDS)
def test_whatever_the_password_nothing_of_it_shows(scheme: str, password: str) -> None:
    path = "/quota/0" if scheme.endswith("sentinel") else "/0"
    with suppress(InvalidInputError):  # which quotes nothing, as the next test shows
        read = read_address(f"{scheme}://:{password}@quota.example:6379{path}")
        assert read.shown == f"{scheme}://quota.example:6379{path}"
        assert password not in repr(read)
        assert read.sentinels in ((), (("quota.example", 6379),))


@pytest.mark.parametrize("character", [*"#/?[", "/0?", "#@", "12#", "1/", "6379/", "6379?"])
def test_the_refusal_of_a_password_quotes_nothing_and_says_what_to_do(character: str) -> None:
    words = ("Tr0ub4dor", "Zx9kQw")
    for password in (character.join(words), f"6379{character}{words[0]}"):
        with pytest.raises(InvalidInputError, match="percent-encode user and password") as caught:
            SharedRateLimiter(f"redis://:{password}@quota.example:6379/0")
        assert not any(word in str(caught.value) for word in words)
        assert caught.value.__context__ is None


@pytest.mark.parametrize("scheme", ["redis", "valkeys", "redis+sentinel"])
@given(password=PASSWORDS)
def test_a_password_that_is_percent_encoded_arrives_as_it_is(scheme: str, password: str) -> None:
    path = "/quota" if scheme.endswith("sentinel") else ""
    read = read_address(f"{scheme}://:{quote(password, safe='')}@quota.example{path}")
    settings = parse_url(read.url)
    assert (settings.get("password"), settings.get("host")) == (password, "quota.example")
    assert password in read.secrets


def test_no_frame_of_the_refusal_shows_the_password() -> None:
    with pytest.raises(InvalidInputError) as caught:
        read_address("redis://:s3cr3t/s3cr3t@h")
    frames = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    inside = [frame for frame in frames.stack if "asyncdbaas" in frame.filename]
    assert inside
    assert all("s3cr3t" not in value for frame in inside for value in (frame.locals or {}).values())


# Through the network.


async def acquire_once(url: str) -> SharedRateLimiter:
    pace = SharedRateLimiter(url, name="x")
    pace.attach(pace, None)
    try:
        await pace.acquire(pace)
        pace.release()
    finally:
        await pace.detach(pace)
    return pace


async def test_a_sentinel_tells_where_the_primary_is(tmp_path: Path) -> None:
    port, sentinel = free_port(), free_port()
    config = tmp_path / "sentinel.conf"
    config.write_text(f"port {sentinel}\nbind 127.0.0.1\nsentinel monitor quota 127.0.0.1 {port} 1\n")
    ready = "eady to accept connections"
    with stopped("--requirepass", "s3cr3t") as store:
        program = store.command[0]
        async with (
            running(*store.command, "--port", str(port), "--bind", "127.0.0.1", ready=ready),
            running(program, str(config), "--sentinel", ready="+monitor"),
        ):
            dead = free_port()
            await acquire_once(f"redis+sentinel://:s3cr3t@127.0.0.1:{dead},127.0.0.1:{sentinel}/quota/1")
            with pytest.raises(QuotaStoreError, match="cannot be used"):
                await acquire_once(f"redis+sentinel://127.0.0.1:{sentinel}/other")


@pytest.mark.parametrize(("certified", "fits"), [("localhost", True), ("evil.example", False)])
async def test_the_name_in_the_certificate_is_checked(tmp_path: Path, certified: str, fits: bool) -> None:
    authority = certificates.make_authority("an authority")
    pair = certificates.issue(authority, certified, certified)
    for name, text in (("ca.pem", authority.certificate), ("cert.pem", pair.certificate), ("key.pem", pair.key)):
        (tmp_path / name).write_text(text, encoding="ascii")
    port = free_port()
    with stopped(
        *("--tls-port", str(port), "--bind", "127.0.0.1", "--tls-auth-clients", "no"),
        *("--tls-ca-cert-file", str(tmp_path / "ca.pem")),
        *("--tls-cert-file", str(tmp_path / "cert.pem"), "--tls-key-file", str(tmp_path / "key.pem")),
    ) as store:
        async with store.running():
            url = f"rediss://localhost:{port}?ssl_ca_certs={tmp_path / 'ca.pem'}"
            if fits:
                await acquire_once(url)
                return
            with pytest.raises(QuotaStoreError, match="cannot be used"):
                await acquire_once(url)
            await acquire_once(f"{url}&ssl_cert_reqs=none")


async def test_a_store_that_is_not_there_is_named_without_the_password() -> None:
    port = free_port()
    with pytest.raises(QuotaStoreError) as caught:
        await acquire_once(f"redis://:s3cr3t@127.0.0.1:{port}/3")
    assert f"redis://127.0.0.1:{port}/3" in str(caught.value)
    assert "s3cr3t" not in str(caught.value)


@pytest.mark.parametrize("wrong", [{"url": "redis://:sesame7/x@host"}, {"per_minute": 0}, {"name": "{"}])
def test_a_traceback_with_locals_shows_a_half_made_limiter_without_its_address(wrong: dict[str, Any]) -> None:
    arguments: dict[str, Any] = {"url": "redis://:sesame7@host", **wrong}
    with pytest.raises(InvalidInputError) as caught:
        SharedRateLimiter(**arguments)
    text = traceback_text(caught.value)
    assert "<SharedRateLimiter>" in text
    assert "sesame7" not in text

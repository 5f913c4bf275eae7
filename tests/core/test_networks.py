"""Proxies and certificate authorities: those of the environment, and those that are passed."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncGenerator
from pathlib import Path
from traceback import TracebackException
from types import SimpleNamespace
from typing import Any

import pytest
from certificates import certificate
from raw_server import RawServer, answer

from asyncdbaas import AsyncSession, InvalidInputError, RateLimiter, RetryPolicy, TLSError, TransportError
from asyncdbaas._core import networks
from asyncdbaas._core.networks import environment_proxy

OK = answer(200, {"value": 1})
ONCE = RetryPolicy(max_attempts=1)
PATH = "/v2/x"


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "no_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)


@contextlib.asynccontextmanager
async def tunnel(port: int) -> AsyncGenerator[tuple[str, list[str]]]:
    """Serve a proxy that leads every CONNECT to one port; yield its address and the heads of the requests to it."""
    heads: list[str] = []

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(2**16):
                writer.write(data)
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append((await reader.readuntil(b"\r\n\r\n")).decode())
        upstream, downstream = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"HTTP/1.1 200 Connected\r\n\r\n")
        await asyncio.gather(pump(reader, downstream), pump(upstream, writer))

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}", heads


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("scheme", ["http://", ""])
async def test_the_environments_proxy_gets_its_own_password_and_the_service_gets_the_token(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, method: str, scheme: str
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("default login somebody password else")
    monkeypatch.setenv("NETRC", str(netrc))
    context = certificate(tmp_path, "api.test", days=10)
    trusting = ssl.create_default_context(cafile=tmp_path / "server.pem")
    async with RawServer(OK, ssl_context=context) as server, tunnel(server.port) as (address, heads):
        monkeypatch.setenv("https_proxy", f"{scheme}user:p%40ss@{address}")
        async with AsyncSession("token", base_url="https://api.test", ssl_context=trusting, retry=ONCE) as session:
            await session.request(method, PATH, body=None if method == "GET" else {"a": 1})
    (request,) = server.requests
    assert (request.method, request.target) == (method, PATH)
    assert request.headers["authorization"] == "Bearer token"
    assert "proxy-authorization" not in request.headers
    assert request.body == (b"" if method == "GET" else b'{"a":1}')
    (head,) = heads
    assert head.startswith("CONNECT api.test:443 ")
    assert "Proxy-Authorization: Basic dXNlcjpwQHNz\r\n" in head
    assert "token" not in head


async def test_the_environments_proxy_can_be_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    async with RawServer(answer(407)) as proxy:
        monkeypatch.setenv("https_proxy", proxy.url)
        async with AsyncSession("t", base_url="https://api.invalid", trust_env=False, retry=ONCE) as session:
            with pytest.raises(TransportError, match="could not connect"):
                await session.request("GET", PATH)
        assert proxy.connections == 0


async def test_a_proxy_that_refuses_is_not_sent_the_request_and_its_password_is_not_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with RawServer(answer(407, reason="Basic dXNlcjpjYW5hcnk= is wrong")) as proxy:
        monkeypatch.setenv("https_proxy", proxy.url.replace("//", "//user:canary@"))
        async with AsyncSession("t", base_url="https://api.invalid", retry=ONCE) as session:
            with pytest.raises(TransportError, match="the proxy responded 407") as caught:
                await session.request("POST", PATH, body={})
        assert (proxy.requests[0].method, proxy.requests[0].target) == ("CONNECT", "api.invalid:443")
        assert proxy.requests[0].headers["proxy-authorization"] == "Basic dXNlcjpjYW5hcnk="
    assert (caught.value.sent, caught.value.outcome_unknown) == (False, False)
    assert "canary" not in f"{caught.value!r} {caught.value} {caught.value.__cause__!r}"
    assert "dXNlcjpjYW5hcnk=" not in f"{caught.value} {caught.value.__cause__!r}"


@pytest.mark.parametrize("base", ["http://127.0.0.1:9", "http://localhost:9", "https://[::1]:9"])
def test_addresses_of_this_machine_never_go_through_a_proxy(monkeypatch: pytest.MonkeyPatch, base: str) -> None:
    for name in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://proxy.example:3128")
    assert environment_proxy(base) == (None, None)


def test_no_proxy_keeps_the_environments_proxy_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://proxy.example:3128")
    monkeypatch.setenv("no_proxy", "internal.example")
    assert environment_proxy("https://api.internal.example") == (None, None)
    assert str(environment_proxy("https://api.example")[0]) == "http://proxy.example:3128"


@pytest.mark.parametrize(
    "address",
    [
        "http://u:canary@h:99999",
        "http://u:canary@[::1",
        *(f"http://u:ca{character}nary@h:1" for character in "#/?["),
        *(f"http://u:12{character}canary@h:1" for character in "#/?"),  # each a valid address of the host `u`
        "socks5://u:canary@h:1",
        "http://",
    ],
)
async def test_a_proxys_address_that_is_none_is_rejected_without_being_shown(
    monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setenv("https_proxy", address)
    session = AsyncSession("token", base_url="https://api.invalid")
    with pytest.raises(InvalidInputError, match="the environment's proxy for https must be") as caught:
        await session.open()
    assert "not open" in repr(session)
    traceback = TracebackException.from_exception(caught.value, capture_locals=True)
    ours = [str(frame.locals) for frame in traceback.stack if "environment_proxy" in frame.name]
    assert ours
    assert "nary" not in "".join(ours) + str(caught.value)


async def test_a_session_that_could_not_be_opened_leaves_its_limiter_to_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "socks5://h:1")
    limiter = RateLimiter()
    with pytest.raises(InvalidInputError):
        await AsyncSession("token", base_url="https://api.invalid", rate_limiter=limiter).open()

    async def use() -> None:
        async with AsyncSession("token", base_url="http://127.0.0.1:9", rate_limiter=limiter):
            pass

    await asyncio.to_thread(asyncio.run, use())


# Certificate authorities.


async def reached(base: str, **settings: Any) -> bool:
    """Tell whether a server's certificate is trusted."""
    try:
        async with AsyncSession("t", base_url=base, retry=ONCE, **settings) as session:
            await session.request("GET", PATH)
    except TLSError:
        return False
    return True


@pytest.mark.parametrize(("trust_env", "trusted"), [(True, True), (False, False)])
async def test_the_certificate_authorities_of_the_environment_are_trusted(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *, trust_env: bool, trusted: bool
) -> None:
    context = certificate(tmp_path, "localhost", days=10)
    async with RawServer(OK, ssl_context=context) as server:
        base = f"https://localhost:{server.port}"
        assert not await reached(base)
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "server.pem"))
        assert await reached(base, trust_env=trust_env) is trusted


@pytest.mark.parametrize(
    ("file", "folder", "trusted"),
    [("server.pem", "missing", True), ("missing.pem", "missing", False), ("missing.pem", ".", False)],
)
async def test_without_the_environment_the_authorities_of_the_machine_are_trusted_if_there_are_any(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *, file: str, folder: str, trusted: bool
) -> None:
    context = certificate(tmp_path, "localhost", days=10)
    paths = ssl.get_default_verify_paths()._replace(
        openssl_cafile=str(tmp_path / file), openssl_capath=str(tmp_path / folder)
    )
    monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: paths)
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere/at/all")
    async with RawServer(OK, ssl_context=context) as server:
        assert await reached(f"https://localhost:{server.port}", trust_env=False) is trusted


@pytest.mark.parametrize(
    ("encoding", "trust", "trusted"),
    [("x509_asn", True, True), ("x509_asn", {"1.3.6.1.5.5.7.3.4"}, False), ("pkcs_7_asn", True, False)],
)
async def test_on_windows_the_authorities_of_its_store_are_trusted_for_all_purposes_only(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, encoding: str, trust: object, *, trusted: bool
) -> None:
    context = certificate(tmp_path, "localhost", days=10)
    _, begin, rest = (tmp_path / "server.pem").read_text(encoding="ascii").partition("-----BEGIN CERTIFICATE-----")
    body, end, _ = rest.partition("-----END CERTIFICATE-----")
    content = ssl.PEM_cert_to_DER_cert(begin + body + end)

    def stored(_: str) -> list[tuple[bytes, str, object]]:
        return [(content, encoding, trust)]

    monkeypatch.setattr(networks, "sys", SimpleNamespace(platform="win32"))
    monkeypatch.setattr(ssl, "enum_certificates", stored, raising=False)
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere/at/all")
    async with RawServer(OK, ssl_context=context) as server:
        assert await reached(f"https://localhost:{server.port}", trust_env=False) is trusted


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "SSL_CERT_DIR"])
async def test_authorities_that_cannot_be_read_are_an_error(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    monkeypatch.setenv(variable, "/nowhere/at/all")
    with pytest.raises(InvalidInputError, match=f"{variable} names nothing"):
        await AsyncSession("t", base_url="https://api.invalid").open()
    async with AsyncSession("t", base_url="https://api.invalid", trust_env=False):
        pass


async def test_an_address_without_tls_needs_no_authorities(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere/at/all")
    async with RawServer(OK) as server:
        assert await reached(f"http://127.0.0.1:{server.port}")


async def test_a_context_that_is_passed_decides_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    context = certificate(tmp_path, "localhost", days=10)
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere/at/all")
    trusting = ssl.create_default_context(cafile=tmp_path / "server.pem")
    async with RawServer(OK, ssl_context=context) as server:
        assert await reached(f"https://localhost:{server.port}", ssl_context=trusting)
        assert not await reached(f"https://localhost:{server.port}", ssl_context=ssl.create_default_context())


# The application's name.


async def test_the_applications_name_stands_before_ours() -> None:
    async with RawServer(OK) as server, AsyncSession("t", base_url=server.url, user_agent="shop/7.1") as session:
        await session.request("GET", PATH)
    assert server.requests[0].headers["user-agent"].startswith("shop/7.1 asyncdbaas/")


@pytest.mark.parametrize("name", ["", "a\nb", " a", "\u00e9", 5, {"secret": "canary"}])
def test_a_name_that_cannot_be_a_header_is_rejected(name: Any) -> None:
    with pytest.raises(InvalidInputError, match="user_agent must be") as caught:
        AsyncSession("t", user_agent=name)
    assert "canary" not in str(caught.value)

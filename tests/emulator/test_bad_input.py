"""Every request gets a response of the service, and the server keeps running."""

from __future__ import annotations

import asyncio
import gc
import gzip
import http.client
import io
import json
import resource
import socket
import sys
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from emulator_http import emulating, until

from asyncdbaas.emulator import Clock, Delays, Emulator, EmulatorError
from asyncdbaas.emulator import server as server_module

UNKNOWN = "9cc10173-e9ea-4176-9dbc-a4cee4c4ff30"


@asynccontextmanager
async def connected(emulator: Emulator) -> AsyncGenerator[tuple[asyncio.StreamReader, asyncio.StreamWriter], None]:
    port = int(emulator.url.rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield reader, writer
    finally:
        writer.close()


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "error parsing request body"),
        (b"{", "error parsing request body"),
        (b"\xff\xfe", "error parsing request body"),
        (b'{"name": NaN}', "error parsing request body"),
        (b'{"name": 1e999}', "error parsing request body"),
        (b'{"name": ' + b"9" * 5000 + b"}", "error parsing request body"),
        (b"[" * 100_000, "error parsing request body"),
        (b"[]", "json: cannot unmarshal the request body into an object"),
        (b"null", "json: cannot unmarshal the request body into an object"),
        (b'"text"', "json: cannot unmarshal the request body into an object"),
        (b'{"name": {}}', 'json: cannot unmarshal dict into field "name" of type string'),
        (b'{"name": "a", "rules": [1]}', 'json: cannot unmarshal int into field "rules" of type object'),
    ],
)
async def test_a_body_that_cannot_be_read_is_a_bad_request(body: bytes, message: str) -> None:
    async with emulating() as (_, call):
        order = {"engine": "pg", "region": "nyc3", "size": "db-s-1vcpu-1gb", "num_nodes": 1}
        if body.endswith(b"[1]}"):
            body = json.dumps(order | json.loads(body)).encode()
        refused = await call("POST", "/v2/databases", data=body)
        assert (refused.status, refused.json["id"], refused.message) == (400, "bad_request", message)
        assert (await call("GET", "/v2/databases")).status == 200


@pytest.mark.parametrize(
    ("method", "path", "what"),
    [
        ("GET", f"/v2/databases/{UNKNOWN}", "cluster"),
        ("DELETE", f"/v2/databases/{UNKNOWN}", "cluster"),
        ("GET", "/v2/databases/not-a-uuid", "cluster"),
        ("GET", "/v2/databases/{pg}/users/x", "user"),
        ("DELETE", "/v2/databases/{pg}/users/x", "user"),
        ("GET", "/v2/databases/{pg}/dbs/x", "database"),
        ("GET", "/v2/databases/{pg}/pools/x", "connection pool"),
        ("GET", "/v2/databases/{pg}/replicas/x", "replica"),
        ("GET", "/v2/databases/{pg}/logsink/x", "log sink"),
        ("DELETE", "/v2/databases/{pg}/online-migration/x", "online migration"),
        ("GET", "/v2/databases/{kafka}/topics/x", "topic"),
        ("DELETE", "/v2/databases/{kafka}/topics/x", "topic"),
        ("GET", "/v2/databases/{kafka}/schema-registry/x", "subject"),
        ("DELETE", "/v2/databases/{opensearch}/indexes/x", "index"),
    ],
)
async def test_what_does_not_exist_is_not_found(method: str, path: str, what: str) -> None:
    async with emulating() as (emulator, call):
        ids = {engine: emulator.add_cluster(engine=engine)["id"] for engine in ("pg", "kafka", "opensearch")}
        missing = await call(method, path.format(**ids))
        assert (missing.status, missing.json["id"], missing.message) == (404, "not_found", f"{what} not found")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("GET", "/v2"),
        ("GET", "/v2/databases/"),
        ("GET", "/v2/databases//topics"),
        ("GET", "/v2/databases/x/y/z"),
        ("PUT", "/v2/databases"),
        ("OPTIONS", "/v2/databases"),
        ("GET", "/v2/databases/metrics/x"),
    ],
)
async def test_an_unknown_route_is_plain_text(method: str, path: str) -> None:
    async with emulating() as (_, call):
        missing = await call(method, path)
        assert (missing.status, missing.text) == (404, "404 page not found\n")


async def test_ten_mebibytes_are_read_and_refused_like_any_other_name() -> None:
    async with emulating() as (emulator, call):
        path = f"/v2/databases/{emulator.add_cluster()['id']}/topics"
        body = io.BytesIO(json.dumps({"name": "a" * 10 * 2**20}).encode())
        assert (await call("POST", path, data=body)).message == "invalid topic name"


async def test_half_of_a_surrogate_pair_in_a_name_comes_back_as_it_was_sent() -> None:
    async with emulating() as (emulator, call):
        path = f"/v2/databases/{emulator.add_cluster(engine='pg')['id']}/dbs"
        body = io.BytesIO(b'{"name": "\\ud800"}')
        made = await call("POST", path, data=body)
        assert (made.status, made.json) == (201, {"db": {"name": "\ud800"}})
        assert "\\ud800" in (await call("GET", path)).text


async def test_a_body_beyond_all_reason_is_refused_and_the_connection_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "MAX_BODY", 1000)
    async with emulating() as (_, call):
        refused = await call("POST", "/v2/databases", data=b"x" * 1001)
        assert (refused.status, refused.headers["connection"]) == (413, "close")
        assert (await call("GET", "/v2/databases")).status == 200


@pytest.mark.parametrize(("packed", "message"), [(False, "invalid cluster name"), (True, "error parsing request body")])
async def test_a_compressed_body_is_not_unpacked(
    caplog: pytest.LogCaptureFixture, message: str, *, packed: bool
) -> None:
    body = b'{"engine": "pg"}'
    async with emulating() as (_, call):
        data, headers = gzip.compress(body) if packed else body, {"Content-Encoding": "gzip"}
        assert (await call("POST", "/v2/databases", data=data, headers=headers)).message == message
    assert caplog.records == []


async def test_a_slow_sender_gets_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "BODY_SECONDS", 0.02)
    async with emulating() as (emulator, call), connected(emulator) as (reader, writer):
        writer.write(b"POST /v2/databases HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n{")
        assert await reader.readline() == b"HTTP/1.1 408 Request Timeout\r\n"
        assert (await call("GET", "/v2/databases")).status == 200


async def test_a_connection_that_sends_nothing_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "IDLE_SECONDS", 0.02)
    async with Emulator() as emulator, connected(emulator) as (silent, _), connected(emulator) as (slow, writer):
        writer.write(b"GET /v2/databases HTTP/1.1\r\nHost: loc")
        async with asyncio.timeout(10):
            assert await silent.read() == b""
            assert await slow.read() == b""


def open_descriptors() -> int:
    return len(list(Path("/dev/fd").iterdir()))


@contextmanager
def descriptors(wanted: int) -> Generator[int]:
    """Raise the limit of file descriptors to a number, or as far as this process may; return how many are free."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, allowed), hard))
    try:
        yield max(soft, allowed) - open_descriptors()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def test_thousands_of_idle_connections_slow_down_no_request() -> None:
    with descriptors(2 * 2000 + 500) as free:
        count = min(2000, free // 2 - 50)  # each has an end in the client and one in the server
        async with emulating() as (emulator, call), AsyncExitStack() as stack:
            address = ("127.0.0.1", int(emulator.url.rpartition(":")[2]))
            for _ in range(count):
                stack.enter_context(socket.create_connection(address, timeout=10))
                await asyncio.sleep(0)  # the server accepts, and its backlog stays short
            await until(lambda: open_descriptors() >= 2 * count)
            assert (await call("GET", "/v2/databases")).status == 200


async def test_what_is_no_http_is_refused() -> None:
    async with emulating() as (emulator, call), connected(emulator) as (reader, writer):
        writer.write(b"nonsense\r\n\r\n")
        assert (await reader.readline()).startswith(b"HTTP/1.")
        assert (await call("GET", "/v2/databases")).status == 200


async def test_a_client_that_asks_before_it_sends_a_body_is_told_to_go_on() -> None:
    async with emulating() as (emulator, _), connected(emulator) as (reader, writer):
        path = f"/v2/databases/{emulator.add_cluster(engine='pg')['id']}/dbs"
        head = f"POST {path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {emulator.token}\r\nContent-Length: 13\r\n"
        writer.write(f"{head}Expect: 100-continue\r\n\r\n".encode())
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(b'{"name": "a"}')
        assert await reader.readline() == b"HTTP/1.1 201 Created\r\n"


async def test_a_request_may_name_the_whole_url() -> None:
    async with emulating() as (emulator, _), connected(emulator) as (reader, writer):
        path = f"/v2/databases/{emulator.add_cluster()['id']}/topics/a%2Fb?per_page=1"
        head = f"Host: a\r\nAuthorization: Bearer {emulator.token}\r\n\r\n"
        writer.write(f"GET {emulator.url}{path} HTTP/1.1\r\n{head}".encode())
        assert await reader.readline() == b"HTTP/1.1 404 Not Found\r\n"
        assert [(seen.operation, seen.path) for seen in emulator.requests] == [("get_topic", path.partition("?")[0])]


async def test_time_stops_when_the_year_9999_ends() -> None:
    seconds = 0.0
    async with emulating(clock=Clock(10**9, source=lambda: seconds)) as (emulator, call):
        path = f"/v2/databases/{emulator.add_cluster(engine='opensearch')['id']}"
        seconds = 1000.0
        assert (await call("PUT", f"{path}/install_update")).status == 204
        events = (await call("GET", f"{path}/events")).json["events"]
        assert events[-1]["create_time"] == "9999-12-31T23:59:59Z"


async def test_of_two_writers_racing_for_a_name_one_gets_it() -> None:
    async with emulating(per_minute=1000) as (emulator, call):
        path = f"/v2/databases/{emulator.add_cluster()['id']}/topics"
        answers = await asyncio.gather(*(call("POST", path, {"name": "orders"}) for _ in range(50)))
        assert sorted(answer.status for answer in answers) == [201] + [422] * 49
        assert emulator.requests.applied["POST", path] == 1


async def test_stopping_does_not_wait_for_answers_that_are_held_back() -> None:
    async with emulating(clock=Clock.stepped()) as (emulator, call):
        fault = emulator.faults.add("*", "delay", delay=1000)
        waiting = asyncio.create_task(call("GET", "/v2/databases"))
        await until(lambda: fault.injected == 1)
        await emulator.stop()
        with pytest.raises(aiohttp.ClientError):
            await waiting


def test_an_order_in_code_that_cannot_be_is_refused() -> None:
    emulator = Emulator()
    with pytest.raises(EmulatorError, match="there is no engine 'oracle'"):
        emulator.add_cluster(engine="oracle")
    with pytest.raises(EmulatorError, match="invalid size"):
        emulator.add_cluster(engine="pg", size="huge")
    with pytest.raises(EmulatorError, match="no setting of a new cluster 'nodes'; did you mean 'num_nodes'"):
        emulator.add_cluster(nodes=6)
    emulator.add_cluster(name="a")
    with pytest.raises(EmulatorError, match="cluster name is not available"):
        emulator.add_cluster(name="a")


def test_scopes_that_are_one_string_are_refused() -> None:
    with pytest.raises(EmulatorError, match=r"scopes must be a list, such as \['database:read'\]"):
        Emulator().add_token("database:read")


def test_a_cluster_without_a_name_gets_one_that_is_free() -> None:
    emulator = Emulator(delays=Delays.none())
    first = emulator.add_cluster()
    assert [first["name"], emulator.add_cluster()["name"]] == ["kafka-1", "kafka-2"]
    emulator.perform("DELETE", f"/v2/databases/{first['id']}")
    assert emulator.add_cluster()["name"] == "kafka-3"


def test_what_code_is_given_does_not_change_later() -> None:
    emulator = Emulator()
    made = emulator.add_cluster(engine="pg", tags=["a"])
    read = emulator.perform("GET", f"/v2/databases/{made['id']}").body["database"]
    emulator.announce_update(made["id"], "a patch")
    assert made["maintenance_window"]["pending"] is read["maintenance_window"]["pending"] is False
    made["tags"].append("b")
    assert emulator.perform("GET", f"/v2/databases/{made['id']}").body["database"]["tags"] == ["a"]


@pytest.mark.parametrize(
    ("prepare", "arguments", "message"),
    [
        (Emulator.turn_into_valkey, (), "kafka cannot be converted to valkey"),
        (Emulator.add_index, ("logs",), "not supported for this cluster type"),
        (Emulator.add_consumer_group, ("orders", "billing"), "topic not found"),
    ],
)
def test_what_cannot_be_prepared_in_code_is_an_error_of_the_emulator(
    prepare: Callable[..., None], arguments: tuple[str, ...], message: str
) -> None:
    emulator = Emulator()
    cluster_id = emulator.add_cluster(engine="kafka")["id"]
    with pytest.raises(EmulatorError, match=message):
        prepare(emulator, cluster_id, *arguments)
    with pytest.raises(EmulatorError, match="cluster not found"):
        prepare(emulator, "no-such-id", *arguments)


async def test_two_emulators_in_one_process_know_nothing_of_each_other() -> None:
    async with emulating() as (first, call), emulating() as (second, other):
        first.add_cluster(name="a")
        assert len((await call("GET", "/v2/databases")).json["databases"]) == 1
        assert (await other("GET", "/v2/databases")).json == {"databases": []}
        assert first.url != second.url


async def test_a_port_that_is_taken_is_an_error_and_leaves_nothing_behind() -> None:
    async with Emulator() as first:
        with pytest.raises(OSError, match="in use"):
            await Emulator(port=int(first.url.rpartition(":")[2])).start()


def test_a_port_that_is_taken_is_an_error_in_a_thread_too() -> None:
    with Emulator() as first, pytest.raises(OSError, match="in use"):
        Emulator(port=int(first.url.rpartition(":")[2])).__enter__()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"time_scale": "60"}, "scale must be a number, not str"),
        ({"time_scale": None}, "scale must be a number, not NoneType"),
        ({"time_scale": -1}, "scale must be from 0 to"),
        ({"time_scale": float("nan")}, "scale must be from 0 to"),
        ({"clock": 5}, "the clock must be a function that returns seconds, not int"),
        ({"keep_requests": "10"}, "keep_requests must be an integer"),
        ({"keep_requests": -1}, "keep_requests must be an integer"),
        ({"per_minute": 0}, "per_minute must be a whole number from 1"),
        ({"per_hour": "5000"}, "per_hour must be a whole number from 1"),
    ],
)
def test_settings_that_make_no_sense_are_refused_by_name(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(EmulatorError, match=message):
        Emulator(**settings)


def test_an_emulator_that_runs_cannot_be_started_again_and_goes_on() -> None:
    with Emulator() as emulator:
        with pytest.raises(EmulatorError, match="is running already"), emulator:
            raise AssertionError
        port = int(emulator.url.rpartition(":")[2])
        connection = http.client.HTTPConnection("127.0.0.1", port)
        connection.request("GET", "/v2/databases")
        assert connection.getresponse().status == 401
        connection.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))


def test_a_connection_that_is_made_just_before_the_emulator_ends_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    left_open: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", left_open.append)
    for _ in range(10):
        with Emulator() as emulator:
            socket.create_connection(("127.0.0.1", int(emulator.url.rpartition(":")[2]))).close()
    gc.collect()
    assert left_open == []

"""The path `/_emulator/` does over HTTP what the object does in code."""

from __future__ import annotations

import json
from functools import cache
from typing import Any, Final

import jsonschema
import pytest
from emulator_http import Caller, emulating

from asyncdbaas.emulator import Clock, Delays, Emulator, admin_routes, page
from asyncdbaas.emulator.routing import Router


@cache
def description() -> Any:
    file = page.find("/openapi.json")
    assert file is not None
    return json.loads(file.body)


def operations() -> dict[tuple[str, str], Any]:
    """Map method and path, with `{}` for each parameter, to the description of an operation."""
    found: dict[tuple[str, str], Any] = {}
    for path, item in description()["paths"].items():
        parts = ["{}" if part.startswith("{") else part for part in path.split("/")]
        for method in ("get", "post", "put", "patch", "delete"):
            if method in item:
                found[method.upper(), "/".join(parts)] = item[method]
    return found


def check(schema: Any, value: Any) -> None:
    validator: Any = jsonschema.Draft202012Validator({**schema, "components": description()["components"]})
    validator.validate(value)


class Described:
    """Send requests to `/_emulator/`, and hold them and their responses against the description."""

    def __init__(self, emulator: Emulator) -> None:
        self.emulator = emulator
        self.seen: set[tuple[str, str]] = set()

    def __call__(self, method: str, path: str, body: Any = None, *, status: int | None = None) -> Any:
        target = f"/_emulator{path}"
        route = route_of(method, target)
        self.seen.add(route)
        operation = operations()[route]
        answer = self.emulator.handle(
            method, target, {"host": "localhost"}, b"" if body is None else json.dumps(body).encode()
        )
        if status is not None:
            assert answer.status == status, answer.body
        response = operation["responses"][str(answer.status)]
        response = (
            description()["components"]["responses"][response["$ref"].rpartition("/")[2]]
            if "$ref" in response
            else response
        )
        if answer.status < 400 and body is not None:
            check(operation["requestBody"]["content"]["application/json"]["schema"], body)
        if not answer.body:
            assert "content" not in response
            return None
        parsed = json.loads(answer.body)
        check(response["content"]["application/json"]["schema"], parsed)
        return parsed


def route_of(method: str, target: str) -> tuple[str, str]:
    match = Router(admin_routes.ROUTES).match(method, target.partition("?")[0].rstrip("/"))
    assert match is not None
    return match.route.method, match.route.path


def test_the_description_names_every_route_and_no_other() -> None:
    routes = {(route.method, route.path): route.operation for route in admin_routes.ROUTES}
    files = {("GET", "/_emulator/ui"): "get_page", ("GET", "/_emulator/openapi.json"): "get_description"}
    assert {route: operation["operationId"] for route, operation in operations().items()} == routes | files


def test_everything_that_code_can_do_can_be_done_from_another_language() -> None:
    emulator = Emulator(clock=Clock.stepped())
    ask = Described(emulator)
    kafka = ask("POST", "/clusters", {"engine": "kafka", "name": "events"}, status=201)["database"]["id"]
    search = ask("POST", "/clusters", {"engine": "opensearch"}, status=201)["database"]["id"]
    redis = ask("POST", "/clusters", {"engine": "redis"}, status=201)["database"]["id"]
    assert emulator.perform("POST", f"/v2/databases/{kafka}/topics", {"name": "orders"}).status == 201
    ask("POST", f"/clusters/{kafka}/consumer_groups", {"topic": "orders", "group": "billing"}, status=204)
    ask("POST", f"/clusters/{search}/indexes", {"name": "logs", "size": 7}, status=204)
    ask("POST", f"/clusters/{redis}/valkey", status=204)
    ask("POST", f"/clusters/{kafka}/updates", {"descriptions": ["a patch"]}, status=204)
    contents = {each: ask("GET", f"/clusters/{each}/contents", status=200)["contents"] for each in (kafka, search)}
    assert [topic["name"] for topic in contents[kafka]["topics"]] == ["orders"]
    assert contents[search]["indexes"][0]["index_name"] == "logs"
    shown = {each["name"]: each for each in ask("GET", "/clusters", status=200)["clusters"]}
    assert [each["engine"] for each in shown.values()] == ["kafka", "opensearch", "valkey"]
    assert shown["events"]["maintenance_window"]["description"] == ["a patch"]

    seed = {
        "clusters": [{"engine": "pg", "name": "shop", "databases": ["orders"]}, {"engine": "kafka", "name": "events"}]
    }
    ask("POST", "/seed", seed, status=204)
    assert len(ask("GET", "/clusters")["clusters"]) == 4, "a cluster whose name exists is left alone"
    token = ask("POST", "/tokens", {"scopes": ["database:read"]}, status=201)["token"]
    assert [each["scopes"] for each in ask("GET", "/tokens", status=200)["tokens"]] == [None, ["database:read"]]
    headers = {"authorization": f"Bearer {token}"}
    assert emulator.handle("POST", "/v2/databases", headers).status == 403
    assert ask("GET", "/limits", status=200)["tokens"][0]["minute"] == 1
    settings = ask("PATCH", "/settings", {"delays": {"create": 7}, "quirks": {"page_size": 2}}, status=200)
    assert settings == ask("GET", "/settings")
    assert (emulator.delays.create, emulator.quirks.page_size) == (7, 2)

    now = ask("GET", "/clock", status=200)["now"]
    assert ask("POST", "/clock", {"minutes": 5}, status=200)["now"] == now + 300
    assert ask("PUT", "/clock", {"scale": 60}, status=200)["scale"] == emulator.clock.scale == 60
    snapshot = ask("GET", "/snapshot", status=200)
    assert ask("GET", "/state", status=200) == snapshot["data"]
    ask("POST", "/reset", status=204)
    ask("PUT", "/snapshot", snapshot, status=204)
    assert ask("GET", "/snapshot")["data"] == snapshot["data"]
    assert ask("GET", "/", status=200)["page"] == "/_emulator/ui"

    fault = ask("POST", "/faults", {"operation": "list_clusters", "kind": "server_error"}, status=201)["fault"]
    assert "never injected: 'server_error' for 'list_clusters'" in ask("GET", "/check", status=409)["message"]
    assert ask("GET", "/faults", status=200)["faults"] == [fault]
    ask("DELETE", f"/faults/{fault['id']}", status=204)
    ask("DELETE", f"/faults/{fault['id']}", status=404)
    ask("GET", "/check", status=204)
    ask("POST", "/faults", {"kind": "delay", "delay": 2}, status=201)
    ask("DELETE", "/faults", status=204)
    assert emulator.handle("GET", "/v2/databases", {"authorization": f"Bearer {emulator.token}"}).status == 200
    seen = ask("GET", "/requests", status=200)
    assert (seen["total"], seen["last"][0]["status"], seen["last"][0]["minute_left"]) == (1, 200, 249)
    assert ask("GET", f"/requests?after={seen['last'][0]['number']}")["last"] == []
    ask("DELETE", "/requests", status=204)
    assert ask.seen == {(route.method, route.path) for route in admin_routes.ROUTES}, "each route is used here"


async def test_a_fault_that_is_added_over_http_is_injected() -> None:
    async with emulating(clock=Clock.stepped()) as (_, call):
        await call("POST", "/_emulator/faults", {"operation": "list_clusters", "kind": "server_error", "times": 1})
        assert [(await call("GET", "/v2/databases")).status for _ in range(2)] == [500, 200]


def test_a_deeply_nested_body_of_a_fault_is_shown_and_sent() -> None:
    emulator, host = Emulator(), {"host": "localhost"}
    body = b"[" * 900 + b"]" * 900
    added = emulator.handle("POST", "/_emulator/faults", host, b'{"kind": "wrong_shape", "body": ' + body + b"}")
    assert added.status == 201
    assert body in emulator.handle("GET", "/_emulator/faults", host).body
    assert emulator.handle("GET", "/v2/databases", {"authorization": f"Bearer {emulator.token}"}).body == body


async def test_a_snapshot_can_be_restored_and_everything_reset() -> None:
    async with emulating() as (emulator, call):
        emulator.add_cluster(name="a")
        snapshot = (await call("GET", "/_emulator/snapshot")).json
        assert (await call("POST", "/_emulator/reset")).status == 204
        assert (await call("GET", "/v2/databases")).json == {"databases": []}
        assert (await call("PUT", "/_emulator/snapshot", snapshot)).status == 204
        assert (await call("GET", "/v2/databases")).json["databases"][0]["name"] == "a"
        assert (await call("PUT", "/_emulator/snapshot", {"format": "other"})).status == 422


async def test_a_reset_returns_to_the_seed() -> None:
    async with emulating() as (emulator, call):
        emulator.seed_from({"clusters": [{"engine": "pg", "name": "shop", "databases": ["orders"]}]})
        shop = (await call("GET", "/v2/databases")).json["databases"][0]["id"]
        assert (await call("DELETE", f"/v2/databases/{shop}/dbs/orders")).status == 204
        await call("POST", "/_emulator/reset")
        assert (await call("GET", f"/v2/databases/{shop}/dbs/orders")).status == 200


async def test_a_reset_takes_back_delays_and_quirks() -> None:
    async with emulating(delays=Delays(create=9)) as (emulator, call):
        emulator.seed_from({"quirks": {"page_size": 5}})
        before = (await call("GET", "/_emulator/settings")).json
        await call("PATCH", "/_emulator/settings", {"delays": {"create": 7}, "quirks": {"page_size": None}})
        await call("POST", "/_emulator/reset")
        assert (await call("GET", "/_emulator/settings")).json == before
        assert (before["delays"]["create"], before["quirks"]["page_size"]) == (9, 5)


SECRET_KINDS: Final = ("kafka", "pg", "mysql", "valkey", "mongodb", "opensearch")


@pytest.mark.parametrize("engine", SECRET_KINDS)
def test_secrets_are_masked_until_asked_for(engine: str) -> None:
    emulator = Emulator()
    cluster_id = emulator.add_cluster(engine=engine)["id"]
    host = {"host": "localhost"}
    paths = ["/_emulator/clusters", f"/_emulator/clusters/{cluster_id}/contents", "/_emulator/tokens"]
    secrets = [emulator.token, "AVNS_", "PRIVATE KEY", "BEGIN CERTIFICATE"]
    for path in paths:
        masked = emulator.handle("GET", path, host).body.decode()
        assert not [secret for secret in secrets if secret in masked]
    shown = "".join(emulator.handle("GET", f"{path}?secrets=true", host).body.decode() for path in paths)
    assert emulator.token in shown
    assert engine == "mongodb" or "AVNS_" in shown, "MongoDB shows its password once, when it is created"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 403),
        ({"host": "localhost:1"}, 200),
        ({"host": "[::1]:1"}, 200),
        ({"host": "127.0.0.2"}, 200),
        ({"host": "evil.example"}, 403),
        ({"host": "127.0.0.1.evil.example"}, 403),
        ({"host": "192.168.0.1"}, 403),
        ({"host": "["}, 403),
        ({"host": "127.0.0.1:8080", "origin": "http://127.0.0.1:8080", "sec-fetch-site": "same-origin"}, 200),
        ({"host": "127.0.0.1:8080", "origin": "http://localhost:3000"}, 403),
        ({"host": "127.0.0.1:8080", "origin": "http://127.0.0.1:3000"}, 403),
        ({"host": "127.0.0.1", "origin": "https://evil.example"}, 403),
        ({"host": "127.0.0.1", "origin": "null"}, 403),
        ({"host": "127.0.0.1", "sec-fetch-site": "cross-site"}, 403),
        ({"host": "127.0.0.1", "sec-fetch-site": "same-site"}, 403),
    ],
)
@pytest.mark.parametrize("path", ["/_emulator/clock", "/_emulator/ui", "/_emulator/ui/script.js"])
def test_only_this_machine_and_no_page_of_another_site_gets_in(headers: dict[str, str], status: int, path: str) -> None:
    assert Emulator().handle("GET", path, headers).status == status


def test_where_other_machines_are_let_in_all_but_the_page_itself_needs_a_token_with_all_scopes() -> None:
    emulator = Emulator(host="0.0.0.0", allow_remote=True)
    reader = emulator.add_token(["database:read"])
    host = {"host": "emulator:8080"}

    def status(path: str, **headers: str) -> int:
        return emulator.handle("GET", path, {**host, **headers}).status

    for path in ("/_emulator", "/_emulator/clock", "/_emulator/clusters", "/_emulator/nothing"):
        assert status(path) == status(path, authorization=f"Bearer {reader}") == 401
        assert status(path, authorization="Basic x") == status(path, authorization="Bearer wrong") == 401
    assert status("/_emulator/clock", authorization=f"Bearer {emulator.token}") == 200
    assert status("/_emulator/clock", authorization=f"Bearer {emulator.token}", origin="http://evil.example") == 403
    assert status("/_emulator/ui") == status("/_emulator/openapi.json") == 200


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.0.1", "example.com", ""])
def test_other_machines_are_let_in_only_if_asked_for(host: str) -> None:
    with pytest.raises(ValueError, match="for other machines; pass allow_remote=True"):
        Emulator(host=host)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.0.0.2", "::1"])
async def test_every_loopback_address_can_be_listened_on(host: str) -> None:
    async with emulating(host=host) as (emulator, call):
        assert (await call("GET", "/v2/databases")).status == 200
        assert emulator.url.startswith(f"http://{'[::1]' if host == '::1' else host}:")


NONSENSE: Final[list[tuple[str, str, Any, int]]] = [
    ("POST", "clock", {"seconds": "1"}, 400),
    ("POST", "clock", {"seconds": -1}, 400),
    ("POST", "clock", {"days": 10**12}, 400),
    ("POST", "clock", {"fortnights": 1}, 400),
    ("POST", "clock", [], 400),
    ("PUT", "clock", {}, 422),
    ("PUT", "clock", {"scale": True}, 422),
    ("PUT", "clock", {"scale": 1e300}, 422),
    ("PUT", "clock", {"scale": -1}, 422),
    ("POST", "faults", {}, 422),
    ("POST", "faults", {"kind": "nonsense"}, 422),
    ("POST", "faults", {"kind": "delay", "delay": "long"}, 422),
    ("POST", "faults", {"kind": "delay", "nonsense": 1}, 422),
    ("POST", "faults", {"kind": "delay", "injected": 1}, 422),
    ("POST", "faults", {"kind": "delay", "operation": "create_topics"}, 422),
    ("POST", "faults", {"kind": "delay", "when": "always"}, 201),
    ("DELETE", "faults/x", None, 404),
    ("POST", "clusters", {"engine": "nonsense"}, 422),
    ("POST", "clusters", {"engine": 7}, 400),
    ("POST", "clusters", {"num_nodes": 77}, 422),
    ("POST", "clusters", {"nodes": 3}, 422),
    ("POST", "clusters", {"self": 1}, 422),
    ("POST", "faults", {"kind": "delay", "self": 1}, 422),
    ("POST", "seed", {"faults": [{"kind": "delay", "function": 1}]}, 422),
    ("POST", "seed", {"faults": [{"kind": ["delay"]}]}, 422),
    ("GET", "clusters/x/contents", None, 404),
    ("POST", "clusters/x/indexes", {"name": "a"}, 404),
    ("POST", "clusters/x/valkey", None, 404),
    ("POST", "clusters/x/updates", {}, 404),
    ("POST", "clusters/x/consumer_groups", {"topic": "a", "group": "b"}, 404),
    ("POST", "seed", {"clusters": [{}]}, 422),
    ("POST", "seed", {"nonsense": []}, 422),
    ("POST", "tokens", {"scopes": "all"}, 400),
    ("PATCH", "settings", {"delays": {"creat": 1}}, 422),
    ("GET", "requests?after=x", None, 400),
    ("POST", "nothing", {}, 404),
    ("PUT", "faults", {}, 404),
]


@pytest.mark.parametrize(("method", "path", "body", "status"), NONSENSE)
def test_wrong_values_are_rejected(method: str, path: str, body: Any, status: int) -> None:
    emulator = Emulator(clock=Clock.stepped())
    answer = emulator.handle(method, f"/_emulator/{path}", {"host": "localhost"}, json.dumps(body).encode())
    assert answer.status == status


@pytest.mark.parametrize(
    ("values", "status", "message"),
    [
        ({"size": "large"}, 400, 'json: cannot unmarshal str into field "size" of type int'),
        ({"status": "broken"}, 422, "invalid status"),
        ({"cluster_id": "a"}, 422, "there is no setting of a new index 'cluster_id'; known: create_time"),
        ({"shards": 2}, 422, "there is no setting of a new index 'shards'"),
        ({"statuss": "open"}, 422, "did you mean 'status'?"),
    ],
)
def test_an_index_that_cannot_be_is_rejected(values: dict[str, Any], status: int, message: str) -> None:
    emulator = Emulator()
    path = f"/_emulator/clusters/{emulator.add_cluster(engine='opensearch')['id']}/indexes"
    refused = emulator.handle("POST", path, {"host": "localhost"}, json.dumps({"name": "a", **values}).encode())
    assert refused.status == status
    assert message in json.loads(refused.body)["message"]
    emulator.restore(emulator.snapshot())


def test_the_admin_path_counts_in_no_limit() -> None:
    emulator = Emulator(per_minute=1)
    for _ in range(3):
        assert emulator.handle("GET", "/_emulator/clock", {"host": "localhost"}).status == 200
    headers = {"authorization": f"Bearer {emulator.token}"}
    assert emulator.handle("GET", "/v2/databases", headers).status == 200
    assert emulator.requests.total == 1


async def test_a_request_of_another_sites_page_changes_nothing() -> None:
    async with emulating() as (emulator, call):
        await _post_as(call, "http://evil.example", "cross-site")
        await _post_as(call, "http://127.0.0.1:3000", "same-site")
        assert not emulator.faults.dump()


async def _post_as(call: Caller, origin: str, site: str) -> None:
    headers = {"Origin": origin, "Sec-Fetch-Site": site}
    answer = await call("POST", "/_emulator/faults", {"kind": "delay"}, headers=headers)
    assert answer.status == 403

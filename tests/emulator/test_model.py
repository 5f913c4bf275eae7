"""The emulator against a simple model: what was made is there, what was deleted is gone, names are unique."""

from __future__ import annotations

import json
from typing import Any

from drawn import examples
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, multiple, rule

from asyncdbaas.emulator import Clock, Delays, Emulator

NAMES = st.sampled_from(["a", "b", "c"])
KINDS = st.sampled_from(["topics", "users"])
BODIES: dict[str, dict[str, Any]] = {"topics": {"partition_count": 3}, "users": {}}


class Model(RuleBasedStateMachine):
    """Clusters by id, each with its topics (name: partitions) and users."""

    clusters = Bundle("clusters")

    def __init__(self) -> None:
        super().__init__()
        self.emulator = Emulator(clock=Clock.stepped(), delays=Delays.none(), per_minute=10**6, per_hour=10**6)
        self.known: dict[str, tuple[str, dict[str, dict[str, int]]]] = {}

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        headers = {"authorization": f"Bearer {self.emulator.token}"}
        answer = self.emulator.handle(method, f"/v2/databases{path}", headers, json.dumps(body).encode())
        self.emulator.clock.advance(seconds=1)
        return answer.status, json.loads(answer.body or b"null")

    @rule(target=clusters, name=NAMES)
    def create_cluster(self, name: str) -> Any:
        order = {"name": name, "engine": "kafka", "region": "nyc3", "size": "gd-2vcpu-8gb", "num_nodes": 3}
        status, body = self.ask("POST", "", order)
        taken = any(name == other for other, _ in self.known.values())
        assert status == (422 if taken else 201)
        if taken:
            return multiple()  # pyright: ignore[reportUnknownVariableType] -- hypothesis types it as of nothing
        assert body["database"]["id"] not in self.known
        self.known[body["database"]["id"]] = (name, {"topics": {}, "users": {"doadmin": 0}})
        return body["database"]["id"]

    @rule(cluster=consumes(clusters))
    def delete_cluster(self, cluster: str) -> None:
        assert self.ask("DELETE", f"/{cluster}")[0] == 204
        assert self.ask("GET", f"/{cluster}")[0] == 404
        assert self.ask("DELETE", f"/{cluster}")[0] == 404
        del self.known[cluster]

    @rule(cluster=clusters, kind=KINDS, name=NAMES)
    def create_child(self, cluster: str, kind: str, name: str) -> None:
        children = self.known[cluster][1][kind]
        status, _ = self.ask("POST", f"/{cluster}/{kind}", {"name": name, **BODIES[kind]})
        assert status == (422 if name in children else 201)
        children.setdefault(name, 3)

    @rule(cluster=clusters, kind=KINDS, name=NAMES)
    def delete_child(self, cluster: str, kind: str, name: str) -> None:
        children = self.known[cluster][1][kind]
        assert self.ask("DELETE", f"/{cluster}/{kind}/{name}")[0] == (204 if name in children else 404)
        children.pop(name, None)

    @rule(cluster=clusters, name=NAMES, count=st.integers(1, 20))
    def set_partitions(self, cluster: str, name: str, count: int) -> None:
        topics = self.known[cluster][1]["topics"]
        status, _ = self.ask("PUT", f"/{cluster}/topics/{name}", {"partition_count": count})
        if name not in topics:
            assert status == 404
        elif count < topics[name]:
            assert status == 422
        else:
            assert status == 200
            topics[name] = count

    @rule()
    def restart(self) -> None:
        snapshot = json.loads(json.dumps(self.emulator.snapshot()))
        self.emulator = Emulator(clock=self.emulator.clock, delays=Delays.none(), per_minute=10**6, per_hour=10**6)
        self.emulator.restore(snapshot)

    @invariant()
    def everything_known_is_listed(self) -> None:
        listed = {each["id"]: each["name"] for each in self.ask("GET", "")[1]["databases"]}
        assert listed == {cluster: name for cluster, (name, _) in self.known.items()}
        for cluster, (_, children) in self.known.items():
            topics = self.ask("GET", f"/{cluster}/topics")[1]["topics"]
            assert {each["name"]: each["partition_count"] for each in topics} == children["topics"]
            users = self.ask("GET", f"/{cluster}/users")[1]["users"]
            assert {each["name"] for each in users} == children["users"].keys()


TestModel = Model.TestCase
TestModel.settings = settings(examples(40), stateful_step_count=30)

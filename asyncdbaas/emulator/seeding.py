"""Preparation of the state by code: changes that do not come through the API."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterable
from itertools import count
from typing import Any, Final

import msgspec

from asyncdbaas.emulator import fields
from asyncdbaas.emulator.clock import rfc3339
from asyncdbaas.emulator.engines import ENGINES
from asyncdbaas.emulator.errors import EmulatorError, refusal_as_error, require_known
from asyncdbaas.emulator.records import Record
from asyncdbaas.emulator.resources import clusters
from asyncdbaas.emulator.resources.changes import convert
from asyncdbaas.emulator.resources.cluster_view import view
from asyncdbaas.emulator.state import State, found

_ORDER: Final = (
    "autoscale backup_restore do_settings engine name num_nodes private_network_uuid project_id region rules size "
    "storage_autoscale storage_size_mib tags version"
)
ORDER_KEYS: Final = frozenset(_ORDER.split())
"""Keys of the body that orders a cluster."""
_INDEX: Final = "number_of_shards number_of_replicas size created_time create_time status health"
_INDEX_KEYS: Final = frozenset(_INDEX.split())
_INDEX_STATUSES: Final = ("unknown", "open", "close", "none")
_INDEX_HEALTHS: Final = ("unknown", "green", "yellow", "red", "red*")


class Seeding:
    """Prepare the state, and make tokens. All methods may be called from any thread."""

    def __init__(self, state: State, *, random_tokens: bool) -> None:
        self._state = state
        self._random_tokens = random_tokens
        self._lock = threading.RLock()

    @property
    def token(self) -> str:
        """A token with all scopes."""
        return self._state.data["token"]

    @property
    def tokens(self) -> dict[str, list[str] | None]:
        """All tokens with their scopes; None allows everything."""
        return dict(self._state.data["tokens"])

    def add_token(self, scopes: Iterable[str] | None = None) -> str:
        """Make another token, with rate-limit windows of its own; `scopes=["database:read"]` makes it read-only."""
        if isinstance(scopes, str):
            raise EmulatorError(f"scopes must be a list, such as [{scopes!r}]")
        with self._lock:
            token = self._new_token()
            self._state.data["tokens"][token] = None if scopes is None else sorted(scopes)
        return token

    def add_cluster(self, /, *, engine: str = "kafka", name: str | None = None, **settings: Any) -> Record:
        """Add a cluster that is online at once, without a request, and return it as the API would show it.

        The default is the smallest that the engine offers. `settings` are keys of the create body. Redis clusters,
        which can no longer be ordered, can be added here.
        """
        require_known(engine, ENGINES, "engine")
        for key in settings:
            require_known(key, ORDER_KEYS, "setting of a new cluster")
        with self._lock, refusal_as_error():
            offer = self._state.offer
            if not offer.has(engine):
                raise EmulatorError(f"engine {engine!r} is not in the offer that the emulator was given")
            self._state.run_due()
            region, smallest = offer.smallest(engine)
            nodes = settings.get("num_nodes", smallest)
            order = {
                "name": name or self._free_name(engine),
                "engine": engine,
                "num_nodes": nodes,
                "size": offer.first_size(engine, nodes),
                "region": region,
                **settings,
            }
            cluster = clusters.new_cluster(self._state, order, any_engine=True)
            clusters.add_cluster(self._state, cluster)
            cluster["visible_at"] = cluster["listed_at"] = 0.0
            clusters.cluster_online(self._state, self._state.clock.now(), cluster["id"])
            shown: Record = msgspec.to_builtins(view(self._state, cluster))  # apart from what happens later
            return shown

    def turn_into_valkey(self, cluster_id: str) -> None:
        """Turn a redis cluster into valkey in place, as the service did: engine and names of settings change."""
        with self._lock, refusal_as_error():
            convert(self._state, self._state.cluster(cluster_id), "valkey")

    def add_index(self, cluster_id: str, name: str, /, **values: Any) -> None:
        """Add an index to an OpenSearch cluster; `values` are keys of the index as the API shows it."""
        for key in values:
            require_known(key, _INDEX_KEYS, "setting of a new index")
        with self._lock, refusal_as_error():
            now = rfc3339(self._state.clock.now())
            indexes = self._state.cluster(cluster_id, "indexes")["indexes"]
            indexes[name] = {
                "index_name": name,
                "number_of_shards": fields.integer(values, "number_of_shards", 1),
                "number_of_replicas": fields.integer(values, "number_of_replicas", 1),
                "size": fields.integer(values, "size", 208),
                "created_time": fields.string(values, "created_time", now),
                "create_time": fields.string(values, "create_time", now),
                "status": fields.choice(values, "status", _INDEX_STATUSES, "open"),
                "health": fields.choice(values, "health", _INDEX_HEALTHS, "green"),
            }

    def add_consumer_group(self, cluster_id: str, topic: str, group: str) -> None:
        """Add a consumer group to each partition of a topic."""
        with self._lock, refusal_as_error():
            topics = self._state.cluster(cluster_id, "topics")["topics"]
            found(topics, topic, "topic")["consumer_groups"].append(group)

    def announce_update(self, cluster_id: str, *descriptions: str) -> None:
        """Announce an update, as the maintenance window shows it."""
        with self._lock, refusal_as_error():
            window = self._state.cluster(cluster_id)["maintenance_window"]
            window["pending"], window["description"] = True, list(descriptions)

    def _free_name(self, engine: str) -> str:
        taken = {cluster["name"] for cluster in self._state.clusters.values()}
        names = (f"{engine.replace('_', '-')}-{number}" for number in count(len(taken) + 1))
        return next(name for name in names if name not in taken)

    def _new_token(self) -> str:
        # Everybody can derive the token from the seed: good enough on this machine, but not for others.
        return "dop_v1_" + (secrets.token_hex(32) if self._random_tokens else self._state.ids.hex(64, "token"))

    def _set_token(self, token: str) -> None:
        self._state.data["token"] = token
        self._state.data["tokens"][token] = None

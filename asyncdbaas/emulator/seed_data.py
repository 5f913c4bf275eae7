"""Seed data: clusters with what is in them, as plain data of a file or of a request.

    {
        "delays": {"create": 60}, "quirks": {"page_size": 20},
        "faults": [{"operation": "create_topic", "kind": "server_error"}],
        "clusters": [
            {
                "engine": "kafka", "name": "events", "num_nodes": 3,
                "topics": ["orders", {"name": "payments", "partition_count": 6, "consumer_groups": ["billing"]}],
                "users": ["shop"],
            },
        ],
    }

Of a cluster, only `engine` is required. All other keys are those of the create request, and the kinds of objects in
`CHILDREN`, whose entries are the bodies of their create requests; a string stands for an object with that name.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

import attrs

from asyncdbaas.emulator import fields
from asyncdbaas.emulator.delays import Delays, Quirks
from asyncdbaas.emulator.errors import EmulatorError, refusal_as_error, suggestion
from asyncdbaas.emulator.records import Record
from asyncdbaas.emulator.seeding import ORDER_KEYS

if TYPE_CHECKING:
    from asyncdbaas.emulator.emulated_service import EmulatedService

CHILDREN: Final = MappingProxyType(
    {
        "topics": ("topics", "name partition_count replication_factor config consumer_groups"),
        "users": ("users", "name settings mysql_settings readonly"),
        "databases": ("dbs", "name"),
        "pools": ("pools", "name mode size db user"),
        "replicas": ("replicas", "name size region tags private_network_uuid storage_size_mib do_settings"),
        "log_sinks": ("logsink", "sink_name sink_type config"),
        "schemas": ("schema-registry", "subject_name schema_type schema"),
    }
)
"""Kinds of objects in a cluster, with the last part of the path that creates them, and the keys of their bodies."""
_KEYS: Final = ("clusters", "delays", "faults", "quirks")
_SettingsT = TypeVar("_SettingsT", Delays, Quirks)


class SeedError(EmulatorError):
    """Seed data cannot be used; nothing of it was applied."""


def apply(emulator: EmulatedService, data: Mapping[str, Any]) -> None:
    """Apply seed data as a whole, or raise `SeedError` and change nothing."""
    before, faults = emulator.snapshot(), {fault["id"] for fault in emulator.faults.dump()}
    delays, quirks = emulator.delays, emulator.quirks
    try:
        _require_keys(data, _KEYS, "seed data")
        wanted = changed(delays, data.get("delays", {})), changed(quirks, data.get("quirks", {}))
        emulator.delays = Delays.none()
        for number, entry in enumerate(_list(data.get("clusters", []), "clusters")):
            _add_cluster(emulator, entry, f"clusters[{number}]")
        for number, entry in enumerate(_list(data.get("faults", []), "faults")):
            place = f"faults[{number}]"
            _try(place, emulator.faults.add_from, _object(entry, place))
        emulator.perform("GET", "/v2/databases")  # runs what is due at once
        emulator.delays, emulator.quirks = wanted
    except BaseException:
        emulator.restore(before)
        for added in emulator.faults.dump():
            if added["id"] not in faults:
                emulator.faults.remove(added["id"])
        emulator.delays, emulator.quirks = delays, quirks
        raise


def changed(settings: _SettingsT, values: Mapping[str, Any]) -> _SettingsT:
    """Return delays or quirks with some fields replaced; `SeedError` for an unknown field or a wrong value."""
    kind = type(settings).__name__.lower()
    _require_keys(values, [field.name for field in attrs.fields(type(settings))], kind)
    try:
        return attrs.evolve(settings, **values)
    except EmulatorError as error:
        raise SeedError(str(error)) from error


def _add_cluster(emulator: EmulatedService, entry: Any, place: str) -> None:
    settings = dict(_object(entry, place))
    _require_keys(settings, {*ORDER_KEYS, *CHILDREN, "indexes"}, place)
    children = {kind: _list(settings.pop(kind, []), f"{place}.{kind}") for kind in CHILDREN}
    indexes = _list(settings.pop("indexes", []), f"{place}.indexes")
    engine, name = settings.pop("engine", None), settings.pop("name", None)
    if not isinstance(engine, str) or not isinstance(name, str | None):
        raise SeedError(f"{place} needs an engine, such as kafka or pg, and its name must be text")
    existing = emulator.perform("GET", "/v2/databases").body["databases"]
    if name is not None and name in (other["name"] for other in existing):
        return
    cluster_id = _try(place, emulator.add_cluster, engine=engine, name=name, **settings)["id"]
    for kind, entries in children.items():
        for number, child in enumerate(entries):
            _add_child(emulator, cluster_id, kind, child, f"{place}.{kind}[{number}]")
    for number, index in enumerate(indexes):
        _add_index(emulator, cluster_id, index, f"{place}.indexes[{number}]")


def _add_child(emulator: EmulatedService, cluster_id: str, kind: str, entry: Any, place: str) -> None:
    body = _named(entry, place)
    path, keys = CHILDREN[kind]
    _require_keys(body, keys.split(), place)
    answer = emulator.perform("POST", f"/v2/databases/{cluster_id}/{path}", body)
    if answer.status >= 400:
        raise SeedError(f"{place}: {answer.body['message']}")
    for group in _try(place, fields.strings, body, "consumer_groups"):
        _try(place, emulator.add_consumer_group, cluster_id, body["name"], group)


def _add_index(emulator: EmulatedService, cluster_id: str, entry: Any, place: str) -> None:
    values = _named(entry, place)
    name = _try(place, fields.required, values, "name")
    del values["name"]
    _try(place, emulator.add_index, cluster_id, name, **values)


def _try(place: str, function: Any, /, *arguments: Any, **named: Any) -> Any:
    try:
        with refusal_as_error():
            return function(*arguments, **named)
    except EmulatorError as error:
        raise SeedError(f"{place}: {error}") from error


def _named(entry: Any, place: str) -> Record:
    return {"name": entry} if isinstance(entry, str) else dict(_object(entry, place))


def _object(value: Any, place: str) -> Record:
    if not isinstance(value, dict):
        raise SeedError(f"{place} must be an object")
    return cast("Record", value)


def _list(value: Any, place: str) -> Sequence[Any]:
    if not isinstance(value, list):
        raise SeedError(f"{place} must be a list")
    return cast("Sequence[Any]", value)


def _require_keys(value: Any, known: Collection[str], place: str) -> None:
    for name in _object(value, place):
        if name not in known:
            raise SeedError(f"{place}: unknown key {name!r}; {suggestion(str(name), known)}")

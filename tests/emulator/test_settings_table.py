"""The emulator's own table of settings against the vendor's description."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import pytest
from description_table import table

from asyncdbaas.emulator.config_data import CONFIG
from asyncdbaas.emulator.setting import Setting

SCHEMAS: Final = {
    "pg": "postgres_advanced_config",
    "mysql": "mysql_advanced_config",
    "redis": "redis_advanced_config",
    "valkey": "valkey_advanced_config",
    "kafka": "kafka_advanced_config",
    "opensearch": "opensearch_advanced_config",
    "mongodb": "mongo_advanced_config",
}
# The description has 2^64-1 as a JSON number that was rounded to a double. Either is a limit for unsigned numbers.
ROUNDED: Final[dict[float | None, int]] = {18446744073709552000: 18446744073709551615}
# The vendor's Go client and Terraform's tests write this one with hyphens.
HYPHENS: Final = "valkey_maxmemory_policy"


def resolved(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """Follow a reference to another schema."""
    if "$ref" not in schema:
        return schema
    found: Mapping[str, Any] = table()["schemas"][schema["$ref"].rpartition("/")[2]]
    return found


def disagreements(schema: Mapping[str, Any], settings: Mapping[str, Setting], place: str) -> Iterator[str]:
    """Yield what the description and the emulator's table say differently, for each setting of an object."""
    properties = schema["properties"]
    yield from (f"{place}{name}: is in one of the two only" for name in properties.keys() ^ settings.keys())
    for name in properties.keys() & settings.keys():
        described, setting = resolved(properties[name]), settings[name]
        if "properties" in described:
            yield from disagreements(described, setting.fields, f"{place}{name}.")
            continue
        low, high = described.get("minimum"), described.get("maximum")
        if low != setting.low or setting.high not in (high, ROUNDED.get(high)):
            yield f"{place}{name}: {low} to {high}, not {setting.low} to {setting.high}"
        if "default" in described and described["default"] != setting.default:
            yield f"{place}{name}: default {described['default']}, not {setting.default}"
        values = {*described.get("enum", ()), *described.get("items", {}).get("enum", ())}
        if {value.replace("_", "-") if name == HYPHENS else value for value in values} != {*setting.values}:
            yield f"{place}{name}: {values}, not {setting.values}"


@pytest.mark.parametrize("engine", SCHEMAS)
def test_names_ranges_values_and_defaults_of_settings_are_the_descriptions(engine: str) -> None:
    assert not list(disagreements(table()["schemas"][SCHEMAS[engine]], CONFIG[engine], ""))


def test_the_settings_of_every_engine_are_compared() -> None:
    assert SCHEMAS.keys() == CONFIG.keys()

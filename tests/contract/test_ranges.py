"""Every range that a docstring of a configuration states is the one that the emulator checks."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Final

import attrs
import pytest
from class_walk import field_texts, field_types, kinds

from asyncdbaas import configs, topics
from asyncdbaas._topic_settings import MAX_INTEGER, PARTITIONS, TOPIC_SETTINGS
from asyncdbaas.emulator.config_data import CONFIG
from asyncdbaas.emulator.resources.topic_config import SETTINGS
from asyncdbaas.emulator.setting import Setting

ENGINES: Final[Mapping[str, Any]] = {
    "kafka": configs.KafkaConfig,
    "mongodb": configs.MongoDBConfig,
    "mysql": configs.MySQLConfig,
    "opensearch": configs.OpenSearchConfig,
    "pg": configs.PostgreSQLConfig,
    "redis": configs.RedisConfig,
    "valkey": configs.ValkeyConfig,
}
# Ranges that are stated otherwise than they are checked.
OTHERWISE: Final = {
    "mysql.max_seeks_for_key": "2**64 - 1, which the description shows rounded, as the docstring says",
    "pg.wal_sender_timeout": "0 is allowed beside the range; the emulator takes all that is between",
}
_RANGE: Final = re.compile(r"(?<![\d.])(-?\d+(?:\.\d+)?) to (-?\d+(?:\.\d+)?)\b")


def _stated(cls: Any, table: Mapping[str, Setting], place: str) -> Iterator[tuple[str, str, Setting]]:
    """Yield the place, text and the emulator's setting of each field of numbers, also in nested groups."""
    for name, text in field_texts(cls).items():
        setting, groups = table.get(name), [kind for kind in kinds(field_types(cls)[name]) if attrs.has(kind)]
        if setting is not None and groups:
            yield from _stated(groups[0], setting.fields, f"{place}.{name}")
        elif setting is not None and setting.kind in ("integer", "number"):
            yield f"{place}.{name}", " ".join(ast.literal_eval(text).split()) if text else "", setting


ALL: Final = [each for engine, cls in ENGINES.items() for each in _stated(cls, CONFIG[engine], engine)]


def test_there_are_as_many_as_there_were() -> None:
    assert sum(bool(_RANGE.search(text)) for _, text, _ in ALL) >= 150


@pytest.mark.parametrize(("place", "text", "setting"), ALL, ids=[place for place, _, _ in ALL])
def test_a_stated_range_is_the_one_that_is_checked(place: str, text: str, setting: Setting) -> None:
    found = _RANGE.search(text)
    if place in OTHERWISE:
        assert found is not None
    elif found is None:
        assert setting.low is None or setting.high is None, f"{place} has a range that its docstring does not state"
    else:
        assert (Decimal(found[1]), Decimal(found[2])) == (Decimal(str(setting.low)), Decimal(str(setting.high)))


def test_a_topics_settings_have_one_range_in_client_and_emulator() -> None:
    """Integers end at 2**63 - 1 in the client, as no broker can hold more; the service takes unsigned ones."""
    for setting in TOPIC_SETTINGS.values():
        theirs = SETTINGS[setting.name]
        if setting.kind in ("integer", "number"):
            assert setting.low == theirs.low, setting.name
            assert theirs.high is not None
            assert setting.high <= theirs.high, setting.name
    for name in ("retention_ms", "retention_bytes"):  # signed in the vendor's Go client, unlike all others
        assert (TOPIC_SETTINGS[name].high, SETTINGS[name].high) == (2**63 - 1, 2**63 - 1)


_DEFAULT: Final = re.compile(r"Default:? `?(no limit|-?[\w.-]+)|[`(]([\w.-]+)`?, the default", re.IGNORECASE)
_KINDS: Final = {int: "integer", float: "number", bool: "boolean", str: "text"}


@pytest.mark.parametrize("name", TOPIC_SETTINGS)
def test_a_setting_has_one_type_and_one_default_in_the_table_and_in_topicconfig(name: str) -> None:
    """The class has no checks of its own: responses are made of it too, and may hold what no catalogue can."""
    setting = TOPIC_SETTINGS[name]
    types = set(kinds(field_types(topics.TopicConfig)[name]))
    assert setting.kind in {_KINDS.get(kind, "choice") for kind in types}
    stated = _DEFAULT.search(field_texts(topics.TopicConfig)[name])
    if stated is not None:
        shown = "no limit" if setting.default == MAX_INTEGER else str(setting.default)
        assert (stated[1] or stated[2]).rstrip(".").lower() == shown.lower()


def test_the_table_has_all_settings_of_topicconfig() -> None:
    assert list(TOPIC_SETTINGS) == list(field_types(topics.TopicConfig))


def test_the_range_of_partitions_that_is_stated_is_the_one_that_is_checked() -> None:
    found = _RANGE.search(field_texts(topics.TopicCreate)["partition_count"])
    assert found is not None
    assert (int(found[1]), int(found[2])) == PARTITIONS

"""Bodies of the wrong class and names that are no strings are rejected, and neither sent nor quoted."""

from __future__ import annotations

from typing import Any, Final

import attrs
import pytest
from class_walk import attrs_classes
from operations import FUNCTIONS, operation
from recorder import CLUSTER, payload_hints, recording

from asyncdbaas import AsyncSession, InvalidInputError, clusters, configs, maintenance, pools, topics, users

SECRET: Final = "s3cret-canary"


@attrs.frozen
class Unrelated:
    password: str = SECRET


WITH_CLASSES: Final = [
    name for name in FUNCTIONS if any(attrs_classes(hint) for hint in payload_hints(operation(name)).values())
]
WRONG: Final[list[Any]] = [
    SECRET,
    SECRET.encode(),
    {"password": SECRET},
    [SECRET],
    None,
    5,
    Unrelated(),
    users.User(name=SECRET),
]


async def rejected(name: str, parts: list[Any], /, **arguments: Any) -> str:
    """Return the message of the error with which a function rejects its arguments; nothing must be sent."""
    async with recording(None) as recorder, AsyncSession("t", base_url=recorder.url) as session:
        with pytest.raises(InvalidInputError) as caught:
            await operation(name).function(session, *parts, **arguments)
        assert recorder.seen == []
    assert SECRET not in f"{caught.value} {caught.value!r}"
    return str(caught.value)


def good_parts(name: str) -> list[Any]:
    return [CLUSTER if part == "cluster_id" else "x" for part in operation(name).parts]


@pytest.mark.parametrize("name", [name for name in WITH_CLASSES if name != "configs.get_config"])
async def test_a_body_of_another_class_is_rejected_with_the_class_to_use(name: str) -> None:
    hints = payload_hints(operation(name))
    parameter = next(key for key, hint in hints.items() if attrs_classes(hint))
    others = dict.fromkeys(hints.keys() - {parameter}, "x")
    for wrong in WRONG:
        message = await rejected(name, good_parts(name), **others, **{parameter: wrong})
        assert f"{parameter} must be " in message
        assert any(cls.__name__ in message for cls in attrs_classes(hints[parameter]))


async def test_a_name_in_place_of_a_topic() -> None:
    message = await rejected("topics.create_topic", [CLUSTER], topic="orders")
    assert message == "topic must be TopicCreate(...), not str"
    message = await rejected("topics.create_topic", [CLUSTER], topic=topics.Topic(name="orders"))
    assert message == "topic must be TopicCreate(...), not Topic"


CLUSTER_DICT: Final = {"id": CLUSTER, "connection": {"password": SECRET}}


@pytest.mark.parametrize("wrong", [CLUSTER_DICT, [SECRET], SECRET.encode(), f"pg://u:{SECRET}@host/{'x' * 300}"])
@pytest.mark.parametrize("name", [name for name in FUNCTIONS if operation(name).parts])
async def test_no_part_of_a_path_is_quoted_before_it_is_known_to_be_a_name(name: str, wrong: Any) -> None:
    for index, part in enumerate(operation(name).parts):
        if part == "cluster_id" or not isinstance(wrong, str):
            parts = good_parts(name)
            parts[index] = wrong
            await rejected(name, parts, **_any_payload(name))


def _any_payload(name: str) -> dict[str, Any]:
    return {key: {} for key in payload_hints(operation(name))}


@pytest.mark.parametrize("wrong", [CLUSTER_DICT, [SECRET], SECRET.encode(), 7, None])
async def test_no_other_argument_is_quoted(wrong: Any) -> None:
    await rejected("clusters.upgrade_cluster", [CLUSTER], version=wrong)
    await rejected("configs.get_config", [CLUSTER], into=wrong)
    await rejected("eviction_policy.set_eviction_policy", [CLUSTER], policy=wrong)
    await rejected("firewall.replace_firewall_rules", [CLUSTER], rules=[wrong])
    await rejected("settings.update_settings", [CLUSTER], service_cnames={"a": wrong})
    await rejected("sql_mode.set_sql_mode", [CLUSTER], modes=[wrong])
    if wrong is not None:
        await rejected("users.reset_user_auth", [CLUSTER, "app"], auth_plugin=wrong)


@pytest.mark.parametrize("wrong", [CLUSTER_DICT, [SECRET], SECRET.encode(), f"pg://u:{SECRET}@host", 7, None])
def test_no_field_of_a_request_class_is_quoted(wrong: Any) -> None:
    long: Any = wrong * 9 if isinstance(wrong, str) else wrong
    makers: list[Any] = [
        lambda: topics.TopicCreate(name=wrong),
        lambda: pools.PoolCreate(name=long, mode=pools.PoolMode.SESSION, size=1, db="x"),
        lambda: maintenance.MaintenanceWindowUpdate(day=wrong, hour="10:00"),
        lambda: maintenance.MaintenanceWindowUpdate(day=maintenance.Weekday.MONDAY, hour=wrong),
    ]
    for make in makers:
        with pytest.raises(InvalidInputError) as caught:
            make()
        assert SECRET not in str(caught.value)


async def test_another_engines_config_class_is_named() -> None:
    assert "not Cluster" in await rejected("configs.get_config", [CLUSTER], into=clusters.Cluster)
    assert configs.MySQLConfig.__name__ in await rejected("configs.get_config", [CLUSTER], into=dict)

"""The pytest plugin, in test runs of its own: with pytest-asyncio, with anyio, and with neither."""

from __future__ import annotations

import pytest

pytest_plugins = ["pytester"]

ASYNCIO = """
import pytest
from asyncdbaas import databases, topics
from asyncdbaas.emulator import Delays
from asyncdbaas.errors import ServerError

@pytest.mark.asyncio
async def test_a_session_is_open_on_the_emulator(emulator, session, faults):
    cluster = emulator.add_cluster(engine="kafka")
    faults.add("create_topic", "server_error")
    with pytest.raises(ServerError):
        await topics.create_topic(session, cluster["id"], topics.TopicCreate(name="a"))
    await topics.create_topic(session, cluster["id"], topics.TopicCreate(name="a"))
    assert [topic.state for topic in await topics.list_topics(session, cluster["id"])] == ["active"]

@pytest.mark.asyncio
async def test_each_test_has_an_emulator_of_its_own(emulator, session):
    assert len(emulator.requests) == 0

@pytest.mark.emulator(delays=Delays(topic=100_000), time_scale=600)
class TestMarked:
    @pytest.mark.asyncio
    @pytest.mark.emulator(per_minute=3)
    async def test_a_marker_changes_the_emulator_and_the_session_knows(self, emulator, session):
        cluster = emulator.add_cluster(engine="kafka")
        await topics.create_topic(session, cluster["id"], topics.TopicCreate(name="a"))
        assert (await topics.get_topic(session, cluster["id"], "a")).state == "configuring"
        assert session.rate_limiter.forecast(4) > 0
        for _ in range(4):
            await topics.list_topics(session, cluster["id"])
        assert emulator.requests.statuses[429] == 0

@pytest.mark.asyncio
@pytest.mark.emulator(tls=True)
async def test_the_session_trusts_an_emulator_with_tls(emulator, session):
    assert emulator.url.startswith("https:")
    cluster = emulator.add_cluster(engine="kafka")
    await topics.create_topic(session, cluster["id"], topics.TopicCreate(name="a"))
    assert len(await topics.list_topics(session, cluster["id"])) == 1
"""

ANYIO = """
import pytest
from asyncdbaas import topics

pytestmark = pytest.mark.anyio

@pytest.fixture
def anyio_backend():
    return "asyncio"

async def test_a_session_is_open_on_the_emulator(emulator, session):
    cluster = emulator.add_cluster(engine="kafka")
    await topics.create_topic(session, cluster["id"], topics.TopicCreate(name="a"))
    assert len(await topics.list_topics(session, cluster["id"])) == 1
"""

PLAIN = """
import json
import urllib.request

def test_a_test_without_an_event_loop_has_an_emulator_too(emulator):
    emulator.add_cluster(name="a")
    request = urllib.request.Request(
        emulator.url + "/v2/databases", headers={"Authorization": "Bearer " + emulator.token}
    )
    with urllib.request.urlopen(request) as answer:
        assert json.load(answer)["databases"][0]["name"] == "a"
"""


@pytest.mark.parametrize("mode", ["strict", "auto"])
def test_it_works_with_pytest_asyncio(pytester: pytest.Pytester, mode: str) -> None:
    pytester.makepyfile(ASYNCIO)
    pytester.makeini(
        f"[pytest]\nasyncio_mode = {mode}\nasyncio_default_fixture_loop_scope = function\nfilterwarnings = error\n"
        "addopts = --strict-markers"
    )
    pytester.runpytest_inprocess().assert_outcomes(passed=4)


def test_it_works_with_anyio_beside_pytest_asyncio(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(ANYIO)
    pytester.makeini("[pytest]\nasyncio_default_fixture_loop_scope = function\nfilterwarnings = error")
    pytester.runpytest_inprocess().assert_outcomes(passed=1)


def test_it_works_with_anyio_alone_and_with_neither(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_anyio=ANYIO, test_plain=PLAIN)
    pytester.makeini("[pytest]\nfilterwarnings = error")
    pytester.runpytest_inprocess("-p", "no:asyncio").assert_outcomes(passed=2)

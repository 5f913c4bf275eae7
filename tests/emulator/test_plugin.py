"""The pytest plugin, in test runs of its own: with pytest-asyncio, with anyio, and with neither."""

from __future__ import annotations

import subprocess
import sys
from typing import Final

import pytest

from asyncdbaas.emulator import certificates

pytest_plugins = ["pytester"]
# pytester forgets what an inner run has imported, and cryptography cannot be imported twice in a process.
certificates.make_authority("loads cryptography")

ASYNCIO = """
import pytest
from asyncdbaas import databases, hooks, topics
from asyncdbaas.emulator import Delays
from asyncdbaas.errors import ServerError

@pytest.mark.asyncio
async def test_a_session_is_open_on_the_emulator(dbaas_emulator, dbaas_session, dbaas_faults):
    cluster = dbaas_emulator.add_cluster(engine="kafka")
    dbaas_faults.add("create_topic", "server_error")
    with pytest.raises(ServerError):
        await topics.create_topic(dbaas_session, cluster["id"], topics.TopicCreate(name="a"))
    await topics.create_topic(dbaas_session, cluster["id"], topics.TopicCreate(name="a"))
    assert [topic.state for topic in await topics.list_topics(dbaas_session, cluster["id"])] == ["active"]

@pytest.mark.asyncio
async def test_each_test_has_an_emulator_of_its_own(dbaas_emulator, dbaas_session):
    assert len(dbaas_emulator.requests) == 0

@pytest.mark.asyncio
async def test_retries_do_not_wait(dbaas_emulator, dbaas_session, dbaas_faults):
    cluster, delays = dbaas_emulator.add_cluster(engine="kafka"), []
    dbaas_faults.add("list_topics", "server_error", times=3)
    dbaas_faults.add("list_topics", "rate_limit")
    dbaas_faults.add("list_topics", "hourly_limit")
    def listen(event):
        if isinstance(event, hooks.RetryScheduled):
            delays.append(event.delay)
    with dbaas_session.listening(listen):
        assert await topics.list_topics(dbaas_session, cluster["id"]) == []
    assert delays == [0] * 5

@pytest.mark.dbaas(delays=Delays(topic=100_000), time_scale=600)
class TestMarked:
    @pytest.mark.asyncio
    @pytest.mark.dbaas(per_minute=3)
    async def test_a_marker_changes_the_emulator_and_the_session_knows(self, dbaas_emulator, dbaas_session):
        cluster = dbaas_emulator.add_cluster(engine="kafka")
        await topics.create_topic(dbaas_session, cluster["id"], topics.TopicCreate(name="a"))
        assert (await topics.get_topic(dbaas_session, cluster["id"], "a")).state == "configuring"
        assert dbaas_session.rate_limiter.forecast(4) > 0
        for _ in range(4):
            await topics.list_topics(dbaas_session, cluster["id"])
        assert dbaas_emulator.requests.statuses[429] == 0

@pytest.mark.asyncio
@pytest.mark.dbaas(tls=True)
async def test_the_session_trusts_an_emulator_with_tls(dbaas_emulator, dbaas_session):
    assert dbaas_emulator.url.startswith("https:")
    cluster = dbaas_emulator.add_cluster(engine="kafka")
    await topics.create_topic(dbaas_session, cluster["id"], topics.TopicCreate(name="a"))
    assert len(await topics.list_topics(dbaas_session, cluster["id"])) == 1
"""

LOOP_SCOPES = """
import asyncio
import pytest
import pytest_asyncio
from asyncdbaas import clusters

@pytest_asyncio.fixture(loop_scope="module")
async def cluster(dbaas_emulator, dbaas_session):
    dbaas_emulator.add_cluster(name="a")
    return (await clusters.list_clusters(dbaas_session))[0]

@pytest.mark.asyncio(loop_scope="function")
async def test_in_a_loop_of_its_own(dbaas_session):
    assert await clusters.list_clusters(dbaas_session) == []

@pytest.mark.asyncio(loop_scope="class")
class TestInAClass:
    async def test_in_the_classs_loop(self, dbaas_session):
        assert await clusters.list_clusters(dbaas_session) == []

    async def test_in_the_same_loop(self, dbaas_session):
        assert await clusters.list_clusters(dbaas_session) == []

@pytest.mark.asyncio(loop_scope="module")
async def test_in_the_modules_loop_with_a_fixture_of_the_users_own(cluster, dbaas_session):
    assert (await clusters.get_cluster(dbaas_session, cluster.id)).name == "a"

@pytest.mark.asyncio(loop_scope="package")
async def test_in_the_packages_loop(dbaas_session):
    assert await clusters.list_clusters(dbaas_session) == []

@pytest.mark.asyncio(loop_scope="session")
async def test_in_the_runs_loop(dbaas_session):
    assert await clusters.list_clusters(dbaas_session) == []

@pytest.mark.asyncio
async def test_in_the_default_loop(dbaas_session):
    assert await clusters.list_clusters(dbaas_session) == []
"""

UNMARKED = """
import pytest
from asyncdbaas import topics

async def test_a_session_is_open_on_the_emulator(dbaas_emulator, dbaas_session):
    cluster = dbaas_emulator.add_cluster(engine="kafka")
    await topics.create_topic(dbaas_session, cluster["id"], topics.TopicCreate(name="a"))
    assert len(await topics.list_topics(dbaas_session, cluster["id"])) == 1
"""
ON_ASYNCIO = """
@pytest.fixture
def anyio_backend():
    return "asyncio"
"""
BY_MODULE_MARKER = UNMARKED + ON_ASYNCIO + "\npytestmark = pytest.mark.anyio\n"
BY_MARKER = UNMARKED.replace("async def test", "@pytest.mark.anyio\nasync def test") + ON_ASYNCIO
BY_BACKEND_FIXTURE = BY_MARKER.replace("(dbaas_emulator, ", "(anyio_backend, dbaas_emulator, ")
BY_MODE = UNMARKED + ON_ASYNCIO

PLAIN = """
import asyncio
import json
import urllib.error
import urllib.request
import pytest
from asyncdbaas import AsyncSession, clusters

def ask(emulator):
    request = urllib.request.Request(
        emulator.url + "/v2/databases", headers={"Authorization": "Bearer " + emulator.token}
    )
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)["databases"]

def test_a_test_without_an_event_loop_has_an_emulator_too(dbaas_emulator, dbaas_faults):
    dbaas_emulator.add_cluster(name="a")
    dbaas_faults.add("list_clusters", "server_error")
    with pytest.raises(urllib.error.HTTPError):
        ask(dbaas_emulator)
    assert ask(dbaas_emulator)[0]["name"] == "a"

def test_a_plain_test_opens_a_session_in_its_own_loop(dbaas_emulator):
    async def main():
        async with AsyncSession(dbaas_emulator.token, base_url=dbaas_emulator.url) as session:
            return await clusters.list_clusters(session)
    assert asyncio.run(main()) == []
"""

FAULTS = """
import pytest
from asyncdbaas import clusters

@pytest.mark.asyncio
async def test_unused(dbaas_session, dbaas_faults):
    dbaas_faults.add("create_topic", "server_error")
    await clusters.list_clusters(dbaas_session)

@pytest.mark.asyncio
async def test_optional(dbaas_session, dbaas_faults):
    dbaas_faults.add("create_topic", "server_error", optional=True)
    await clusters.list_clusters(dbaas_session)

def test_unknown(dbaas_faults):
    with pytest.raises(ValueError, match="no operation 'create_topics'; did you mean 'create_topic'"):
        dbaas_faults.add("create_topics", "server_error")

def test_checked(dbaas_faults):
    dbaas_faults.add("create_topic", "server_error")
    with pytest.raises(AssertionError, match="never injected: 'server_error' for 'create_topic'"):
        dbaas_faults.check()
    dbaas_faults.clear()
"""

ASYNCIO_INI: Final = "asyncio_default_fixture_loop_scope = function\n"


def run(pytester: pytest.Pytester, *options: str, ini: str = "") -> pytest.RunResult:
    pytester.makeini(f"[pytest]\nfilterwarnings = error\naddopts = --strict-markers\n{ini}")
    return pytester.runpytest_inprocess(*options)


@pytest.mark.parametrize("mode", ["strict", "auto"])
def test_it_works_with_pytest_asyncio(pytester: pytest.Pytester, mode: str) -> None:
    pytester.makepyfile(ASYNCIO)
    run(pytester, ini=f"{ASYNCIO_INI}asyncio_mode = {mode}").assert_outcomes(passed=5)


@pytest.mark.parametrize("mode", ["strict", "auto"])
@pytest.mark.parametrize("default", ["function", "session"])
def test_it_works_in_every_loop_scope(pytester: pytest.Pytester, mode: str, default: str) -> None:
    pytester.makepyfile(LOOP_SCOPES)
    ini = f"{ASYNCIO_INI}asyncio_mode = {mode}\nasyncio_default_test_loop_scope = {default}"
    run(pytester, ini=ini).assert_outcomes(passed=7)


@pytest.mark.parametrize("code", [BY_MODULE_MARKER, BY_MARKER, BY_BACKEND_FIXTURE], ids=["module", "test", "fixture"])
@pytest.mark.parametrize("asyncio", [True, False])
def test_it_works_with_anyio_by_marker(pytester: pytest.Pytester, code: str, *, asyncio: bool) -> None:
    pytester.makepyfile(code)
    options, ini = ((), ASYNCIO_INI) if asyncio else (("-p", "no:asyncio"), "")
    run(pytester, *options, ini=ini).assert_outcomes(passed=1)


@pytest.mark.parametrize("asyncio", [True, False])
def test_it_works_with_anyio_by_mode(pytester: pytest.Pytester, *, asyncio: bool) -> None:
    pytester.makepyfile(BY_MODE)
    options, ini = ((), ASYNCIO_INI) if asyncio else (("-p", "no:asyncio"), "")
    run(pytester, *options, ini=f"{ini}anyio_mode = auto").assert_outcomes(passed=1)


def test_a_test_that_both_plugins_claim_says_how_to_choose(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(BY_MARKER)
    result = run(pytester, ini=f"{ASYNCIO_INI}asyncio_mode = auto")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["pytest-asyncio runs this test, and anyio*set asyncio_mode = strict*"])


def test_it_works_without_a_plugin_in_plain_tests(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(PLAIN)
    run(pytester, "-p", "no:asyncio", "-p", "no:anyio").assert_outcomes(passed=2)


@pytest.mark.long
def test_it_works_under_xdist(pytester: pytest.Pytester) -> None:
    pytest.importorskip("xdist")
    pytester.makepyfile(LOOP_SCOPES)
    pytester.makeini(f"[pytest]\n{ASYNCIO_INI}")
    pytester.runpytest_subprocess("-n", "2").assert_outcomes(passed=7)


@pytest.mark.parametrize(
    ("code", "options", "message"),
    [
        (
            UNMARKED,
            ("-p", "no:asyncio", "-p", "no:anyio"),
            "a pytest plugin*pip install pytest-asyncio*asyncio_mode = auto*",
        ),
        (UNMARKED, (), "a pytest plugin*mark the test with @pytest.mark.asyncio*"),
        (UNMARKED.replace("async def", "def").replace("await ", ""), (), "an async test. In a plain test*"),
        (BY_MARKER.replace('"asyncio"', '"trio"'), (), "asyncio*Define a fixture anyio_backend*"),
    ],
)
def test_a_session_that_cannot_be_opened_says_what_to_do(
    pytester: pytest.Pytester, code: str, options: tuple[str, ...], message: str
) -> None:
    pytester.makepyfile(code)
    result = run(pytester, *options, ini="" if options else ASYNCIO_INI)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([f"dbaas_session needs {message}"])


def test_a_fault_that_is_never_injected_fails_its_test_unless_it_is_optional(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(FAULTS)
    result = run(pytester, ini=ASYNCIO_INI)
    result.assert_outcomes(passed=3, failed=1)
    result.stdout.fnmatch_lines(["never injected: 'server_error' for 'create_topic'; no request was one*"])


@pytest.mark.parametrize("name", ["session", "emulator", "faults"])
def test_it_takes_no_fixture_name_of_other_plugins(pytester: pytest.Pytester, name: str) -> None:
    pytester.makepyfile(f"def test_theirs({name}): ...")
    result = run(pytester, ini=ASYNCIO_INI)
    result.stdout.fnmatch_lines([f"*fixture '{name}' not found"])


OLD_PYTEST_ASYNCIO: Final = """
import functools, pytest_asyncio
new = pytest_asyncio.fixture
def fixture(fixture_function=None, *, scope="function", params=None, autouse=False, ids=None, name=None):
    return new(fixture_function, scope=scope, params=params, autouse=autouse, ids=ids, name=name)
pytest_asyncio.fixture = fixture
def pytest_unconfigure():
    pytest_asyncio.fixture = new
"""
USES_SESSION: Final = UNMARKED.replace("async def test", "@pytest.mark.asyncio\nasync def test")


def test_a_pytest_asyncio_without_loop_scopes_breaks_no_other_test(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(OLD_PYTEST_ASYNCIO)
    pytester.makepyfile(test_theirs="def test_theirs(): pass", test_ours=USES_SESSION)
    result = run(pytester, ini=ASYNCIO_INI)
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["dbaas_session needs pytest-asyncio 0.24 or newer*"])


def test_a_pytest_asyncio_without_a_default_loop_scope_gets_the_scope_of_the_function(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    get = pytest.Config.getini

    def getini(config: pytest.Config, name: str) -> object:
        """Do as before 0.26."""
        if name == "asyncio_default_test_loop_scope" and "pytest_plugin" in sys._getframe(1).f_code.co_filename:
            raise ValueError(f"unknown configuration value: {name!r}")
        return get(config, name)

    monkeypatch.setattr(pytest.Config, "getini", getini)
    pytester.makepyfile(USES_SESSION)
    run(pytester, ini=ASYNCIO_INI).assert_outcomes(passed=1)


def test_pytest_asyncio_is_found_by_whatever_name_it_is_loaded(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.makepyfile(USES_SESSION)
    pytester.makeini(f"[pytest]\nfilterwarnings = error\n{ASYNCIO_INI}")
    # In a process of its own: older versions of pytest warn of a plugin that was imported before.
    ran = pytester.runpytest_subprocess("-p", "asyncdbaas.pytest_plugin", "-p", "pytest_asyncio.plugin")
    ran.assert_outcomes(passed=1)


def test_loading_it_loads_no_client_and_no_emulator() -> None:
    code = (
        "import sys, pytest; before = set(sys.modules); import asyncdbaas.pytest_plugin;"
        "print(*sorted(set(sys.modules) - before))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = {"aiohttp", "attr", "attrs", "cattrs", "msgspec", "yarl", "asyncio", "anyio", "pytest_asyncio"}
    loaded = set(ran.stdout.split())
    assert not loaded & heavy
    assert not [name for name in loaded if name.startswith(("asyncdbaas.emulator", "asyncdbaas.session"))]


@pytest.mark.parametrize(
    ("options", "message"),
    [("5", "takes its options by name"), ("per_minut=5, seeds=1", "has no option per_minut, seeds")],
)
def test_a_marker_with_other_options_than_the_emulators_fails_its_test(
    pytester: pytest.Pytester, options: str, message: str
) -> None:
    code = f"import pytest\n@pytest.mark.dbaas({options})\ndef test_a(dbaas_emulator): pass"
    pytester.makepyfile(code)
    result = run(pytester, ini=ASYNCIO_INI)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(f"*the marker dbaas {message}; they are those of Emulator: *per_minute*")

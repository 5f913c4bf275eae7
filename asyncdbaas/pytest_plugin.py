"""Fixtures for tests of code that uses the API: an emulator, a session on it, and faults.

    async def test_orders_get_a_topic(dbaas_emulator, dbaas_session, dbaas_faults):
        cluster = dbaas_emulator.add_cluster(engine="kafka")
        dbaas_faults.add("create_topic", "server_error")
        ...

pytest loads this module automatically if the package is installed.

`dbaas_emulator`
    A new emulator for each test, in a thread of its own, so that it serves async and plain tests alike. Changes take
    effect at once (`Delays.none()`), and the rate limits are too high to matter. The marker `dbaas` takes other
    options of `Emulator`: `@pytest.mark.dbaas(per_minute=250, delays=Delays(), time_scale=60)`. Until the test ends,
    no retry waits, in any session (`asyncdbaas.retry.without_waits`).
`dbaas_session`
    An `AsyncSession` that is open in the event loop of the test, whichever plugin runs it: pytest-asyncio (any mode
    and loop scope) or anyio. It knows the emulator's rate limits, and trusts its certificate with `tls=True`.
`dbaas_faults`
    The emulator's faults. A test fails if one of its faults was never injected, unless it was added with
    `optional=True`.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Generator, Iterable, Mapping
from contextlib import asynccontextmanager
from inspect import iscoroutinefunction, signature
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final, NoReturn

import pytest

if TYPE_CHECKING:
    from asyncdbaas.emulator import Emulator, Faults
    from asyncdbaas.session import AsyncSession

__all__ = ["dbaas_emulator", "dbaas_faults", "dbaas_session", "pytest_configure", "pytest_runtest_call"]

_EMULATOR: Final = pytest.StashKey["Emulator"]()
_PYTEST_ASYNCIO: Final = "pytest_asyncio.plugin"
_LOOP_SCOPES: Final = ("function", "class", "module", "package", "session")
_NEEDS_PLUGIN: Final = (
    "dbaas_session needs a pytest plugin that runs coroutines, and no plugin runs this test. "
    "Install pytest-asyncio (pip install pytest-asyncio) and mark the test with @pytest.mark.asyncio, or set "
    "asyncio_mode = auto; or install anyio and mark it with @pytest.mark.anyio."
)
_NEEDS_COROUTINE: Final = (
    "dbaas_session needs an async test. In a plain test, open a session on the emulator inside the event loop that "
    "you start: AsyncSession(dbaas_emulator.token, base_url=dbaas_emulator.url)."
)
_NEEDS_ASYNCIO: Final = (
    "dbaas_session needs asyncio, and anyio runs this test on another backend. "
    'Define a fixture anyio_backend that returns "asyncio".'
)
_NEEDS_NEWER: Final = "dbaas_session needs pytest-asyncio 0.24 or newer: pip install --upgrade pytest-asyncio."
_CLAIMED_TWICE: Final = (
    "pytest-asyncio runs this test, and anyio would set up its async fixtures in another event loop. "
    "Remove the anyio marker (or anyio_mode = auto), or set asyncio_mode = strict."
)


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker, and the fixtures that need pytest-asyncio if it is there."""
    config.addinivalue_line("markers", "dbaas(**options): options of the emulator that dbaas_emulator runs")
    if _runs_pytest_asyncio(config) and _has_loop_scopes():
        config.pluginmanager.register(_asyncio_fixtures())


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Fail a test that has passed although one of its faults was never injected."""
    result = yield
    if (emulator := item.stash.get(_EMULATOR, None)) is not None:
        from asyncdbaas.emulator import UnusedFaultError  # loaded already, by the fixture

        try:
            emulator.check()
        except UnusedFaultError as error:
            pytest.fail(str(error), pytrace=False)
    return result


@pytest.fixture
def dbaas_emulator(request: pytest.FixtureRequest) -> Generator[Emulator]:
    """Run an emulator for this test; the marker `dbaas` takes its options."""
    from asyncdbaas.emulator import Delays, Emulator  # loaded where it is used: most test runs need neither
    from asyncdbaas.retry import without_waits

    options: dict[str, Any] = {
        "delays": Delays.none(),
        "per_minute": 100_000,  # enough for any test; one that is about limits sets its own
        "per_hour": 1_000_000,
    }
    for marker in reversed(list(request.node.iter_markers("dbaas"))):  # the closest marker wins
        options |= _named(marker, signature(Emulator).parameters)
    with without_waits(), Emulator(**options) as running:
        request.node.stash[_EMULATOR] = running
        yield running


@pytest.fixture
def dbaas_faults(dbaas_emulator: Emulator) -> Faults:
    """Return the emulator's faults: `dbaas_faults.add("create_topic", "server_error", times=2)`."""
    return dbaas_emulator.faults


@pytest.fixture
def dbaas_session(request: pytest.FixtureRequest) -> AsyncSession:
    """Open a session on the emulator, in the event loop of the plugin that runs the test."""
    opened: AsyncSession = request.getfixturevalue(_session_fixture(request))
    return opened


def _session_fixture(request: pytest.FixtureRequest) -> str:
    """Return the name of the fixture that opens a session in the loop of a test, or fail if it runs in none."""
    test = request.node.obj
    if not iscoroutinefunction(test.hypothesis.inner_test if hasattr(test, "hypothesis") else test):
        _fail(_NEEDS_COROUTINE)
    marker = request.node.get_closest_marker("asyncio")  # pytest-asyncio sets it in its mode "auto"
    if marker is not None and _runs_pytest_asyncio(request.config):
        if "anyio_backend" in request.fixturenames:
            _fail(_CLAIMED_TWICE)
        if not _has_loop_scopes():
            _fail(_NEEDS_NEWER)
        return _in_loop(marker.kwargs.get("loop_scope") or marker.kwargs.get("scope") or _default_scope(request.config))
    if "anyio_backend" not in request.fixturenames:
        _fail(_NEEDS_PLUGIN)
    if request.getfixturevalue("anyio_backend_name") != "asyncio":
        _fail(_NEEDS_ASYNCIO)
    return _ANYIO_FIXTURE


def _runs_pytest_asyncio(config: pytest.Config) -> bool:
    """Return whether pytest-asyncio runs tests, under whatever name it was loaded."""
    return any(getattr(plugin, "__name__", "") == _PYTEST_ASYNCIO for plugin in config.pluginmanager.get_plugins())


def _has_loop_scopes() -> bool:
    """Return whether the version of pytest-asyncio has loop scopes. An older one must not break other test suites."""
    import pytest_asyncio  # pytest has loaded it already

    return "loop_scope" in signature(pytest_asyncio.fixture).parameters


def _default_scope(config: pytest.Config) -> str:
    """Return the loop scope of tests whose marker names none."""
    try:
        return str(config.getini("asyncio_default_test_loop_scope"))
    except ValueError:  # pytest-asyncio before 0.26 does not have the option
        return "function"


def _named(marker: pytest.Mark, known: Iterable[str]) -> Mapping[str, Any]:
    """Return the options of a marker; fail the test if one has no name, or another name than those known."""
    unknown = sorted(marker.kwargs.keys() - known)
    if marker.args or unknown:
        what = "takes its options by name" if marker.args else f"has no option {', '.join(unknown)}"
        _fail(f"the marker dbaas {what}; they are those of Emulator: {', '.join(known)}")
    return marker.kwargs


def _fail(message: str) -> NoReturn:
    pytest.fail(message, pytrace=False)


def _in_loop(scope: str) -> str:
    return f"_dbaas_session_in_{scope}_loop"


def _new_fixture_function() -> Callable[..., AsyncGenerator[AsyncSession]]:
    """Make a new function each time, since pytest-asyncio keeps a fixture's loop scope on its function."""

    async def session(dbaas_emulator: Emulator) -> AsyncGenerator[AsyncSession]:
        async with _opened(dbaas_emulator) as opened:
            yield opened

    return session


def _asyncio_fixtures() -> ModuleType:
    """Make a plugin of one fixture for each loop scope that a test of pytest-asyncio can have."""
    import pytest_asyncio  # pytest has loaded it already

    plugin = ModuleType("asyncdbaas_asyncio")  # pytest looks for fixtures in modules and classes, not in objects
    for scope in _LOOP_SCOPES:
        fixture = pytest_asyncio.fixture(_new_fixture_function(), loop_scope=scope, name=_in_loop(scope))
        setattr(plugin, _in_loop(scope), fixture)
    return plugin


_ANYIO_FIXTURE: Final = "_dbaas_session_by_anyio"
_session_by_anyio = pytest.fixture(_new_fixture_function(), name=_ANYIO_FIXTURE)


@asynccontextmanager
async def _opened(emulator: Emulator) -> AsyncGenerator[AsyncSession]:
    from asyncdbaas.ratelimit import RateLimiter
    from asyncdbaas.session import AsyncSession

    minute, hour = (emulator.clock.wall_span(span) for span in (60.0, 3600.0))
    async with AsyncSession(
        emulator.token,
        base_url=emulator.url,
        rate_limiter=RateLimiter(emulator.limits.per_minute, emulator.limits.per_hour, minute=minute, hour=hour),
        ssl_context=emulator.client_context() if emulator.url.startswith("https:") else None,
    ) as session:
        yield session


def __dir__() -> list[str]:
    return sorted(globals())  # pytest finds fixtures with `dir`, also those that are not public

"""Imports only point down."""

from __future__ import annotations

import sys
from typing import Final

import pytest
from source_tree import ENDPOINTS, imports, top_modules, top_names, trees

# From the top down; a module imports only what stands in a later line.
LAYERS: Final = (
    {"__main__"},
    {"cli"},
    {"otel", "pytest_plugin", "web"},
    {"emulator"},
    {"ensure"},
    {"plan"},
    {"catalogue"},
    {"connect", "waiters"},
    ENDPOINTS,
    {"_models", "_certificates", "_topic_settings"},
    {"bulk", "_endpoint"},
    {"session"},
    {"_core"},
    {"retry"},
    {"ratelimit"},
    {"hooks"},
    {"types"},
    {"_checks"},
    {"errors"},
    {"_version"},
)
RANK: Final = {name: rank for rank, names in enumerate(LAYERS) for name in names}
MODULES: Final = sorted(trees())
# What a third party's module may be imported by.
IMPORTERS: Final = {
    "msgspec": {"_core", "types", "emulator"},
    "cattrs": {"_core"},
    "backoff": {"retry"},
    "redis": {"ratelimit"},
    "click": {"cli"},
    "yaml": {"catalogue"},
    "opentelemetry": {"otel"},
}


def test_every_module_has_a_layer() -> None:
    assert top_names() <= RANK.keys()


def test_all_endpoint_modules_are_there() -> None:
    assert top_names() >= ENDPOINTS


@pytest.mark.parametrize("module", [name for name in MODULES if name])
def test_imports_point_down(module: str) -> None:
    top = module.partition(".")[0]
    upward = {name for name in top_modules(module) if name and name != top and RANK[name] <= RANK[top]}
    assert not upward
    assert top != "emulator" or top_modules(module) <= {"emulator"}, "the emulator imports nothing of the client"


@pytest.mark.parametrize("module", MODULES)
def test_third_parties_are_imported_by_the_module_that_wraps_them_only(module: str) -> None:
    top = module.partition(".")[0]
    packages = {name.partition(".")[0] for name in imports(module)}
    assert not {name for name in packages if top not in IMPORTERS.get(name, {top})}


@pytest.mark.parametrize(
    "module",
    [name for name in MODULES if name not in ("session", "_core.transport", "_core.aiohttp_request")],
)
def test_only_the_session_and_its_transport_import_the_client_of_aiohttp(module: str) -> None:
    assert not {name for name in imports(module) if name.startswith("aiohttp") and not name.startswith("aiohttp.web")}


def test_the_rate_limiter_needs_the_standard_library_only() -> None:
    assert {name.partition(".")[0] for name in imports("ratelimit")} <= sys.stdlib_module_names | {"asyncdbaas"}

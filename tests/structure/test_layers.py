"""Imports only point down."""

from __future__ import annotations

import sys
from typing import Final

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
    {"_documented"},
    {"_field_docs"},
    {"_version"},
)
RANK: Final = {name: rank for rank, names in enumerate(LAYERS) for name in names}
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


def _top(module: str) -> str:
    return module.partition(".")[0]


def test_imports_point_down() -> None:
    upward = {
        (module, name)
        for module in trees()
        for name in top_modules(module)
        if module and name and name != _top(module) and RANK[name] <= RANK[_top(module)]
    }
    assert upward == set()


def test_the_emulator_imports_nothing_of_the_client() -> None:
    emulator = [module for module in trees() if _top(module) == "emulator"]
    assert len(emulator) > 30
    assert {(module, name) for module in emulator for name in top_modules(module) - {"emulator"}} == set()


def test_third_parties_are_imported_by_the_module_that_wraps_them_only() -> None:
    packages = {(module, _top(name)) for module in trees() for name in imports(module)}
    assert {
        (module, name) for module, name in packages if _top(module) not in IMPORTERS.get(name, {_top(module)})
    } == set()


def test_only_the_session_and_its_transport_import_the_client_of_aiohttp() -> None:
    others = trees().keys() - {"session", "_core.transport", "_core.aiohttp_request"}
    names = {(module, name) for module in others for name in imports(module) if name.startswith("aiohttp")}
    assert {(module, name) for module, name in names if not name.startswith("aiohttp.web")} == set()


def test_the_rate_limiter_needs_the_standard_library_only() -> None:
    assert {name.partition(".")[0] for name in imports("ratelimit")} <= sys.stdlib_module_names | {"asyncdbaas"}

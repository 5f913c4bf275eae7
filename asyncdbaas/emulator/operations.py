"""All operations: those of every module in `resources`."""

from __future__ import annotations

import pkgutil
from collections.abc import Iterator, Sequence
from importlib import import_module
from types import MappingProxyType
from typing import Final

from asyncdbaas.emulator import resources
from asyncdbaas.emulator.routing import Resource, Route
from asyncdbaas.emulator.state import Actions


def _resources() -> Iterator[Resource]:
    for module in pkgutil.iter_modules(resources.__path__, f"{resources.__name__}."):
        resource: Resource | None = getattr(import_module(module.name), "resource", None)
        if resource is not None:
            yield resource


_RESOURCES: Final = tuple(_resources())
ROUTES: Final[Sequence[Route]] = tuple(route for resource in _RESOURCES for route in resource.routes)
ACTIONS: Final[Actions] = MappingProxyType(
    {name: action for resource in _RESOURCES for name, action in resource.actions.items()}
)

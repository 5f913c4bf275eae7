"""The offer, which lists what can be ordered: versions, regions, sizes and numbers of nodes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from functools import cache
from importlib import resources
from os import PathLike
from pathlib import Path
from typing import Any, Final, NamedTuple, cast

from asyncdbaas.emulator.clock import timestamp
from asyncdbaas.emulator.errors import EmulatorError
from asyncdbaas.emulator.records import Record

_DIGITS: Final = re.compile(r"\d+")
_SHAPE: Final = "an object with `options`, as GET /v2/databases/options answers"


class OfferError(EmulatorError):
    """An offer does not have the shape of the response to GET /v2/databases/options."""


class _EngineOffer(NamedTuple):
    """One engine's part of an offer."""

    regions: tuple[str, ...]
    versions: tuple[str, ...]
    layouts: dict[int, tuple[str, ...]]
    default_version: str | None


class Offer:
    """Decide which orders are accepted, and show what is on offer.

    `options` and `version_availability` are what GET /v2/databases/options answers. A create also accepts what only
    `union` lists, such as retired versions that older code orders, unless `strict`. With `lenient` it accepts any
    version, size and region. A version whose `end_of_availability` has passed is neither shown nor accepted, unless
    it is the engine's default.
    """

    def __init__(self, offer: Any, *, strict: bool = False, lenient: bool = False) -> None:
        if strict and lenient:
            raise EmulatorError("an offer is either strict or lenient; pass one of the two")
        checked = _checked(offer, "the offer")
        self._options = _checked(checked.get("options"), "options")
        self._availability = _checked(checked.get("version_availability", {}), "version_availability")
        self._shown = _engines(self._options, "options")
        union = {} if strict else _engines(_checked(checked.get("union", {}), "union"), "union")
        self._accepted = {name: _merged(shown, union.get(name)) for name, shown in self._shown.items()}
        self._accepted |= {name: engine for name, engine in union.items() if name not in self._shown}
        self._dates = {name: _dates(entries, name) for name, entries in self._availability.items()}
        self._lenient = lenient
        self.strict: Final = strict

    def show(self, now: float) -> Record:
        """Return the body of GET /v2/databases/options."""
        options = {name: self._current(name, entry, now) for name, entry in self._options.items()}
        return {"options": options, "version_availability": self._availability}

    def has(self, engine: str) -> bool:
        """Return whether an engine is on offer at all."""
        return engine in self._accepted

    def default_version(self, engine: str) -> str:
        """Return the version that an order without one gets."""
        offered = self._accepted[engine]
        return offered.default_version or (offered.versions[-1] if offered.versions else "")

    def has_version(self, engine: str, version: str, now: float) -> bool:
        """Return whether a version can be ordered; `6` and `6.0` are the same."""
        if self._lenient:
            return bool(version)
        names = set(map(canonical, self._accepted[engine].versions))
        return canonical(version) in names and not self._is_past(engine, version, now)

    def has_region(self, engine: str, region: str) -> bool:
        """Return whether clusters of an engine can be placed in a region."""
        return self._lenient if region not in self._accepted[engine].regions else True

    def has_nodes(self, engine: str, num_nodes: int) -> bool:
        """Return whether an engine comes with this number of nodes."""
        return num_nodes in self._accepted[engine].layouts

    def has_size(self, engine: str, num_nodes: int, size: str) -> bool:
        """Return whether a size can be ordered with a number of nodes."""
        return self._lenient if size not in self._accepted[engine].layouts.get(num_nodes, ()) else True

    def smallest(self, engine: str) -> tuple[str, int]:
        """Return the first region and the smallest number of nodes of an engine."""
        offered = self._accepted[engine]
        return (offered.regions or ("nyc3",))[0], min(offered.layouts, default=1)

    def first_size(self, engine: str, num_nodes: int) -> str:
        """Return the first size that comes with a number of nodes; "" if there is none."""
        offered = self._shown.get(engine, self._accepted[engine])
        return (*offered.layouts.get(num_nodes, ()), "")[0]

    def dates(self, engine: str, version: str) -> dict[str, str]:
        """Return the dates of a version as a cluster shows them; those that are not known are left out."""
        known = self._dates.get(engine, {}).get(canonical(version), {})
        return {f"version_{name}": date for name, date in known.items()}

    def _current(self, engine: str, entry: Record, now: float) -> Record:
        """Return one engine's options without versions that are no longer available."""
        versions = [version for version in self._shown[engine].versions if not self._is_past(engine, version, now)]
        return {**entry, "versions": versions}

    def _is_past(self, engine: str, version: str, now: float) -> bool:
        end = self._dates.get(engine, {}).get(canonical(version), {}).get("end_of_availability")
        default = canonical(self.default_version(engine)) == canonical(version)
        return end is not None and not default and timestamp(end) <= now


def make_offer(offer: Mapping[str, Any] | str | PathLike[str] | None, *, strict: bool, lenient: bool) -> Offer:
    """Return the given offer, the one in a JSON file, or the package's own, which is read once."""
    if offer is None:
        return _packaged(strict=strict, lenient=lenient)
    data: Any = _read(Path(offer)) if isinstance(offer, str | PathLike) else offer
    return Offer(data, strict=strict, lenient=lenient)


def _read(file: Path) -> Any:
    if file.exists() and not file.is_file():  # a device may never end
        raise OfferError(f"{file} is not a regular file")
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:  # ValueError: not UTF-8, or not JSON
        raise OfferError(f"{file} cannot be read as an offer: {error}") from error


def canonical(version: str) -> str:
    """Return a version without zeros at its end, so that `6` and `6.0` are equal."""
    return version[: found.start()] if (found := re.search(r"(\.0)+$", version)) else version


def is_newer(version: str, than: str) -> bool:
    """Return whether a version comes after another one."""
    return _numbers(version) > _numbers(than)


def semantic(version: str) -> str:
    """Return a version with three parts, as a cluster shows it."""
    parts = version.split(".")
    return ".".join([*parts, *["0"] * (3 - len(parts))])


def _numbers(version: str) -> list[int]:
    return [int(part) for part in _DIGITS.findall(canonical(version))]


@cache
def _packaged(*, strict: bool, lenient: bool) -> Offer:
    data = json.loads(resources.files("asyncdbaas.emulator").joinpath("data", "offer.json").read_bytes())
    return Offer(data, strict=strict, lenient=lenient)


def _checked(value: Any, what: str) -> Record:
    if not isinstance(value, Mapping):
        raise OfferError(
            f"{what} must be {_SHAPE}" if what in ("the offer", "options") else f"{what} must be an object"
        )
    return dict(cast("Mapping[str, Any]", value))


def _engines(options: Record, where: str) -> dict[str, _EngineOffer]:
    return {name: _engine(_checked(entry, f"{where}.{name}"), f"{where}.{name}") for name, entry in options.items()}


def _engine(entry: Record, where: str) -> _EngineOffer:
    layouts = dict[int, tuple[str, ...]]()
    for layout in _records(entry.get("layouts"), f"{where}.layouts"):
        nodes = layout.get("num_nodes")
        if not isinstance(nodes, int) or isinstance(nodes, bool) or nodes < 1:
            raise OfferError(f"{where}.layouts: num_nodes must be a number of nodes")
        layouts[nodes] = (*layouts.get(nodes, ()), *_strings(layout.get("sizes"), f"{where}.layouts: sizes"))
    default = entry.get("default_version")
    if not isinstance(default, str | None):
        raise OfferError(f"{where}.default_version must be a string")
    return _EngineOffer(
        regions=_strings(entry.get("regions"), f"{where}.regions"),
        versions=_strings(entry.get("versions"), f"{where}.versions"),
        layouts=layouts,
        default_version=default or None,
    )


def _dates(entries: Any, engine: str) -> dict[str, dict[str, str]]:
    """Return the known dates of an engine's versions."""
    where = f"version_availability.{engine}"
    dates = dict[str, dict[str, str]]()
    for entry in _records(entries, where):
        known = {name: entry[name] for name in ("end_of_life", "end_of_availability") if entry.get(name)}
        for name, date in known.items():
            try:
                timestamp(date)
            except (TypeError, ValueError) as error:
                raise OfferError(f"{where}: {name} {date!r} is not a date") from error
        dates[canonical(str(entry.get("version")))] = known
    return dates


def _merged(shown: _EngineOffer, union: _EngineOffer | None) -> _EngineOffer:
    """Return an engine's offer with what only the union lists."""
    if union is None:
        return shown
    layouts = {
        nodes: _together(shown.layouts.get(nodes, ()), union.layouts.get(nodes, ()))
        for nodes in sorted(shown.layouts.keys() | union.layouts.keys())
    }
    return _EngineOffer(
        regions=_together(shown.regions, union.regions),
        versions=_together(shown.versions, union.versions),
        layouts=layouts,
        default_version=shown.default_version or (shown.versions[-1] if shown.versions else None),
    )


def _together(first: Iterable[str], second: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*first, *second)))


def _records(value: Any, where: str) -> list[Record]:
    return [_checked(item, f"each of {where}") for item in _list(value, where)]


def _strings(value: Any, where: str) -> tuple[str, ...]:
    items = _list(value, where)
    if not all(isinstance(item, str) for item in items):
        raise OfferError(f"{where} must be a list of strings")
    return tuple(items)


def _list(value: Any, where: str) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise OfferError(f"{where} must be a list")
    return cast("list[Any]", value)  # type: ignore[redundant-cast]  # pyright takes it for a list of unknowns

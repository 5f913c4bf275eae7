"""Make catalogues of the live objects."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, Final, TypeAlias

import attrs

from asyncdbaas import bulk
from asyncdbaas._core.observers import guarded
from asyncdbaas.catalogue import Catalogue, CatalogueSchema, CatalogueUpdate, parse_catalogue, update_catalogue
from asyncdbaas.catalogue.model import Entry
from asyncdbaas.catalogue.user_entries import is_user_name
from asyncdbaas.clusters import list_clusters
from asyncdbaas.errors import InvalidInputError
from asyncdbaas.plan.events import PlanEvent, forecast_requests
from asyncdbaas.plan.kinds import KIND_OF, KINDS, TOPICS, Kind
from asyncdbaas.plan.kinds.base import read_confirmed
from asyncdbaas.plan.model import ClusterRef, Target
from asyncdbaas.plan.names import ALL_NAMES, Names
from asyncdbaas.plan.resolving import resolve
from asyncdbaas.schemas import CompatibilityLevel
from asyncdbaas.session import AsyncSession

__all__ = ["export", "export_into"]

# What must be missing in two lists to count as missing.
_NOTHING: Final[Mapping[tuple[ClusterRef, str], Collection[str]]] = {}
_Choice: TypeAlias = Callable[[ClusterRef, Kind[Any, Any], str, Any], bool]


async def export(
    session: AsyncSession,
    clusters: Iterable[ClusterRef],
    *,
    settings: bool = True,
    kinds: Sequence[str] = ("topic",),
    names: Names = ALL_NAMES,
    on_event: Callable[[PlanEvent], object] | None = None,
) -> Catalogue:
    """Return a catalogue of the live objects of clusters; a plan from it has no changes.

    It costs one request for each cluster and kind and, with `settings`, one for each topic and subject. Objects that
    the service manages or deletes are left out.

    Args:
        session: An open session.
        clusters: The clusters to read.
        settings: Read the settings of topics.
        kinds: Names of the kinds to export: `topic`, `user`, `registry`, `schema`.
        names: Only objects with these names.
        on_event: Called with a `Forecast` of the reads.
    """
    matches = names.matcher()
    exported = await _export(
        session,
        clusters,
        kinds,
        lambda _, kind, name, found: matches(name) and not kind.is_protected(name, found),
        settings=settings,
        on_event=on_event,
    )
    return _readable(exported)


def _readable(exported: Catalogue) -> Catalogue:
    """Leave out what a reader of the catalogue would reject: the service may show what this library does not know."""
    return attrs.evolve(
        exported,
        users=tuple(user for user in exported.users if is_user_name(user.name)),
        schemas=tuple(schema for schema in exported.schemas if schema.schema or schema.compatibility),
        registries=tuple(registry for registry in exported.registries if registry.compatibility.is_known),
    )


async def _export(
    session: AsyncSession,
    clusters: Iterable[ClusterRef],
    kinds: Sequence[str],
    is_chosen: _Choice,
    *,
    settings: bool = True,
    required: Mapping[tuple[ClusterRef, str], Collection[str]] = _NOTHING,
    on_event: Callable[[PlanEvent], object] | None = None,
) -> Catalogue:
    emit, wanted = guarded(on_event), [_kind(name) for name in kinds]
    places = [(cluster, kind) for cluster in clusters for kind in wanted]

    async def fetch(place: tuple[ClusterRef, Kind[Any, Any]]) -> dict[str, Any]:
        cluster, kind = place
        found = await kind.fetch(session, cluster.id)
        if found.keys() >= set(required.get((cluster, kind.name), ())):
            return found
        return {**await kind.fetch(session, cluster.id), **found}  # null has been seen in place of a list

    lists = await bulk.map_all(fetch, places)
    live = [
        (cluster, kind, found)
        for (cluster, kind), objects in zip(places, lists, strict=True)
        for name, found in sorted(objects.items())
        if not kind.is_deleting(found) and is_chosen(cluster, kind, name, found)
    ]
    unread = [index for index, (_, kind, _) in enumerate(live) if kind.has_details and (settings or kind is not TOPICS)]
    emit(forecast_requests(session, len(unread)))

    async def read(index: int) -> None:
        cluster, kind, found = live[index]
        live[index] = (cluster, kind, await read_confirmed(kind, session, cluster.id, found, None) or found)

    await bulk.map_all(read, unread)
    return _catalogue_of(live)


def _kind(name: str) -> Kind[Any, Any]:
    if name not in tuple(KIND_OF):  # not in the mapping itself: a list, for example, has no hash
        raise InvalidInputError(f"kinds: each must be one of {', '.join(KIND_OF)}")
    return KIND_OF[name]


async def export_into(
    session: AsyncSession,
    text: str,
    *,
    file: str,
    clusters: Sequence[str] = (),
    kinds: Sequence[str] = ("topic",),
    remove_missing: bool = False,
    variables: Mapping[str, str] | None = None,
    on_event: Callable[[PlanEvent], object] | None = None,
) -> CatalogueUpdate:
    """Return the text of a YAML catalogue, brought up to date with the live objects of the clusters that it names.

    Comments, order, anchors and spelling stay. The update costs one request more than `export`, fewer without topics.

    Args:
        session: An open session.
        text: The whole text.
        file: Name of the file, for messages.
        clusters: As for `make_plan`.
        kinds: Which objects, as for `export`.
        remove_missing: Remove objects that do not exist. By default they stay: they may not have been applied yet.
        variables: Values of `${NAME}` in the text.
        on_event: Called with a `Forecast` of the reads.
    """
    declared = parse_catalogue(text, file=file, variables=variables)
    targets = resolve(declared, await list_clusters(session), chosen=clusters)
    names = _cluster_names(targets, file)
    read = [name for name in kinds if name != TOPICS.name or declared.topics]
    clusters_read, required = [each.cluster for each in targets], _declared(targets) if remove_missing else _NOTHING
    is_chosen = _is_comparable(targets)
    live = await _export(session, clusters_read, read, is_chosen, required=required, on_event=on_event)
    chosen: dict[str, Any] = {"users": "user" in kinds, "schemas": "schema" in kinds, "remove_missing": remove_missing}
    return update_catalogue(text, live, names, file=file, variables=variables, **chosen)


def _entries(target: Target) -> list[tuple[Kind[Any, Any], Entry]]:
    return [(kind, entry) for kind in KINDS for entry in kind.entries(target)]


def _cluster_names(targets: Sequence[Target], file: str) -> dict[str | None, str]:
    """Map each cluster, as the text spells it (name, id, or None for the only one), to its name."""
    names = {entry.cluster: target.cluster.name for target in targets for _, entry in _entries(target)}
    if len(targets) > 1 and None in names:
        raise InvalidInputError(f"{file} has entries that name no cluster, so it can be updated from one cluster only")
    return names


def _declared(targets: Iterable[Target]) -> dict[tuple[ClusterRef, str], list[str]]:
    """Return the names of the declared objects, by cluster and kind."""
    declared: dict[tuple[ClusterRef, str], list[str]] = {}
    for target in targets:
        for kind, entry in _entries(target):
            declared.setdefault((target.cluster, kind.name), []).append(entry.name)
    return declared


def _is_comparable(targets: Iterable[Target]) -> _Choice:
    """Return a filter for objects that an export shows, and for declared ones that the service manages."""
    declared = {(target.cluster, kind.name, entry.name) for target in targets for kind, entry in _entries(target)}
    return lambda cluster, kind, name, found: (
        (cluster, kind.name, name) in declared or not kind.is_protected(name, found)
    )


def _catalogue_of(live: Iterable[tuple[ClusterRef, Kind[Any, Any], Any]]) -> Catalogue:
    """Return a catalogue of live objects; values that a catalogue cannot express are omitted."""
    entries: dict[str, list[Any]] = {kind.field: [] for kind in KINDS}
    for cluster, kind, found in live:
        entries[kind.field].append(kind.entry_of(found, cluster.name))
    fields: dict[str, Any] = {field: tuple(found) for field, found in entries.items()}
    made = Catalogue(**fields)
    levels = {registry.cluster: registry.compatibility for registry in made.registries}
    return attrs.evolve(
        made, schemas=tuple(_without_inherited(each, levels.get(each.cluster)) for each in made.schemas)
    )


def _without_inherited(entry: CatalogueSchema, level: CompatibilityLevel | None) -> CatalogueSchema:
    """Drop the level of a subject if it is the registry's."""
    return attrs.evolve(entry, compatibility=None) if entry.compatibility is level else entry

"""Arguments of the wrong kind are rejected by name, before anything is sent, and are not quoted."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

import pytest
from worlds import catalogue, opened

from asyncdbaas import InvalidInputError
from asyncdbaas.catalogue import catalogue_variables, parse_catalogue, update_catalogue, write_catalogue
from asyncdbaas.plan import Names, Prune, apply, export, find_cluster, make_plan, refresh, resolve
from asyncdbaas.session import AsyncSession

SECRET: Final = "s3cret-canary"


async def on_event(_: object) -> None:
    """A coroutine function, which nobody would await."""


WANTED: Final = catalogue("a")
SENDING: Final[dict[str, tuple[Callable[[AsyncSession, Any], Awaitable[object]], Any, str]]] = {
    "apply: plan": (apply, {"password": SECRET}, "plan must be of the class Plan"),
    "make_plan: catalogue": (make_plan, SECRET, "catalogue must be of the class"),
    "make_plan: clusters": (lambda session, it: make_plan(session, WANTED, clusters=it), SECRET, "clusters must be a"),
    "make_plan: a cluster": (lambda session, it: make_plan(session, WANTED, clusters=[it]), {SECRET: 1}, "a name must"),
    "make_plan: prune": (
        lambda session, it: make_plan(session, WANTED, prune=it),
        SECRET,
        "prune must be of",
    ),
    "make_plan: reading": (
        lambda session, it: make_plan(session, WANTED, reading=it),
        SECRET,
        "reading must be of",
    ),
    "make_plan: on_event": (lambda session, it: make_plan(session, WANTED, on_event=it), on_event, "a plain function"),
    "export: kinds": (lambda session, it: export(session, [], kinds=it), [SECRET], "kinds: each must be one of topic"),
    "export: on_event": (lambda session, it: export(session, [], on_event=it), on_event, "a plain function"),
    "refresh: saved": (refresh, SECRET, "saved must be of the class SavedPlan"),
}
OTHERS: Final[dict[str, tuple[Callable[[Any], object], Any, str]]] = {
    "Prune: max_deletes": (
        lambda it: Prune(prefix="x", max_deletes=it),
        "5",
        "max_deletes must be an integer",
    ),
    "Prune: kinds": (lambda it: Prune(prefix="x", kinds=it), SECRET, "kinds must be a list of topic, user, schema"),
    "Prune: a kind": (lambda it: Prune(prefix="x", kinds=it), ("registry", {SECRET: 1}), "kinds must be a list of"),
    "find_cluster: wanted": (lambda it: find_cluster([], it), {SECRET: 1}, "the name or id of a cluster must be a str"),
    "resolve: chosen": (lambda it: resolve(WANTED, [], chosen=it), SECRET, "clusters must be a list of names or ids"),
    "write_catalogue: suffix": (lambda it: write_catalogue(WANTED, suffix=it), {SECRET: 1}, "the suffix must be .yaml"),
    "parse_catalogue: text": (
        lambda it: parse_catalogue(it, file="x.yaml"),
        f"topics: [{{name: {SECRET}}}]".encode(),
        "text must be of the class str",
    ),
    "parse_catalogue: half a character": (
        lambda it: parse_catalogue(it, file="x.yaml"),
        f"topics: [{{name: {SECRET}\ud800}}]",
        "x.yaml:1: not valid YAML",
    ),
    "parse_catalogue: file": (lambda it: parse_catalogue("", file=it), {SECRET: 1}, "file must be the name of a file"),
    "parse_catalogue: variables": (
        lambda it: parse_catalogue("", file="x.yaml", variables=it),
        [SECRET],
        "variables must be a mapping",
    ),
    "parse_catalogue: a variable": (
        lambda it: parse_catalogue("", file="x.yaml", variables=it),
        {"A": 3, "B": SECRET},
        "variables must map names to strings, not str to int",
    ),
    "catalogue_variables: given": (lambda it: catalogue_variables({}, it), SECRET, "variables must be a mapping"),
    "update_catalogue: live": (
        lambda it: update_catalogue("", it, {}, file="x.yaml"),
        SECRET,
        "live must be of the class Catalogue",
    ),
    "update_catalogue: clusters": (
        lambda it: update_catalogue("", WANTED, it, file="x.yaml"),
        [SECRET],
        "clusters must be a mapping",
    ),
    "Names: only": (lambda it: Names(only=it), SECRET, "only must be patterns, such as"),
    "Names: exclude": (lambda it: Names(exclude=it), None, "exclude must be patterns, such as"),
    "Names: a pattern": (lambda it: Names(only=(it,)), 5, "only: a pattern must be a string, not int"),
    "Names: an empty pattern": (lambda it: Names(only=(it,)), "", "only: a pattern must not be empty"),
    "write_catalogue: it": (lambda it: write_catalogue(it, suffix=".yaml"), SECRET, "catalogue must be of the class"),
}


@pytest.mark.parametrize(("use", "wrong", "message"), SENDING.values(), ids=SENDING)
async def test_nothing_is_sent(use: Callable[[AsyncSession, Any], Awaitable[object]], wrong: Any, message: str) -> None:
    async with opened("events") as (emulator, session, _):
        before = len(emulator.requests)
        with pytest.raises(InvalidInputError, match=message) as caught:
            await use(session, wrong)
        assert len(emulator.requests) == before
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(("use", "wrong", "message"), OTHERS.values(), ids=OTHERS)
def test_what_sends_nothing_anyway(use: Callable[[Any], object], wrong: Any, message: str) -> None:
    with pytest.raises(InvalidInputError, match=message) as caught:
        use(wrong)
    assert SECRET not in str(caught.value)


async def test_apply_takes_no_coroutine_function_for_events() -> None:
    async with opened("events") as (emulator, session, _):
        plan = await make_plan(session, WANTED)
        before = len(emulator.requests)
        with pytest.raises(InvalidInputError, match="on_event must be a plain function"):
            await apply(session, plan, on_event=on_event)
        assert len(emulator.requests) == before

"""What can be ordered: the offer that comes with the package, one's own, and the two ways to be more or less strict."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest
from drawn import examples
from emulator_http import emulating
from hypothesis import given
from hypothesis import strategies as st

from asyncdbaas.emulator import Clock, Emulator, OfferError, Response
from asyncdbaas.emulator.engines import ENGINES
from asyncdbaas.emulator.offer import Offer, canonical, is_newer, semantic

OFFER: Final[dict[str, Any]] = {
    "options": {
        "pg": {
            "regions": ["moon1"],
            "versions": ["14", "15", "16"],
            "layouts": [{"num_nodes": 1, "sizes": ["tiny-1gb"]}],
            "default_version": "15",
        }
    },
    "version_availability": {
        "pg": [
            {"version": "14", "end_of_life": None, "end_of_availability": "2026-01-01T00:00:00Z"},
            {"version": "15", "end_of_life": "2028-01-01T00:00:00Z", "end_of_availability": "2025-01-01T00:00:00Z"},
            {"version": "16", "end_of_life": None, "end_of_availability": "2027-01-01T00:00:00Z"},
        ]
    },
}
ORDER: Final = {"name": "a", "engine": "pg", "region": "moon1", "size": "tiny-1gb", "num_nodes": 1}
NOW: Final = datetime(2026, 11, 1, tzinfo=UTC).timestamp()


def _ask(emulator: Emulator, method: str, path: str, body: Any = None) -> Response:
    headers = {"authorization": f"Bearer {emulator.token}"}
    return emulator.handle(method, f"/v2/databases{path}", headers, json.dumps(body).encode())


def _order(emulator: Emulator, **changes: Any) -> tuple[int, Any]:
    answer = _ask(emulator, "POST", "", ORDER | changes | {"dry_run": True})
    body = json.loads(answer.body)
    return answer.status, body["database"] if answer.status == 201 else body["message"]


@pytest.mark.parametrize("engine", sorted(set(ENGINES) - {"redis"}))
async def test_everything_that_options_list_can_be_ordered(engine: str) -> None:
    async with emulating(strict=True, clock=Clock.stepped(NOW), per_minute=10**6) as (_, call):
        offer = (await call("GET", "/v2/databases/options")).json["options"][engine]
        order = {"name": "a", "engine": engine, "region": offer["regions"][0], "dry_run": True}
        assert offer["default_version"] in offer["versions"]
        for layout in offer["layouts"]:
            for size in layout["sizes"]:
                wanted = order | {"size": size, "num_nodes": layout["num_nodes"], "version": offer["versions"][-1]}
                assert (await call("POST", "/v2/databases", wanted)).status == 201


@pytest.mark.parametrize(
    ("engine", "version", "size", "num_nodes"),
    [
        ("kafka", "3.5", "db-s-1vcpu-2gb", 3),
        ("kafka", "3.7", "db-s-2vcpu-2gb", 3),
        ("mongodb", "4", "db-s-1vcpu-1gb", 1),
        ("mongodb", "6", "db-s-1vcpu-1gb", 1),
        ("mysql", "8", "db-s-1vcpu-1gb", 1),
        ("mysql", "8.0", "db-s-1vcpu-1gb", 1),
        ("pg", "11", "db-s-1vcpu-2gb", 1),
        ("pg", "13", "db-s-1vcpu-1gb", 2),
        ("opensearch", "1", "db-s-1vcpu-2gb", 1),
        ("advanced_mysql", "8", "gd-2vcpu-8gb-intel", 1),
    ],
)
def test_what_older_code_orders_is_accepted_unless_strict(engine: str, version: str, size: str, num_nodes: int) -> None:
    wanted = {"engine": engine, "version": version, "size": size, "num_nodes": num_nodes, "region": "nyc3"}
    assert _order(Emulator(), **wanted)[1]["version"] == version
    assert _order(Emulator(strict=True), **wanted)[0] == 422


@pytest.mark.parametrize("version", ["7", "7.0", "8", "8.0"])
def test_a_version_is_shown_as_it_was_ordered(version: str) -> None:
    wanted = {"engine": "mongodb", "region": "nyc3", "size": "db-s-1vcpu-1gb"}
    status, cluster = _order(Emulator(strict=True), **wanted, version=version)
    assert (status, cluster["version"]) == (201, version)
    options = json.loads(_ask(Emulator(), "GET", "/options").body)["options"]
    assert options["mongodb"]["versions"] == ["7.0", "8.0"]


def test_redis_can_no_longer_be_ordered() -> None:
    for emulator in (Emulator(), Emulator(lenient=True)):
        assert _order(emulator, engine="redis", region="nyc3", size="db-s-1vcpu-1gb") == (422, "invalid engine")


def test_lenient_accepts_any_version_size_and_region_but_no_number_of_nodes_without_a_layout() -> None:
    emulator = Emulator(offer=OFFER, lenient=True)
    assert _order(emulator, version="99", size="huge", region="mars1")[0] == 201
    assert _order(emulator, num_nodes=7) == (422, "invalid node count")
    assert _order(emulator, size="") == (422, "invalid size")
    with pytest.raises(ValueError, match="either strict or lenient"):
        Emulator(strict=True, lenient=True)


@pytest.mark.parametrize("strict", [False, True])
def test_a_version_past_its_end_of_availability_is_refused_unless_it_is_the_default(*, strict: bool) -> None:
    clock = Clock.stepped(NOW)
    emulator = Emulator(offer=OFFER, strict=strict, clock=clock)
    assert _order(emulator, version="14") == (422, "invalid cluster engine version")
    assert _order(emulator, version="15")[0] == 201
    assert _order(emulator, version="16")[0] == 201
    clock.advance(days=100)
    assert _order(emulator, version="16") == (422, "invalid cluster engine version")
    assert json.loads(_ask(emulator, "GET", "/options").body)["options"]["pg"]["versions"] == ["15"]


def test_ones_own_offer_comes_as_a_mapping_or_as_a_file(tmp_path: Path) -> None:
    file = tmp_path / "options.json"
    file.write_text(json.dumps(OFFER), encoding="utf-8")
    for offer in (OFFER, file, str(file)):
        emulator = Emulator(offer=offer, clock=Clock.stepped(NOW))
        status, cluster = _order(emulator)
        assert (status, cluster["version"], cluster["region"]) == (201, "15", "moon1")
        assert cluster["version_end_of_life"] == "2028-01-01T00:00:00Z"
        assert "version_end_of_life" not in _order(emulator, version="16")[1]
        shown = json.loads(_ask(emulator, "GET", "/options").body)
        assert shown["version_availability"] == OFFER["version_availability"]
        assert _order(emulator, engine="mysql") == (422, "invalid engine")
        with pytest.raises(ValueError, match="'kafka' is not in the offer"):
            emulator.add_cluster(engine="kafka")
        assert emulator.add_cluster(engine="pg")["size"] == "tiny-1gb"


def test_a_response_of_the_options_can_be_saved_and_used() -> None:
    answer = json.loads(_ask(Emulator(clock=Clock.stepped(NOW)), "GET", "/options").body)
    again = Emulator(offer=answer, clock=Clock.stepped(NOW))
    assert json.loads(_ask(again, "GET", "/options").body) == answer


@pytest.mark.parametrize(
    ("offer", "message"),
    [
        ([], "the offer must be an object"),
        ({}, "options must be an object"),
        ({"options": {"pg": 7}}, "options.pg must be an object"),
        ({"options": {"pg": {"regions": "nyc3"}}}, "options.pg.regions must be a list"),
        ({"options": {"pg": {"versions": [7]}}}, "options.pg.versions must be a list of strings"),
        ({"options": {"pg": {"layouts": [{"num_nodes": "1"}]}}}, "num_nodes must be a number of nodes"),
        ({"options": {"pg": {"layouts": [7]}}}, "each of options.pg.layouts must be an object"),
        ({"options": {"pg": {"default_version": 7}}}, "options.pg.default_version must be a string"),
        ({"options": {}, "version_availability": []}, "version_availability must be an object"),
        ({"options": {}, "version_availability": {"pg": [{"end_of_availability": "soon"}]}}, "is not a date"),
    ],
)
def test_an_offer_of_another_shape_is_refused_with_the_place(offer: Any, message: str) -> None:
    with pytest.raises(OfferError, match=message):
        Emulator(offer=offer)


def test_a_file_that_is_no_offer_is_refused_with_its_name(tmp_path: Path) -> None:
    file = tmp_path / "options.json"
    for content in (None, b"{", b"\xff"):
        if content is not None:
            file.write_bytes(content)
        with pytest.raises(OfferError, match=r"options\.json cannot be read as an offer"):
            Emulator(offer=file)


names = st.text("abc123-.", min_size=1, max_size=6)
layouts = st.lists(st.fixed_dictionaries({"num_nodes": st.integers(1, 9), "sizes": st.lists(names)}), max_size=3)
engines = st.fixed_dictionaries(
    {"regions": st.lists(names), "versions": st.lists(names), "layouts": layouts},
    optional={"default_version": names | st.none()},
)
offers: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {"options": st.dictionaries(st.sampled_from(["pg", "kafka", "new"]), engines)},
    optional={
        "version_availability": st.dictionaries(
            st.sampled_from(["pg", "kafka", "new"]),
            st.lists(
                st.fixed_dictionaries(
                    {"version": names},
                    optional={
                        "end_of_availability": st.sampled_from([None, "", "2026-01-01T00:00:00Z", "2027-01-01"]),
                        "default": st.booleans(),
                    },
                )
            ),
        )
    },
)


@examples(300)
@given(offer=offers, data=st.data())
def test_an_order_is_accepted_exactly_if_the_offer_lists_it(offer: Any, data: st.DataObject) -> None:
    emulator = Emulator(offer=offer, clock=Clock.stepped(NOW), per_minute=10**6)
    shown = json.loads(_ask(emulator, "GET", "/options").body)["options"]
    assert shown.keys() == offer["options"].keys()
    engine = data.draw(st.sampled_from(sorted(offer["options"]) or ["pg"]))
    listed = shown.get(engine, {"regions": [], "versions": [], "layouts": []})
    order: dict[str, Any] = {
        "engine": engine,
        "region": data.draw(st.sampled_from([*listed["regions"], "none"])),
        "version": data.draw(st.sampled_from([*listed["versions"], "0"])),
        "num_nodes": data.draw(st.sampled_from([*(each["num_nodes"] for each in listed["layouts"]), 10])),
    }
    sizes = [size for each in listed["layouts"] if each["num_nodes"] == order["num_nodes"] for size in each["sizes"]]
    order["size"] = data.draw(st.sampled_from([*sizes, "none"]))
    good = (
        engine in ENGINES
        and engine in offer["options"]
        and order["region"] in listed["regions"]
        and canonical(order["version"]) in map(canonical, listed["versions"])
        and order["size"] in sizes
    )
    assert _order(emulator, **order)[0] == (201 if good else 422)


@pytest.mark.parametrize(
    ("version", "than", "newer"),
    [("8", "8.0", False), ("8.4", "8", True), ("10", "9", True), ("3.8", "3.10", False), ("8.4.8", "8.4", True)],
)
def test_versions_have_an_order(version: str, than: str, *, newer: bool) -> None:
    assert is_newer(version, than) == newer


def test_a_semantic_version_has_three_parts() -> None:
    assert [semantic(version) for version in ("16", "3.8", "8.4.8")] == ["16.0.0", "3.8.0", "8.4.8"]


def test_an_offer_in_code_needs_no_availability() -> None:
    offer = Offer({"options": {"pg": {"versions": ["16"]}}})
    assert (offer.default_version("pg"), offer.dates("pg", "16"), offer.first_size("pg", 1)) == ("16", {}, "")

"""The list of operations is complete, and the tables of the guides are made of it."""

from __future__ import annotations

import inspect
import re
from importlib import import_module

import pytest
from guide_tables import TABLES, with_table
from operations import FUNCTIONS, MODULES, operations
from pages import GUIDES

# Made of one operation in another way, of several, or of one that is not described.
MORE = {
    "clusters.convert_cluster",
    "clusters.find_cluster",
    "clusters.validate_cluster",
    "firewall.edit_firewall_rules",
    "logsinks.find_logsink",
    "replicas.find_replica",
}


def test_there_are_71_operations_each_with_its_own_function() -> None:
    assert len({(each.method, each.path) for each in operations()}) == 71
    assert len({each.id for each in operations()}) == 71


@pytest.mark.parametrize("module", MODULES)
def test_no_endpoint_module_offers_an_operation_that_is_not_in_the_list(module: str) -> None:
    loaded = import_module(f"asyncdbaas.{module}")
    offered = {f"{module}.{name}" for name in loaded.__all__ if inspect.iscoroutinefunction(getattr(loaded, name))}
    assert offered - MORE == {name for name in FUNCTIONS if name.startswith(f"{module}.")}


@pytest.mark.parametrize("guide", TABLES)
def test_the_generated_part_of_a_guide_is_up_to_date(guide: str) -> None:
    text = GUIDES.joinpath(f"{guide}.md").read_text(encoding="utf-8")
    assert f"<!-- {guide} -->" in text
    assert text == with_table(guide), "run: python tests/contract/guide_tables.py"


@pytest.mark.parametrize("guide", ["operations", "from-pydo"])
def test_a_table_has_a_line_for_each_operation(guide: str) -> None:
    functions = re.findall(r"^\|.*\[`([\w.]+)`\]\(\.\./[\w/]+\.py#\w+\) \|", TABLES[guide](), re.MULTILINE)
    assert sorted(functions) == sorted(FUNCTIONS)

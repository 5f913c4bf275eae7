"""The list of operations is complete, and the tables of the guides are made of it."""

from __future__ import annotations

import inspect
from importlib import import_module

import pytest
from operations import FUNCTIONS, MODULES, operations
from operations_table import TABLES, with_table
from pages import GUIDES

# Made of one operation in another way, or of several.
MORE = {"clusters.validate_cluster", "firewall.edit_firewall_rules"}


def test_there_are_71_operations_each_with_its_own_function() -> None:
    assert len({(each.method, each.path) for each in operations()}) == 71
    assert len({each.id for each in operations()}) == 71


@pytest.mark.parametrize("module", MODULES)
def test_no_endpoint_module_offers_an_operation_that_is_not_in_the_list(module: str) -> None:
    loaded = import_module(f"asyncdbaas.{module}")
    offered = {f"{module}.{name}" for name in loaded.__all__ if inspect.iscoroutinefunction(getattr(loaded, name))}
    assert offered - MORE == {name for name in FUNCTIONS if name.startswith(f"{module}.")}


@pytest.mark.parametrize("guide", TABLES)
def test_the_table_in_a_guide_is_up_to_date_and_has_a_line_for_each_operation(guide: str) -> None:
    text = GUIDES.joinpath(f"{guide}.md").read_text(encoding="utf-8")
    assert text.partition("<!--")[2].count("\n| ") == 1 + 71
    assert "topics.create_topic` |" in text
    assert text == with_table(guide), "run: python tests/contract/operations_table.py"

"""Completion after `asyncdbaas.`, and `help(...)`."""

from __future__ import annotations

import inspect
import subprocess
import sys
from importlib import import_module

import pytest

import asyncdbaas
from asyncdbaas import errors, hooks, retry, waiters
from asyncdbaas._core.http import RateLimitHeaders
from asyncdbaas.session import ResponseInfo


@pytest.mark.parametrize("name", [*asyncdbaas.__all__, "SharedRateLimiter", "otel"])
def test_every_name_is_an_attribute_of_the_package(name: str) -> None:
    assert getattr(asyncdbaas, name) is not None
    assert name in dir(asyncdbaas)


def test_completion_shows_public_names_only() -> None:
    assert not [name for name in dir(asyncdbaas) if name.startswith("_") and name != "__version__"]
    for name in asyncdbaas.__all__:
        module = getattr(asyncdbaas, name)
        if inspect.ismodule(module):
            assert dir(module) == sorted(module.__all__)


def test_completion_of_a_module_imported_by_its_full_name_shows_them_too() -> None:
    code = "import asyncdbaas.topics as t; print(dir(t) == sorted(t.__all__))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "True\n"


def test_importing_the_package_loads_no_aiohttp_and_no_msgspec() -> None:
    code = "import asyncdbaas, sys; print(sorted({'aiohttp', 'msgspec'} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_the_package_runs_as_a_command() -> None:
    done = subprocess.run([sys.executable, "-m", "asyncdbaas", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.strip().endswith(import_module("asyncdbaas").__version__)


@pytest.mark.parametrize(
    ("cls", "field"),
    [
        (retry.RetryPolicy, "base_delay: float\n        Seconds."),
        (hooks.QuotaWait, "waiting: int\n        "),
        (hooks.QuotaWait, "call: int\n        "),
        (errors.RateLimitError, "retry_after: float | None\n        Seconds"),
        (errors.RateLimitError, "request_id: str | None\n        "),
        (errors.WaitTimeoutError, "last: object"),
        (waiters.StateSeen, "state: str\n        `absent`"),
        (ResponseInfo, "headers: Mapping[str, str]\n        Names match"),
        (RateLimitHeaders, "reset: float | None\n        Unix time"),
    ],
)
def test_help_shows_the_fields_of_policies_events_and_errors(cls: type, field: str) -> None:
    assert f"\n    {field}" in (inspect.getdoc(cls) or "")


def test_an_import_does_not_pay_for_the_documentation_of_fields() -> None:
    code = "import asyncdbaas.topics, asyncdbaas.waiters, sys; print('asyncdbaas._field_docs' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"

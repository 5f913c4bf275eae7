"""The examples of the vendor's OpenAPI description, read where it stands beside the repository."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pytest
from description_table import DESCRIPTION, follow

needs_the_description = pytest.mark.skipif(
    not DESCRIPTION.exists(), reason="the vendor's description is not beside the repository"
)


@cache
def document() -> dict[str, Any]:
    """Read the description."""
    return json.loads(DESCRIPTION.read_bytes())  # type: ignore[no-any-return]  # it is one JSON object


@cache
def _operations() -> dict[str, Any]:
    return {
        operation["operationId"]: operation
        for methods in document()["paths"].values()
        for operation in methods.values()
    }


def body_examples(name: str) -> list[Any]:
    """Return the examples of an operation's request body."""
    return _examples(_operations()[name].get("requestBody", {}))


def answer_examples(name: str) -> list[Any]:
    """Return the examples of the body of an operation's success."""
    responses = _operations()[name]["responses"]
    (answer,) = [follow(document(), answer) for status, answer in responses.items() if status[0] == "2"]
    return _examples(answer)


def _examples(message: Any) -> list[Any]:
    content = message.get("content", {}).get("application/json", {})
    named = [follow(document(), example)["value"] for example in content.get("examples", {}).values()]
    schema = follow(document(), content.get("schema", {}))
    return named or [holder["example"] for holder in (content, schema) if "example" in holder][:1]

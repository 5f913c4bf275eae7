"""Validation of Avro schemas, and compatibility between their versions.

Both are decided by the package `avro` (extra `emulator`). Without it every schema is accepted.
"""

from __future__ import annotations

from importlib.util import find_spec


def problem(text: str) -> str | None:
    """Return why a text is not an Avro schema; None if it is one."""
    if find_spec("avro") is None:
        return None
    from avro.schema import parse  # needs the optional avro

    try:
        parse(text)
    except Exception as error:  # noqa: BLE001 -- some wrong schemas raise AttributeError or RecursionError there
        return f"{type(error).__name__}: {error}"[:200]
    return None


def incompatibility(level: str, old: str, new: str) -> str | None:
    """Return why a schema cannot follow another one at a compatibility level; None if it can."""
    base = level.removesuffix("_TRANSITIVE")
    if base in ("BACKWARD", "FULL") and (why := _unreadable(writer=old, reader=new)):
        return f"old data cannot be read with the new schema: {why}"
    if base in ("FORWARD", "FULL") and (why := _unreadable(writer=new, reader=old)):
        return f"new data cannot be read with the old schema: {why}"
    return None


def _unreadable(*, writer: str, reader: str) -> str | None:
    """Return what of the writer's data the reader cannot read; None if it can read everything."""
    if find_spec("avro") is None:
        return None
    from avro.compatibility import ReaderWriterCompatibilityChecker, SchemaCompatibilityType  # needs the optional avro
    from avro.schema import parse

    checker = ReaderWriterCompatibilityChecker()  # type: ignore[no-untyped-call]  # it has no annotations
    try:
        found = checker.get_compatibility(parse(reader), parse(writer))
    except Exception:  # noqa: BLE001 -- both were parsed before, so it is the stack that ends: an error of many kinds
        return "the schemas are nested too deeply"
    if found.compatibility is SchemaCompatibilityType.compatible:
        return None
    return "; ".join(sorted(found.messages))

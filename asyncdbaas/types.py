"""Small types that request and result classes share."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, Final, Self, TypeAlias, TypeVar, cast
from uuid import UUID

import attrs
import msgspec
from msgspec import UNSET as _UNSET
from msgspec import UnsetType as Unset

__all__ = [
    "UNSET",
    "EnumOrStr",
    "Hidden",
    "Id",
    "ListOf",
    "OpenEnum",
    "Secret",
    "SecretBytes",
    "Timestamp",
    "Unset",
    "as_secret",
    "as_secrets",
    "new_list",
    "null_lists",
    "take_strings",
]

V = TypeVar("V")

UNSET: Final = _UNSET
"""The value of a request field that is not sent at all; `None` is sent as `null`, `0` and `False` as they are."""

Timestamp: TypeAlias = Annotated[datetime, msgspec.Meta(tz=True)]
"""A date and time with its time zone. A response that names none means UTC."""

Id = str | UUID
"""A cluster's id: a UUID, as a `uuid.UUID` or in its usual spelling."""


class OpenEnum(StrEnum):
    """A string enumeration that takes values it does not know.

    The service adds states, roles and modes without notice. An unknown value becomes an object of the class that equals
    its string. `is_known` is false for it.
    """

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        if not isinstance(value, str):
            return None
        member = str.__new__(cls, value)
        member._name_ = value
        member._value_ = value
        return member

    @property
    def is_known(self) -> bool:
        """Whether this library lists the value."""
        return self._value_ in type(self)._value2member_map_


class Secret(str):
    """A string that `repr` does not show, so that no log line or traceback with locals holds it."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'"


def as_secret(value: V) -> V:
    """Return a string that `repr` does not show, and anything else as it is. An address, too, can hold a password."""
    return cast("V", Secret(value)) if isinstance(value, str) else value


def as_secrets(values: V) -> V:
    """Return a mapping of strings, or a string, that `repr` does not show, and anything else as it is."""
    if not isinstance(values, Mapping):
        return as_secret(values)
    pairs = cast("Mapping[object, object]", values).items()
    return cast("V", {as_secret(name): as_secret(value) for name, value in pairs})


class SecretBytes(bytes):
    """Bytes that `repr` does not show, such as an encoded body in a traceback with locals."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "b'***'"


class Hidden:
    """A value that `repr` does not show, such as a request body, which tracebacks with locals would show."""

    __slots__ = ("value",)

    def __init__(self, value: object) -> None:
        self.value = value


E = TypeVar("E", bound=OpenEnum)

if TYPE_CHECKING:
    ListOf = list
    EnumOrStr: TypeAlias = E | str
else:

    class EnumOrStr:
        """An enumeration in a request, whose values may be given as strings: `engine="pg"`.

        To type checkers it is `Engine | str`, to the encoder `Engine`.
        """

        def __class_getitem__(cls, item: object) -> object:
            return item

    class ListOf:
        """A list in a result that the service may send as null; `null_lists` turns the null into an empty list.

        To type checkers it is a plain `list`. To the decoder it is `list | None`, so that a response with a null still
        takes the fast path.
        """

        def __class_getitem__(cls, item: object) -> object:
            return list[item] | None


# A string, since annotations are not evaluated when a class is made.
_ENUM: Final = re.compile(r"EnumOrStr\[(\w+)\]")


def take_strings(cls: type, fields: list[attrs.Attribute[Any]]) -> list[attrs.Attribute[Any]]:
    """Make a constructor turn strings into members, for the fields of type `EnumOrStr`; for `field_transformer=`."""
    found = [(field, _ENUM.match(str(field.type))) for field in fields]
    return [field.evolve(converter=_converter(cls, match[1])) if match else field for field, match in found]


def _converter(cls: type, name: str) -> Callable[[object], object]:
    def to_member(value: object) -> object:
        # The encoder rejects everything else, and names the field.
        return getattr(sys.modules[cls.__module__], name)(value) if isinstance(value, str) else value

    return to_member


# As a factory, `list[X]` costs 0.3 us more per object: a generic alias tries to set an attribute on what it makes,
# which fails for a list. Reading a list of topics would take twice the time.
new_list: Final[Callable[[], list[Any]]] = list


def null_lists(answer: object, *names: str) -> None:
    """Replace null by an empty list in the named fields of a frozen object; for `__attrs_post_init__`."""
    for name in names:
        if getattr(answer, name) is None:
            object.__setattr__(answer, name, [])

"""A base for classes whose `help` shows the documentation of every field."""

from __future__ import annotations

from typing import cast


class Documented:
    """A class whose docstring ends with the text below each of its fields.

    The docstring is put together when it is read, so that an import does not pay for it.
    """

    __slots__ = ()

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        text = vars(cls).get("__doc__")
        if not isinstance(text, _LazyDoc):  # attrs makes a class with slots from another one
            cls.__doc__ = cast("str", _LazyDoc(text))


class _LazyDoc:
    def __init__(self, text: str | None) -> None:
        self._text = text
        self._full: str | None = None

    def __get__(self, _: object, cls: type) -> str | None:
        if self._full is None:
            # inspect and ast take 10 ms to import.
            from asyncdbaas._field_docs import with_fields

            self._full = with_fields(self._text or "", cls)
        return self._full

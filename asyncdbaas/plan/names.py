"""Choose objects by patterns over their names."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from fnmatch import translate
from typing import Final

import attrs

from asyncdbaas._checks import check_text, kind_of
from asyncdbaas.errors import InvalidInputError

__all__ = ["ALL_NAMES", "Names"]


def _check_patterns(_: object, field: attrs.Attribute[tuple[str, ...]], patterns: tuple[str, ...]) -> None:
    if not isinstance(patterns, (tuple, list)):  # above all not a string, whose letters would be the patterns
        raise InvalidInputError(f"{field.name} must be patterns, such as ('orders.*',), not {kind_of(patterns)}")
    for pattern in patterns:
        if not check_text(pattern, f"{field.name}: a pattern"):  # as of an unset variable in a script
            raise InvalidInputError(f"{field.name}: a pattern must not be empty")


@attrs.frozen(kw_only=True)
class Names:
    """Shell patterns such as `orders.*`. A name is chosen if one of `only` matches it, and none of `exclude`."""

    only: tuple[str, ...] = attrs.field(default=(), validator=_check_patterns)
    """Empty: all."""
    exclude: tuple[str, ...] = attrs.field(default=(), validator=_check_patterns)

    def matcher(self) -> Callable[[str], bool]:
        """Return a function that returns whether a name is chosen."""
        only, exclude = _compiled(self.only), _compiled(self.exclude)

        def matches(name: str) -> bool:
            return (only is None or only.match(name) is not None) and (exclude is None or not exclude.match(name))

        return matches


ALL_NAMES: Final = Names()


def _compiled(patterns: Iterable[str]) -> re.Pattern[str] | None:
    joined = "|".join(map(translate, patterns))
    return re.compile(joined) if joined else None

"""Choose objects by patterns over their names."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from fnmatch import translate
from typing import Final

import attrs

__all__ = ["ALL_NAMES", "Names"]


@attrs.frozen(kw_only=True)
class Names:
    """Shell patterns such as `orders.*`. A name is chosen if one of `only` matches it, and none of `exclude`."""

    only: tuple[str, ...] = ()
    """Empty: all."""
    exclude: tuple[str, ...] = ()

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

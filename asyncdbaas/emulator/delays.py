"""How long the service takes, in virtual seconds."""

from __future__ import annotations

import attrs
from attrs.validators import ge


@attrs.frozen(kw_only=True)
class Delays:
    """Set how many virtual seconds each change of state takes.

    The defaults are the order of magnitude that users of the service report (a single node comes online in three to
    five minutes); ``Delays.none()`` makes every change visible in the next request.
    """

    create: float = attrs.field(default=240.0, validator=ge(0))
    """From ``creating`` to ``online``."""
    delete: float = attrs.field(default=30.0, validator=ge(0))
    """How long a deleted cluster still answers and keeps its name."""
    topic: float = attrs.field(default=5.0, validator=ge(0))
    """From ``configuring`` to ``active``."""
    topic_delete: float = attrs.field(default=5.0, validator=ge(0))
    """How long a deleted topic is listed as ``deleting``."""
    partitions: float = attrs.field(default=5.0, validator=ge(0))
    """How long a topic still shows the old number of partitions after an update."""

    @classmethod
    def none(cls) -> Delays:
        """Make every delay zero."""
        return cls(**{field.name: 0.0 for field in attrs.fields(cls)})

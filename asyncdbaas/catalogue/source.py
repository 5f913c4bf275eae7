"""Access to the values of a document, with all problems collected on the way."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, Generic, TypeVar

from asyncdbaas.catalogue.documents import Document
from asyncdbaas.catalogue.kafka import SAME_IN_METRICS, canonical_name
from asyncdbaas.catalogue.model import NO_METADATA, Metadata, Problem
from asyncdbaas.catalogue.names import KAFKA_ONLY, explain_kafka_only, explain_unknown, field_name, is_extension
from asyncdbaas.catalogue.nodes import Items, Node, Pairs, RawNode, Text, Words, is_null, to_plain
from asyncdbaas.catalogue.variables import substitute
from asyncdbaas.errors import InvalidInputError
from asyncdbaas.types import OpenEnum

__all__ = ["METADATA_KEYS", "Fields", "ResultCache", "Source", "UniqueNames", "repeat_message", "shown", "value_of"]

M = TypeVar("M", bound=OpenEnum)
R = TypeVar("R")
Fields = dict[str, tuple[Text, Node]]
"""Keys and values of a mapping, by the canonical spelling of the key."""

METADATA_KEYS: Final = frozenset({"description", "owner", "labels"})
_MAX_QUOTED: Final = 60
_MAX_NAME: Final = 250
_MAX_MESSAGE: Final = 600
# A large file may be wrong everywhere.
_MAX_PROBLEMS: Final = 1000


class Source:
    """A document that is being read: its file, its lines, its variables and its problems."""

    def __init__(self, file: str, document: Document, variables: Mapping[str, str]) -> None:
        self.file = file
        self.document = document
        self._variables = variables
        self._problems: dict[Problem, None] = {}  # each user of an anchor meets the mistakes below it
        self._omitted = 0

    @property
    def problems(self) -> list[Problem]:
        """The first problems, in the order of the file."""
        problems = sorted(self._problems, key=lambda problem: problem.line)
        if self._omitted:
            problems.append(Problem(file=self.file, message=_not_shown(self._omitted)))
        return problems

    @property
    def problem_count(self) -> int:
        """Number of problems so far."""
        return len(self._problems) + self._omitted

    def line(self, node: RawNode) -> int:
        """Return the line of a node."""
        return self.document.line(node.start)

    def problem(self, node: RawNode | None, message: str, *, key: str = "", name: str = "") -> None:
        """Add a problem at a node, or with the whole file."""
        if self._is_full:
            self._omitted += 1
            return
        line = 0 if node is None else self.line(node)
        key, name, message = key[:_MAX_NAME], name[:_MAX_NAME], message[:_MAX_MESSAGE]
        self._problems[Problem(file=self.file, line=line, key=key, message=message, name=name)] = None

    @property
    def _is_full(self) -> bool:
        return len(self._problems) >= _MAX_PROBLEMS

    def text(self, node: Node, *, key: str = "", name: str = "") -> str | None:
        """Return the text of a scalar with its variables replaced, or None after adding a problem."""
        if not isinstance(node, Text):
            self.problem(node, f"must be text, not {shown(node)}", key=key, name=name)
            return None
        if "$" not in node.value:
            return node.value
        try:
            return substitute(node.value, self._variables)
        except InvalidInputError as error:
            self.problem(node, str(error), key=key, name=name)
            return None

    def fields(self, node: Node, known: frozenset[str], name: str = "", *, extensible: bool = False) -> Fields:
        """Return a mapping's known keys; add a problem for each other key and for each that repeats.

        With `extensible`, keys that begin with `x-` are returned as they are spelled.
        """
        if not isinstance(node, Pairs):
            self.problem(node, f"must be a mapping, not {shown(node)}", name=name)
            return {}
        fields: Fields = {}
        for key, value in node.pairs:
            if not isinstance(key, Text):
                self.problem(key, f"a key must be a word, not {shown(key)}", name=name)
                continue
            field = field_name(key.value)
            if field not in known:
                if not (extensible and is_extension(key.value)):
                    self._unknown(key, value, known, name)
                    continue
                field = key.value
            if field in fields:
                first = self.line(fields[field][0])
                self.problem(key, f"is already set in line {first}", key=key.value, name=name)
            else:
                fields[field] = (key, value)
        return fields

    def word(self, fields: Fields, field: str, name: str = "") -> str | None:
        """Return the text of a field, or None if the field is missing or wrong."""
        if field not in fields:
            return None
        key, node = fields[field]
        if isinstance(node, Text) and not node.is_null:
            return self.text(node, key=key.value, name=name)
        self.problem(node, f"must be a word, not {shown(node)}", key=key.value, name=name)
        return None

    def required_word(self, node: Node, fields: Fields, field: str) -> str | None:
        """Return the text of a field that an entry must have, or None after adding a problem."""
        if field not in fields:
            self.problem(node, "is missing", key=field)
        return self.word(fields, field)

    def member(
        self, fields: Fields, field: str, read: Callable[[str], M], name: str, hints: Mapping[str, str] | None = None
    ) -> M | None:
        """Return the member of an enumeration that a field names, or None if the field is missing or wrong.

        Args:
            fields: The fields of an entry.
            field: The field.
            read: Return the member for a word; one that is not known means that the word is wrong.
            name: The name of the entry, for messages.
            hints: For words of other tools, what to write instead.
        """
        word = self.word(fields, field, name)
        if word is None:
            return None
        member = read(word)
        if member.is_known:
            return member
        key, node = fields[field]
        close = (hints or {}).get(word.lower())
        hint = f"; did you mean {close}?" if close else ""
        known = ", ".join(type(member))
        self.problem(node, f"must be one of {known}, not {shown(node)}{hint}", key=key.value, name=name)
        return None

    def items(self, fields: Fields, field: str, name: str = "") -> Sequence[Node]:
        """Return the items of a field; none if it is missing, null or wrong."""
        node = value_of(fields, field)
        if isinstance(node, Items):
            return node.items
        if node is not None:
            self.problem(node, f"must be a list, not {shown(node)}", key=fields[field][0].value, name=name)
        return []

    def metadata(self, fields: Fields, name: str = "") -> Metadata:
        """Return the notes of an entry, or of the whole file."""
        extensions = {field: to_plain(node) for field, (_, node) in fields.items() if is_extension(field)}
        if not extensions and METADATA_KEYS.isdisjoint(fields):
            return NO_METADATA
        return Metadata(
            description=self.word(fields, "description", name) or "",
            owner=self.word(fields, "owner", name) or "",
            labels=self._labels(fields, name),
            extensions=extensions,
        )

    def _labels(self, fields: Fields, name: str) -> dict[str, str]:
        node = value_of(fields, "labels")
        if node is not None and not isinstance(node, Pairs):
            self.problem(node, f"must be a mapping, not {shown(node)}", key=fields["labels"][0].value, name=name)
        labels: dict[str, str] = {}
        for label, value in node.pairs if isinstance(node, Pairs) else ():
            if not isinstance(label, Text):
                continue
            if (text := self.text(value, key=f"labels: {label.value}", name=name)) is not None:
                labels[label.value] = text
        return labels

    def _unknown(self, key: Text, value: Node, known: frozenset[str], name: str) -> None:
        if self._is_full:
            self._omitted += 1  # looking for a key that is close takes its time
            return
        canonical = canonical_name(key.value)
        if canonical not in KAFKA_ONLY or "retention_ms" not in known:
            self.problem(key, explain_unknown(key.value, known), key=key.value, name=name)
            return
        text = self.text(value, key=key.value, name=name)
        if text is not None and text.lower() not in KAFKA_ONLY[canonical]:
            self.problem(value, explain_kafka_only(key.value), key=key.value, name=name)


class ResultCache(Generic[R]):
    """Results of reading mappings, by their words, since many are alike.

    A mapping with problems is read each time, to report them.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._results: dict[Words, R] = {}

    def read(self, node: Node, read: Callable[[], R]) -> R:
        """Return what `read` makes of a node, or what it made of an equal one."""
        words = node.words if isinstance(node, Pairs) else None
        if words is None:
            return read()
        if words in self._results:
            return self._results[words]
        before = self._source.problem_count
        result = read()
        if self._source.problem_count == before:
            self._results[words] = result
        return result


class UniqueNames:
    """Check that each cluster has a name once."""

    def __init__(self, source: Source, kind: str, key: str, unique: Callable[[str], str] = str) -> None:
        self._source = source
        self._kind = kind
        self._key = key
        self._unique = unique
        self._first: dict[tuple[str | None, str], tuple[str, RawNode]] = {}

    def add(self, name: str, clusters: Sequence[str | None], place: RawNode) -> bool:
        """Add a name for all clusters, unless one of them has it; return whether it was added."""
        unique = self._unique(name)
        for cluster in clusters:
            if (cluster, unique) in self._first:
                return False
        for cluster in clusters:
            self._first[cluster, unique] = name, place
        return True

    def check(self, name: str, clusters: Iterable[str | None], place: RawNode) -> None:
        """Add a name, or a problem for each cluster that has it already."""
        for cluster in clusters:
            if not self.add(name, [cluster], place):
                first, where = self._first[cluster, self._unique(name)]
                line = self._source.line(self._in_entry(where))
                message = repeat_message(self._kind, name, first, f"line {line}")
                self._source.problem(self._in_entry(place), message, key=self._key, name=name)

    def _in_entry(self, place: RawNode) -> RawNode:
        """Return where an entry itself has its name; of an alias and a merge, where that is."""
        pairs = place.raw if isinstance(place, Pairs) else ()
        return next((value for key, value in pairs if isinstance(key, Text) and key.value == self._key), place)


def value_of(fields: Fields, field: str) -> Node | None:
    """Return the value of a field; None if the field is missing or null."""
    node = fields[field][1] if field in fields else None
    return None if node is None or is_null(node) else node


def repeat_message(kind: str, name: str, first: str, place: str) -> str:
    """Return why a name cannot be declared again after the first place that has it, or one that collides with it."""
    if name == first:
        return f"the same {kind} is declared in {place}"
    return f"collides with {first} in {place}: {SAME_IN_METRICS}"


def _not_shown(problems: int) -> str:
    return "one more problem is not shown" if problems == 1 else f"{problems} more problems are not shown"


def shown(node: Node) -> str:
    """Return a node's value for a message, as the file spells it and cut to a line."""
    if isinstance(node, Text):
        return "nothing" if node.is_null else repr(node.value[:_MAX_QUOTED])
    return "a list" if isinstance(node, Items) else "a mapping"

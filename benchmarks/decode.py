"""CPU time of decoding lists of topics: into attrs classes, and into what other libraries have."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from types import GenericAlias
from typing import Any, Final

import cattrs
import msgspec

from asyncdbaas._core.decoding import page_reader
from asyncdbaas.topics import Topic
from benchmarks.measure import Contender, Timings, interleave
from benchmarks.mirrors import as_pydantic, as_struct
from benchmarks.optional import optional
from benchmarks.payloads import full_topic_list, topic_list
from benchmarks.report import Figure, Report, Table

__all__ = ["run"]

COUNT: Final = 2000
REPEATS: Final = 5  # in one sample, so that caches are as warm as in a program that does little else
SHAPES: Final = {"short": topic_list, "full": full_topic_list}


def run(*, quick: bool) -> Report:
    """Decode a list as the service sends it, and one whose topics have partitions and settings."""
    count, rounds = (50, 3) if quick else (COUNT, 30)
    found = {shape: asyncio.run(_measure(make(count), count, rounds)) for shape, make in SHAPES.items()}
    columns = ["list, decoder", "CPU us per topic", "over msgspec.Struct (quartiles)"]
    notes = [
        f"{count} topics a list; medians of {rounds} samples of {REPEATS} lists, taken in turn",
        "short: four fields a topic, as lists have them; full: three partitions and all settings as well",
    ]
    rows = [
        [f"{shape}, {name}", f"{timings.cpu_us(name):.3f}", timings.spread(name, "msgspec.Struct")]
        for shape, timings in found.items()
        for name in timings.samples
    ]
    return Report(
        scenario="decode",
        tables=[Table(title="decoding a list of topics", columns=columns, rows=rows, notes=notes)],
        figures=[figure for shape, timings in found.items() for figure in _figures(shape, timings)],
        data={shape: {name: timings.cpu_us(name) for name in timings.samples} for shape, timings in found.items()},
    )


def _figures(shape: str, timings: Timings) -> list[Figure]:
    return [
        Figure(
            name=f"decoding, {shape} topics: attrs over {other}",
            value=timings.ratio("asyncdbaas (attrs)", other),
            unit="x",
            target=target,
        )
        for other, target in (("msgspec.Struct", 1.3), ("pydantic", 0.25))
    ]


async def _measure(body: bytes, count: int, rounds: int) -> Timings:
    contenders = {name: _once(decode, body) for name, decode in _decoders().items()}
    return await interleave(contenders, rounds=rounds, calls=count * REPEATS)


def _decoders() -> Mapping[str, Callable[[bytes], object]]:
    struct = GenericAlias(list, (as_struct(Topic),))
    envelope = optional("pydantic").create_model("Envelope", topics=GenericAlias(list, (as_pydantic(Topic),)))
    converter = cattrs.Converter()
    # Plain cattrs knows neither "unset" nor these unions; the least that it needs:
    converter.register_structure_hook_func(_is_union_of_plain_values, lambda value, _: value)
    return {
        "asyncdbaas (attrs)": page_reader(Topic, "topics"),
        "msgspec.Struct": msgspec.json.Decoder(msgspec.defstruct("Envelope", [("topics", struct)])).decode,
        "pydantic": envelope.model_validate_json,
        "cattrs": lambda body: converter.structure(json.loads(body)["topics"], list[Topic]),
        "json.loads (dictionaries)": json.loads,
    }


def _is_union_of_plain_values(kind: Any) -> bool:
    return msgspec.UnsetType in getattr(kind, "__args__", ())


def _once(decode: Callable[[bytes], object], body: bytes) -> Contender:
    async def work() -> None:
        for _ in range(REPEATS):
            decode(body)

    return work

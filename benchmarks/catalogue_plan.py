"""The speed of reading large catalogues, and of planning them without the network.

python -m benchmarks.catalogue_plan [--quick]
"""

from __future__ import annotations

import json
import multiprocessing
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import yaml

from asyncdbaas.catalogue import Catalogue, read_catalogue
from asyncdbaas.plan import ClusterRef, LiveState, Target, compare
from asyncdbaas.plan.kinds.schemas import LiveSchema
from asyncdbaas.schemas import Schema, SchemaType
from asyncdbaas.topics import Topic
from asyncdbaas.users import User, UserSettings
from benchmarks.report import Figure, Report, Table, print_report

__all__ = ["plan_report", "read_report"]

TOPICS: Final = 100_000
LARGE: Final = 50 * 2**20
SETTINGS: Final = ("retention.ms", "cleanup.policy", "max.message.bytes", "segment.ms")


def plan_report(*, quick: bool) -> Report:
    """Read 100,000 topics, 5,000 users and 2,000 schemas from a file, and plan them against as many live ones."""
    count = TOPICS // 20 if quick else TOPICS
    found = _in_a_fresh_process(_plan, count)
    name = f"plan of {count} topics, {count // 20} users, {count // 50} schemas"
    return Report(
        scenario="catalogue",
        tables=[
            Table(title=name, columns=["what", "figure"], rows=[[key, str(value)] for key, value in found.items()])
        ],
        figures=[
            Figure(
                name=f"{name}: CPU, with reading the file",
                value=found["read, s"] + found["compare, s"],
                unit="s",
                target=5,
            ),
            Figure(name=f"{name}: peak of the process", value=found["peak, MiB"], unit="MiB", target=600),
        ],
        data={"plan": found},
    )


def read_report(*, quick: bool) -> Report:
    """Read a catalogue of 50 MB in each format, and compare it with what the YAML parser takes by itself."""
    size = LARGE // 50 if quick else LARGE
    found = {suffix: _in_a_fresh_process(_read, suffix, size) for suffix in (".yaml", ".json", ".csv")}
    rows = [[suffix, *(f"{value:g}" for value in each.values())] for suffix, each in found.items()]
    note = "the parser: the time in which libyaml yields its events, with nothing done about them"
    return Report(
        scenario="catalogue",
        tables=[
            Table(title=f"reading {size >> 20} MiB", columns=["format", *found[".csv"]], rows=rows, notes=[note]),
        ],
        figures=[
            Figure(name=f"read {size >> 20} MiB of {suffix}: CPU", value=each["CPU, s"], unit="s")
            for suffix, each in found.items()
        ],
        data={"read": found},
    )


def _in_a_fresh_process(function: Any, *arguments: Any) -> dict[str, Any]:
    # The peak of this process may come from another scenario.
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as fresh:
        result: dict[str, Any] = fresh.submit(function, *arguments).result()
        return result


def _plan(count: int) -> dict[str, Any]:
    began = time.process_time()
    with TemporaryDirectory() as folder:
        path = Path(folder, "all.yaml")
        path.write_text(_everything(count), encoding="utf-8")
        written = time.process_time()
        catalogue = read_catalogue(path)
    read, peak = time.process_time(), _peak()
    live = _live(catalogue)
    cluster = ClusterRef(id="c", name="events", num_nodes=3)
    target = Target(cluster=cluster, topics=catalogue.topics, users=catalogue.users, schemas=catalogue.schemas)
    began = time.process_time()
    plan = compare([target], live)
    compared = time.process_time() - began
    counts = {str(action): number for action, number in plan.counts.items()}
    figures = {"read, s": read - written, "compare, s": compared, "peak, MiB": max(peak, _peak())}
    return counts | figures | {"of reading, the YAML parser, s": _parse(_everything(count))}


def _read(suffix: str, size: int) -> dict[str, float]:
    with TemporaryDirectory() as folder:
        path = Path(folder, f"topics{suffix}")
        path.write_text(_topics(suffix, size), encoding="utf-8")
        began = time.process_time()
        catalogue = read_catalogue(path)
        spent = time.process_time() - began
        found = {"topics": len(catalogue.topics), "CPU, s": spent, "peak, MiB": _peak(), "the parser, s": 0.0}
        if suffix != ".csv":
            found["the parser, s"] = _parse(path.read_text(encoding="utf-8"))
        return found


def _parse(text: str) -> float:
    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    began = time.process_time()
    for _ in iter(loader(text).get_event, None):
        pass
    return time.process_time() - began


def _peak() -> float:
    # Not ru_maxrss: it begins with what the parent had.
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def _topic(number: int) -> dict[str, Any]:
    config = dict(zip(SETTINGS, (86_400_000 + number % 50, "compact", 2**20 + number % 7, 3_600_000), strict=True))
    name = f"orders.event-{number}"
    return {"name": name, "partition_count": 3 + number % 10, "replication_factor": 2 + number % 2, "config": config}


def _topics(suffix: str, size: int) -> str:
    """Return a catalogue of topics with about the given number of bytes."""
    writers: dict[str, Callable[[dict[str, Any]], str]] = {
        ".yaml": _yaml_topic,
        ".json": json.dumps,
        ".csv": _csv_topic,
    }
    write = writers[suffix]
    count = size // (len(write(_topic(100_000))) + 1)
    entries = [write(_topic(number)) for number in range(count)]
    if suffix == ".json":
        return '{"cluster": "events", "topics": [\n' + ",\n".join(entries) + "\n]}\n"
    columns = ",".join(["cluster", "name", "partition_count", "replication_factor", *SETTINGS])
    return "\n".join([columns if suffix == ".csv" else "cluster: events\ntopics:", *entries, ""])


def _yaml_topic(topic: dict[str, Any]) -> str:
    config = "".join(f"\n      {key}: {value}" for key, value in topic["config"].items())
    shape = f"partition_count: {topic['partition_count']}\n    replication_factor: {topic['replication_factor']}"
    return f"  - name: {topic['name']}\n    {shape}\n    config:{config}"


def _csv_topic(topic: dict[str, Any]) -> str:
    return ",".join(["events", *(str(topic[key]) for key in list(topic)[:3]), *map(str, topic["config"].values())])


def _everything(count: int) -> str:
    topics = [_yaml_topic(_topic(number)) for number in range(count)]
    rights = "".join(f"\n      - {{topic: orders.event-{number}.*, permission: consume}}" for number in range(4))
    users = [f"  - name: user-{number}\n    acl:{rights}" for number in range(count // 20)]
    fields = ", ".join(f'{{"name": "f{number}", "type": "long"}}' for number in range(10))
    schemas = [
        f"  - subject: orders.event-{number}-value\n    type: avro\n    compatibility: backward\n"
        f'    schema: \'{{"type": "record", "name": "Order", "fields": [{fields}]}}\''
        for number in range(count // 50)
    ]
    return "\n".join(["cluster: events", "topics:", *topics, "users:", *users, "schemas:", *schemas, ""])


def _live(catalogue: Catalogue) -> LiveState:
    """Return a state in which every tenth object has changed, or is missing."""
    topics = {
        entry.topic.name: Topic(
            name=entry.topic.name,
            partition_count=3 if number % 10 == 0 else entry.topic.partition_count or 3,
            replication_factor=entry.topic.replication_factor or 2,
            config=entry.topic.config or None,
        )
        for number, entry in enumerate(catalogue.topics)
        if number % 10 != 1
    }
    users = {
        entry.name: User(name=entry.name, settings=UserSettings(acl=list(entry.acl or ())[number % 10 == 0 :]))
        for number, entry in enumerate(catalogue.users)
        if number % 10 != 1
    }
    schemas = {
        entry.subject: LiveSchema(
            schema=Schema(
                subject_name=entry.subject,
                schema_type=SchemaType(entry.schema.schema_type),
                schema=f" {entry.schema.schema}",
            ),
            level=None if number % 10 == 0 else entry.compatibility,
        )
        for number, entry in enumerate(catalogue.schemas)
        if number % 10 != 1 and entry.schema is not None
    }
    return LiveState(objects={("c", "topic"): topics, ("c", "user"): users, ("c", "schema"): schemas})


def main() -> int:
    """Run both parts; the exit status is 1 if a target is missed."""
    quick = "--quick" in sys.argv
    reports = [plan_report(quick=quick), read_report(quick=quick)]
    for report in reports:
        print_report(report)
    return int(any(figure.missed for report in reports for figure in report.figures) and not quick)


if __name__ == "__main__":
    sys.exit(main())

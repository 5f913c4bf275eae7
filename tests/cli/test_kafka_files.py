"""Commands that need no service: `kafka validate` and `kafka import`."""

from __future__ import annotations

from pathlib import Path

import pytest
from terminal import in_process

from asyncdbaas.catalogue import read_catalogue

IMPORTS = Path(__file__).parents[1] / "data" / "imports"


def test_validate_reports_all_problems_without_a_service(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("topics: [{name: '${env}.a', replicas: 3}]")
    (tmp_path / "b.csv").write_text("Name\na\n")
    done = in_process(capsys, "kafka", "validate", str(tmp_path), "--var", "env=dev")
    assert done.code == 1
    assert done.err.replace(f"{tmp_path}/", "").splitlines() == [
        "a.yaml:1: ${env}.a: replicas: is unknown; did you mean replication_factor?",
        "b.csv:1: Name: is unknown; did you mean name?",
        "2 problems; nothing was changed.",
    ]
    (tmp_path / "a.yaml").write_text("topics: [{name: '${env}.a'}]\nusers: [{name: u}]")
    (tmp_path / "b.csv").unlink()
    done = in_process(capsys, "kafka", "validate", str(tmp_path), "--var", "env=dev")
    assert (done.code, done.out) == (0, "Valid: 1 topic, 1 user.\n")


@pytest.mark.parametrize("given", ["env", "=x"])
def test_a_variable_is_given_as_name_and_value(capsys: pytest.CaptureFixture[str], given: str) -> None:
    done = in_process(capsys, "kafka", "validate", "x.yaml", "--var", given)
    assert (done.code, "--var takes NAME=VALUE" in done.err) == (1, True)


def test_variables_come_from_the_environment_except_secrets(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STAGE", "dev")
    monkeypatch.setenv("DIGITALOCEAN_ACCESS_TOKEN", "hunter2")
    file = tmp_path / "t.yaml"
    file.write_text("topics: [{name: '${STAGE}.a'}]")
    assert in_process(capsys, "kafka", "validate", str(file)).code == 0
    file.write_text("topics: [{name: '${DIGITALOCEAN_ACCESS_TOKEN}'}]")
    done = in_process(capsys, "kafka", "validate", str(file))
    assert (done.code, "hunter2" in done.err, "suggest a secret" in done.err) == (1, False, True)


def test_an_import_prints_a_catalogue_and_reports_what_is_left_out(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    out = tmp_path / "topics.yaml"
    source = IMPORTS / "topicctl.yaml"
    printed = in_process(capsys, "kafka", "import", str(source))
    assert printed.out.startswith("cluster: shop\ntopics:\n  - name: shipments\n")
    assert printed.err.endswith(
        "13: shipments: spec.placement: has no place in a catalogue, and is left out\n1 topic; 1 note\n"
    )
    assert in_process(capsys, "kafka", "import", str(source), "-o", str(out)).code == 0
    assert out.read_text() == printed.out
    assert in_process(capsys, "kafka", "import", str(source), "-o", str(out)).code == 1
    assert in_process(capsys, "kafka", "import", str(source), "-o", str(out), "--force").code == 0
    assert read_catalogue(out).topics[0].topic.name == "shipments"
    done = in_process(capsys, "kafka", "import", str(tmp_path / "topics.yaml"))
    assert (done.code, "is none of the files that can be imported" in done.err) == (1, True)


def test_an_import_reads_the_standard_input(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with IMPORTS.joinpath("describe.txt").open(encoding="utf-8") as file:
        monkeypatch.setattr("sys.stdin", file)
        done = in_process(capsys, "kafka", "import", "-", "--format", "json")
    assert done.code == 0, done.err
    assert '"name": "orders"' in done.out
    assert "standard input:7: __consumer_offsets: " in done.err

"""Where a command connects to, and how it names what it finds there."""

from __future__ import annotations

import re

import click
import pytest
from terminal import in_process

from asyncdbaas.cli.connect import Connection, opened
from asyncdbaas.cli.waiting import _reporter
from asyncdbaas.emulator import Clock, Emulator
from asyncdbaas.waiters import StateSeen

REAL = "https://api.digitalocean.com"


@pytest.mark.parametrize(
    ("option", "variable"), [(REAL, None), (None, REAL), (None, None), (None, ""), (REAL, "http://127.0.0.1:1")]
)
async def test_the_limiter_is_never_sped_up_against_the_real_service(
    monkeypatch: pytest.MonkeyPatch, option: str | None, variable: str | None
) -> None:
    monkeypatch.setenv("DIGITALOCEAN_TOKEN", "t")
    monkeypatch.delenv("DIGITALOCEAN_API_URL", raising=False)
    if variable is not None:
        monkeypatch.setenv("DIGITALOCEAN_API_URL", variable)
    with pytest.raises(click.UsageError, match="--time-scale is for emulators"):
        async with opened(Connection(emulator=False, api_url=option, time_scale=20.0), lambda _: None):
            pass


async def test_the_limits_and_the_time_scale_of_an_emulator_are_learned_from_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with Emulator(time_scale=120, per_minute=7, per_hour=9) as emulator:
        monkeypatch.setenv("DIGITALOCEAN_TOKEN", emulator.token)
        connection = Connection(emulator=False, api_url=emulator.url, time_scale=None)
        async with opened(connection, lambda _: None) as session:
            assert session.rate_limiter.forecast(7) == 0
            assert session.rate_limiter.forecast(9) == pytest.approx(60 / 120)
            assert session.rate_limiter.forecast(10) == pytest.approx(3600 / 120)
        assert len(emulator.requests) == 0, "asking for them costs none of the quota"


async def test_where_no_emulator_answers_the_limits_of_the_service_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIGITALOCEAN_TOKEN", "t")
    connection = Connection(emulator=False, api_url="http://127.0.0.1:1", time_scale=None)
    async with opened(connection, lambda _: None) as session:
        assert session.rate_limiter.forecast(250) == 0
        assert session.rate_limiter.forecast(251) == pytest.approx(60)


@pytest.mark.parametrize("wanted", ["event", "x"])
def test_a_cluster_of_any_engine_that_is_missing_is_reported_with_names_near_to_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], wanted: str
) -> None:
    with Emulator(clock=Clock.stepped()) as emulator:
        emulator.add_cluster(engine="pg", name="events")
        monkeypatch.setenv("DIGITALOCEAN_TOKEN", emulator.token)
        done = in_process(capsys, "clusters", "wait", wanted, "--api-url", emulator.url, "--time-scale", "9")
    hint = "did you mean 'events'?" if wanted == "event" else "clusters here: events"
    assert (done.code, done.err.splitlines()[-1]) == (1, f"error: there is no cluster {wanted!r}; {hint}")


def test_a_cluster_can_be_waited_for_by_its_id_and_is_then_printed_under_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with Emulator(clock=Clock.stepped()) as emulator:
        cluster_id = emulator.add_cluster(name="events")["id"]
        monkeypatch.setenv("DIGITALOCEAN_TOKEN", emulator.token)
        done = in_process(capsys, "clusters", "wait", cluster_id, "--api-url", emulator.url)
    assert done.code == 0
    assert re.search(rf"^{cluster_id}: online after", done.err, re.MULTILINE)


@pytest.mark.parametrize(("what", "shown"), [("cluster 1", "events"), ("cluster 2", "2"), ("replica r", "replica r")])
def test_a_state_is_printed_under_the_name_that_the_user_gave_or_else_the_events_own(
    capsys: pytest.CaptureFixture[str], what: str, shown: str
) -> None:
    _reporter({"1": "events"})(StateSeen(what=what, state="online", is_known=True, seconds=3.0))
    assert capsys.readouterr().err == f"{shown}: online after 3 s\n"

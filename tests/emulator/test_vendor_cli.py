"""The requests that the vendor's command line makes, as its source shows them, sent with the standard library."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import attrs
import pytest
from emulator_contract import CheckedEmulator

from asyncdbaas.emulator import Clock, Delays, Quirks

ORDER: Final[dict[str, Any]] = {
    "name": "shop",
    "engine": "pg",
    "version": "16",
    "region": "nyc3",
    "size": "db-s-1vcpu-2gb",
    "num_nodes": 1,
    "private_network_uuid": "",
    "tags": None,
    "rules": None,
}
LARGER: Final[dict[str, Any]] = {"size": "db-s-2vcpu-4gb", "num_nodes": 2}
POLL_SECONDS: Final = 10
POLLS: Final = 180


@attrs.frozen
class Got:
    status: int
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class VendorCli:
    """Sends what the vendor's command line sends, and reads answers as it does."""

    def __init__(self, emulator: CheckedEmulator) -> None:
        self.emulator = emulator

    def send(self, method: str, target: str, body: Any = None) -> Got:
        url = target if target.startswith("http") else self.emulator.url + target
        headers = {
            "Authorization": f"Bearer {self.emulator.token}",
            "Content-Type": "application/json",
            "Accept": "application/json",
            "User-Agent": "doctl/1.0 (linux amd64)",
        }
        data = None if body is None else json.dumps(body).encode()
        try:
            with urllib.request.urlopen(urllib.request.Request(url, data, headers, method=method)) as answer:
                return Got(answer.status, answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return Got(error.status or 0, error.read())

    def list_all(self, path: str, key: str, per_page: int = 200) -> list[str]:
        """Read the first page, take the number of the last from its link, and fetch the others by number."""
        first = self.send("GET", f"{path}?page=1&per_page={per_page}").json
        last = _last_page(first)
        pages = [self.send("GET", f"{path}?page={number}&per_page={per_page}").json for number in range(2, last + 1)]
        return [item["name"] for page in [first, *pages] for item in page[key]]

    def wait(self, cluster_id: str, done: Callable[[Got], bool]) -> int:
        """Poll until done, ten virtual seconds apart, and return how often that was."""
        for number in range(1, POLLS + 1):
            if done(self.send("GET", f"/v2/databases/{cluster_id}")):
                return number
            self.emulator.clock.advance(seconds=POLL_SECONDS)
        raise AssertionError("the poll's limit was reached")


def _last_page(body: Any) -> int:
    """Take the number from the link to the last page; a list that is whole has no links."""
    links: dict[str, Any] = body.get("links") or {}
    pages: dict[str, str] = links.get("pages") or {}
    return int(parse_qs(urlsplit(pages["last"]).query)["page"][0]) if "last" in pages else 1


def _is_online(got: Got) -> bool:
    return got.status == 200 and got.json["database"]["status"] == "online"


def _is_resized(got: Got) -> bool:
    cluster = got.json["database"]
    return _is_online(got) and {name: cluster[name] for name in LARGER} == LARGER


def _is_gone(got: Got) -> bool:
    return got.status == 404


def test_a_cluster_is_ordered_awaited_resized_and_deleted() -> None:
    with CheckedEmulator(clock=Clock.stepped(), delays=Delays(delete=30)) as emulator:
        cli = VendorCli(emulator)
        created = cli.send("POST", "/v2/databases", ORDER)
        cluster = created.json["database"]
        assert (created.status, cluster["status"], cluster["users"]) == (201, "creating", None)
        assert cli.wait(cluster["id"], _is_online) == 1 + 240 / POLL_SECONDS

        path = f"/v2/databases/{cluster['id']}"
        assert cli.send("PUT", f"{path}/resize", LARGER) == Got(202, b"")
        assert _is_online(cli.send("GET", path))  # with the old size: whoever waits for the status alone is fooled
        assert cli.wait(cluster["id"], _is_resized) == 1 + (10 + 300) / POLL_SECONDS
        assert cli.list_all("/v2/databases", "databases") == ["shop"]

        assert cli.send("DELETE", path) == Got(204, b"")
        assert cli.wait(cluster["id"], _is_gone) == 1 + 30 / POLL_SECONDS
        assert cli.list_all("/v2/databases", "databases") == []
    assert not emulator.problems


def test_a_list_asked_for_by_page_comes_whole_and_without_links() -> None:
    with CheckedEmulator(clock=Clock.stepped()) as emulator:
        names = [emulator.add_cluster(engine="pg")["name"] for _ in range(7)]
        cli = VendorCli(emulator)
        first = cli.send("GET", "/v2/databases?page=1&per_page=3").json
        assert first.keys() == {"databases"}
        assert cli.list_all("/v2/databases", "databases", per_page=3) == names
    assert len(emulator.requests) == 2


@pytest.mark.parametrize(("per_page", "pages"), [(3, 3), (200, 1)])
def test_with_paging_the_link_to_the_last_page_leads_to_all_of_them(per_page: int, pages: int) -> None:
    with CheckedEmulator(clock=Clock.stepped(), quirks=Quirks(page_size=20)) as emulator:
        names = [emulator.add_cluster(engine="pg")["name"] for _ in range(7)]
        cli = VendorCli(emulator)
        assert cli.list_all("/v2/databases", "databases", per_page) == names
        assert len(emulator.requests) == pages


def test_links_are_whole_addresses_that_lead_on_from_page_to_page() -> None:
    with CheckedEmulator(clock=Clock.stepped(), quirks=Quirks(page_size=20)) as emulator:
        cluster = emulator.add_cluster(engine="kafka")
        path, cli = f"/v2/databases/{cluster['id']}/topics", VendorCli(emulator)
        for number in range(5):
            assert cli.send("POST", path, {"name": f"topic-{number}"}).status == 201
        names, url = list[str](), f"{path}?page=1&per_page=2"
        while url:
            page = cli.send("GET", url).json
            names += [topic["name"] for topic in page["topics"]]
            url = page["links"]["pages"].get("next", "")
            assert not url or re.match(re.escape(emulator.url + path) + r"\?page=\d&per_page=2$", url)
        assert names == [f"topic-{number}" for number in range(5)]

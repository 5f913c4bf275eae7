"""The page `/_emulator/ui`, in a real browser that clicks through it."""

from __future__ import annotations

import json
import threading
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from browser import AVAILABLE, Browser, browsing

from asyncdbaas.emulator import Clock, Emulator

# Browsers start slowly, and few machines have what they need.
pytestmark = [pytest.mark.long, pytest.mark.skipif(not AVAILABLE, reason="needs chromium and chromedriver")]

FOCUSABLE = "input:not([type=hidden]), select, button, summary, [tabindex='0']"
WIDTHS = {"narrow": 360, "wide": 1280}


@pytest.fixture(scope="module")
def running_browser() -> Generator[Browser]:
    with browsing() as browser:
        yield browser


@pytest.fixture
def browser(running_browser: Browser) -> Generator[Browser]:
    running_browser.errors()
    yield running_browser
    running_browser.open("about:blank")


@pytest.fixture
def emulator() -> Generator[Emulator]:
    with Emulator(clock=Clock.stepped(epoch=1_800_000_000), per_minute=10) as emulator:
        yield emulator


def show(browser: Browser, emulator: Emulator) -> None:
    browser.open(f"{emulator.url}/_emulator/ui")
    browser.wait("document.getElementById('connection').textContent.startsWith('Connected')")
    browser.wait("document.getElementById('fault-operation').options.length > 70")


def ask(emulator: Emulator, path: str = "/v2/databases", method: str = "GET", body: Any = None) -> int:
    headers = {"authorization": f"Bearer {emulator.token}"}
    return emulator.handle(method, path, headers, json.dumps(body).encode()).status


def shows(text: str, where: str) -> str:
    return f"document.getElementById({json.dumps(where)}).textContent.includes({json.dumps(text)})"


def test_requests_show_as_they_come_and_can_be_filtered(browser: Browser, emulator: Emulator) -> None:
    show(browser, emulator)
    ask(emulator)
    ask(emulator, "/v2/databases/missing")
    browser.wait(shows("/v2/databases/missing", "requests-rows"))
    browser.wait(shows("2 of 2 requests shown", "requests-count"))
    browser.type("#filter", "404")
    browser.wait(shows("1 of 2 requests shown", "requests-count"))
    assert browser.text("#requests-rows").split()[2:5] == ["GET", "/v2/databases/missing", "404"]
    browser.type("#filter", "list_clusters")
    browser.wait("!" + shows("missing", "requests-rows"))
    browser.click("#paused")
    ask(emulator)
    browser.wait(shows("3 of 10 in use", "minute-text"))
    assert browser.text("#requests-count") == "1 of 2 requests shown"
    browser.click("#paused")
    browser.wait(shows("2 of 3 requests shown", "requests-count"))


def test_the_plot_and_a_sentence_say_why_a_client_waits(browser: Browser, emulator: Emulator) -> None:
    show(browser, emulator)
    ask(emulator)
    browser.wait(shows("No client needs to wait: room for 9 requests.", "waiting"))
    for _ in range(9):
        ask(emulator)
    browser.wait(shows("The minute is full: a client waits 60.0 s for room", "waiting"))
    assert browser.run("return document.getElementById('minute-meter').value") == 10
    browser.wait("document.getElementById('minute-line').getAttribute('points').endsWith('600.0,1.0')")
    assert browser.run("return document.getElementById('plot').ariaLabel").startswith("100 % of the minute")
    browser.type("#step", "61")
    browser.click("#step-form button")
    browser.wait(shows("No client needs to wait: room for 10 requests.", "waiting"))


def test_faults_are_added_and_removed(browser: Browser, emulator: Emulator) -> None:
    show(browser, emulator)
    browser.run("const s = document.getElementById('fault-operation'); s.value = 'list_clusters';")
    browser.type("#fault-times", "2")
    browser.click("#fault-form button")
    browser.wait(shows("list_clusters", "faults-rows"))
    assert ask(emulator) == 500
    browser.wait("document.querySelector('#faults-rows tr').children[5].textContent === '1'")
    browser.click("#faults-rows button")
    browser.wait("document.getElementById('faults-rows').childElementCount === 0")
    assert ask(emulator) == 200
    assert not emulator.faults.dump()


def test_the_clock_is_stepped_and_scaled(browser: Browser, emulator: Emulator) -> None:
    show(browser, emulator)
    assert "2027-01-15 08:00:00 UTC stands still" in browser.text("#clock")
    browser.type("#step", "90")
    browser.click("#step-form button")
    browser.wait(shows("2027-01-15 08:01:30", "now"))
    browser.type("#scale", "60")
    browser.click("#scale-form button")
    browser.wait(shows("runs 60 times as fast", "scale-text"))
    assert emulator.clock.scale == 60


def test_clusters_show_what_is_in_them_and_secrets_only_when_asked(browser: Browser, emulator: Emulator) -> None:
    emulator.seed_from({"clusters": [{"engine": "kafka", "name": "events", "topics": ["orders"], "users": ["shop"]}]})
    password = emulator.perform("GET", "/v2/databases").body["databases"][0]["connection"]["password"]
    show(browser, emulator)
    browser.wait(shows("events: kafka", "clusters-list"))
    browser.click("#clusters summary")
    browser.wait(shows("orders", "clusters-list"))
    browser.wait(shows("shop", "clusters-list"))
    assert password not in browser.run("return document.body.innerHTML")
    browser.click("#secrets")
    browser.wait(shows(password, "clusters-list"))
    browser.click("#secrets")
    browser.wait("!" + shows(password, "clusters-list"))
    browser.run("document.querySelector('#clusters summary').focus()")
    cluster_id = emulator.perform("GET", "/v2/databases").body["databases"][0]["id"]
    emulator.perform("POST", f"/v2/databases/{cluster_id}/topics", {"name": "payments"})
    browser.wait(shows("payments", "clusters-list"))
    assert browser.run("return document.activeElement.tagName") == "SUMMARY", "an update leaves the focus alone"
    browser.click("#clusters summary")
    browser.wait("!" + shows("orders", "clusters-list"))


def test_names_are_text_whatever_they_hold(browser: Browser, emulator: Emulator) -> None:
    cluster = emulator.add_cluster(engine="opensearch", name="logs")["id"]
    emulator.add_index(cluster, "<img src=x onerror='window.injected = 1'>")
    show(browser, emulator)
    browser.wait(shows("logs", "clusters-list"))
    browser.click("#clusters summary")
    browser.wait(shows("<img src=x", "clusters-list"))
    assert browser.run("return [document.images.length, window.injected ?? null]") == [0, None]


def test_what_the_emulator_refuses_is_said(browser: Browser, emulator: Emulator) -> None:
    show(browser, emulator)
    browser.run("document.getElementById('step').removeAttribute('min')")
    browser.type("#step", "-1")
    browser.click("#step-form button")
    browser.wait(shows("seconds, minutes, hours and days must be numbers", "problem"))


def test_everything_can_be_reached_and_used_with_the_keyboard(browser: Browser, emulator: Emulator) -> None:
    emulator.add_cluster(name="events")
    show(browser, emulator)
    browser.wait(shows("events", "clusters-list"))
    visible = f"[...document.querySelectorAll({json.dumps(FOCUSABLE)})].filter((each) => each.offsetParent)"
    count = browser.run(f"{visible}.forEach((each, number) => each.dataset.number = number); return {visible}.length")
    reached: set[str] = set()
    for _ in range(count + 2):
        browser.press("tab")
        reached.add(browser.run("return document.activeElement.dataset.number ?? document.activeElement.className"))
    assert reached >= {str(number) for number in range(count)} | {"skip"}
    browser.run("document.getElementById('fault-delay').focus()")
    browser.press("tab", "space", "tab", "enter")
    browser.wait("document.getElementById('faults-rows').childElementCount === 1")
    assert emulator.faults.dump()[0]["applied"]
    browser.run("document.querySelector('#faults-rows button').focus()")
    browser.press("enter")
    browser.wait("document.getElementById('faults-rows').childElementCount === 0")


def test_a_screen_reader_hears_a_name_for_every_control_and_region(browser: Browser, emulator: Emulator) -> None:
    emulator.add_cluster(name="events")
    emulator.faults.add("*", "delay", optional=True)
    show(browser, emulator)
    browser.wait(shows("delay", "faults-rows"))
    browser.command("Accessibility.enable")
    nodes = browser.command("Accessibility.getFullAXTree")["nodes"]
    named = {
        "button",
        "textbox",
        "searchbox",
        "spinbutton",
        "checkbox",
        "combobox",
        "region",
        "img",
        "meter",
        "heading",
    }
    found = [
        (node["role"]["value"], node["name"]["value"]) for node in nodes if node.get("role", {}).get("value") in named
    ]
    assert {role for role, _ in found} >= {
        "button",
        "searchbox",
        "spinbutton",
        "checkbox",
        "combobox",
        "region",
        "heading",
    }
    assert not [role for role, name in found if not name.strip()]
    assert ("button", "Remove delay for *") in found
    assert browser.run("return document.documentElement.lang") == "en"


@pytest.mark.parametrize("width", WIDTHS.values(), ids=WIDTHS)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_any_width_and_keeps_contrast(browser: Browser, emulator: Emulator, width: int, scheme: str) -> None:
    emulator.seed_from({"clusters": [{"engine": "kafka", "name": "events", "topics": ["orders"], "users": ["shop"]}]})
    emulator.faults.add("*", "delay", optional=True)
    ask(emulator, f"/v2/databases/{'long-name-' * 20}")
    browser.command("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
    browser.command("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
    show(browser, emulator)
    browser.wait(shows("events", "clusters-list"))
    browser.click("#clusters summary")
    browser.wait(shows("orders", "clusters-list"))
    browser.wait(shows("long-name", "requests-rows"))
    assert browser.run("return document.documentElement.scrollWidth") <= width
    assert browser.run(CONTRAST) >= 4.5
    browser.command("Emulation.clearDeviceMetricsOverride")


# The least contrast of any text with the background behind it, by the formula of WCAG.
CONTRAST = """
const light = (color) => {
  const [r, g, b] = color.match(/[\\d.]+/g).map((part) => {
    const share = part / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const behind = (element) => {
  for (let each = element; each; each = each.parentElement) {
    const color = getComputedStyle(each).backgroundColor;
    if (!color.endsWith(", 0)")) return color;
  }
};
const texts = [...document.querySelectorAll("body *")].filter((each) =>
  each.offsetParent && [...each.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim()));
return Math.min(...texts.map((each) => {
  const [one, other] = [light(getComputedStyle(each).color), light(behind(each))].sort((a, b) => b - a);
  return (one + 0.05) / (other + 0.05);
}));
"""


def test_it_loads_nothing_from_elsewhere_and_logs_no_error(browser: Browser, emulator: Emulator) -> None:
    emulator.add_cluster(name="events")
    show(browser, emulator)
    browser.wait(shows("events", "clusters-list"))
    loaded = browser.run("return performance.getEntriesByType('resource').map((each) => each.name)")
    assert loaded
    assert not [url for url in loaded if not url.startswith((emulator.url, "data:"))]
    assert browser.errors() == []


def test_where_other_machines_are_let_in_it_asks_for_the_token(browser: Browser) -> None:
    with Emulator(host="0.0.0.0", allow_remote=True) as emulator:
        emulator.add_cluster(name="events")
        browser.open(f"{emulator.url}/_emulator/ui")
        browser.wait("!document.getElementById('token-form').hidden")
        assert "events" not in browser.text("body")
        browser.type("#token", emulator.token)
        browser.click("#token-form button")
        browser.wait(shows("events", "clusters-list"))
        assert browser.run("return document.getElementById('token-form').hidden")


ATTACK = """<!doctype html><script>
const url = "%s/_emulator/faults", body = JSON.stringify({kind: "server_error"});
Promise.allSettled([
  fetch(url, {method: "POST", body, mode: "no-cors"}),
  fetch(url, {method: "POST", body, headers: {"content-type": "application/json"}}),
  fetch("%s/_emulator/snapshot").then((answer) => answer.text()),
]).then((results) => { document.title = results.map((result) => result.status).join(" "); });
</script>"""


def test_a_page_of_another_site_can_neither_control_nor_read(browser: Browser, emulator: Emulator) -> None:
    with serving_html(ATTACK % (emulator.url, emulator.url)) as url:
        browser.open(url)
        browser.wait("document.title !== ''")
        assert browser.run("return document.title") == "fulfilled rejected rejected", "the first one is opaque"
    assert not emulator.faults.dump()


def test_a_name_that_is_made_to_resolve_to_this_machine_is_refused(browser: Browser, emulator: Emulator) -> None:
    port = emulator.url.rpartition(":")[2]
    for path in ("ui", "snapshot"):
        browser.open(f"http://evil.example:{port}/_emulator/{path}")
        assert "only this machine may use this path" in browser.text("body")


@contextmanager
def serving_html(text: str) -> Generator[str]:
    """Serve one page on another port, which is another origin."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 -- the base class names it so
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

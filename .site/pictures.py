"""Draw the pictures for the guides: `python .site/pictures.py`. It needs Chromium and its driver.

A plan is made against an emulator, once as a terminal shows it and once as Markdown for a merge request. The page of an
emulator is taken from a browser that shows it while a program creates topics.
"""

from __future__ import annotations

import asyncio
import html
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from asyncdbaas import AsyncSession, RateLimiter, bulk, topics
from asyncdbaas.emulator import Clock, Emulator

ROOT: Final = Path(__file__).parents[1]
GUIDES: Final = ROOT / "asyncdbaas" / "guides"
sys.path.insert(0, str(ROOT / "tests" / "support"))

from browser import browsing  # noqa: E402 - it is found by the line above

SCALE: Final = 4  # how fast the emulator's clock runs
COMMAND: Final = "asyncdbaas kafka plan topics.yaml --cluster events --prune --prefix tmp."
CATALOGUE: Final = """\
topics:
  - {name: orders.placed, partition_count: 12, replication_factor: 2, config: {retention.ms: 14d}}
  - {name: orders.shipped, partition_count: 6, replication_factor: 2}
  - {name: orders.returned, partition_count: 6, replication_factor: 2, config: {cleanup.policy: compact}}
users:
  - {name: shop, acl: [{topic: "orders.*", permission: produceconsume}]}
"""
LIVE: Final = [
    {"name": "orders.placed", "partition_count": 6, "replication_factor": 2},
    {"name": "orders.shipped", "partition_count": 6, "replication_factor": 2},
    {"name": "tmp.orders", "partition_count": 3, "replication_factor": 2},
]
STYLE: Final = """\
body { margin: 0; background: #fff; font: 15px/1.5 sans-serif; color: #1f2328; }
pre { margin: 0; padding: 16px 20px; background: #16181d; color: #d7dae0; font: 14px/1.5 monospace; }
.a1 { font-weight: bold; } .a31 { color: #ff7b72; } .a32 { color: #7ee787; } .a33 { color: #e3b341; }
.comment { margin: 12px; padding: 10px 16px; border: 1px solid #d0d7de; border-radius: 6px; }
summary { margin-top: 10px; }
code { background: #eff1f3; padding: 1px 4px; border-radius: 4px; }
"""


def main() -> None:
    """Make the plan in both formats, and draw each."""
    with TemporaryDirectory() as folder, Emulator() as emulator:
        emulator.seed_from({"clusters": [{"engine": "kafka", "name": "events", "topics": LIVE}]})
        Path(folder, "topics.yaml").write_text(CATALOGUE, encoding="utf-8")
        shown = _plan(emulator, folder)
        _draw(f"<pre>$ {COMMAND}\n{_colored(shown)}</pre>", 860, 221, GUIDES / "plan-terminal.png")
        comment = _rendered(_plan(emulator, folder, "--format", "markdown"))
        _draw(f'<div class="comment">{comment}</div>', 860, 240, GUIDES / "plan-markdown.png")
    _photograph_page(GUIDES / "emulator-page.png")


def _plan(emulator: Emulator, folder: str, *options: str) -> str:
    settings = {"DIGITALOCEAN_TOKEN": emulator.token, "DIGITALOCEAN_API_URL": emulator.url}
    environment = os.environ | settings | {"FORCE_COLOR": "1", "COLUMNS": "100"}
    command = [sys.executable, "-m", *COMMAND.split(), *options]
    done = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, check=False)
    return done.stdout.strip()


def _colored(text: str) -> str:
    """Turn the colour codes of a terminal into HTML."""
    return re.sub(
        r"\x1b\[(\d+)m", lambda code: "</span>" if code[1] == "0" else f'<span class="a{code[1]}">', html.escape(text)
    )


def _rendered(text: str) -> str:
    """Render the Markdown that plans use."""
    text = text.replace("<details>", "<details open>")
    text = re.sub(r"\*\*(.+?)\*\*", r"<b>\1</b>", text)
    text = re.sub(r"`(.+?)`", r"<code>\1</code>", text)
    return re.sub(
        r"((?:^- .*\n)+)", lambda found: "<ul>" + found[1].replace("- <", "<li><") + "</ul>", text, flags=re.MULTILINE
    )


def _photograph_page(target: Path) -> None:
    """Show the page of an emulator to a browser while topics are created, and take a picture at the end."""
    with Emulator(clock=Clock(SCALE)) as emulator, browsing() as browser:
        cluster = emulator.add_cluster(engine="kafka", name="events")["id"]
        emulator.faults.add("create_topic", "bad_gateway", probability=0.004, times=None)
        browser.command(
            "Emulation.setDeviceMetricsOverride", width=1160, height=1130, deviceScaleFactor=1, mobile=False
        )
        browser.open(f"{emulator.url}/_emulator/ui")
        asyncio.run(_create_topics(emulator, cluster))
        browser.wait("document.getElementById('limits').textContent.includes('250 of 250')")
        browser.screenshot(target)


async def _create_topics(emulator: Emulator, cluster: str) -> None:
    wanted = [topics.TopicCreate(name=f"orders-{number}") for number in range(1_250)]
    limiter = RateLimiter(minute=60 / SCALE, hour=3600 / SCALE)
    async with AsyncSession(emulator.token, base_url=emulator.url, rate_limiter=limiter) as session:
        await bulk.settle(lambda topic: topics.create_topic(session, cluster, topic), wanted)


def _draw(body: str, width: int, height: int, target: Path) -> None:
    with TemporaryDirectory() as folder:
        page = Path(folder, "page.html")
        page.write_text(f"<meta charset=utf-8><style>{STYLE}</style>{body}", encoding="utf-8")
        options = ["--headless", "--no-sandbox", "--hide-scrollbars", f"--window-size={width},{height}"]
        command = [shutil.which("chromium") or "chromium", *options, f"--screenshot={target}", page.as_uri()]
        subprocess.run(command, check=True, capture_output=True)


if __name__ == "__main__":
    main()

"""Draw the pictures of a plan for the guides: `python .site/pictures.py`. It needs Chromium.

A plan is made against an emulator, once as a terminal shows it and once as Markdown for a merge request.
"""

from __future__ import annotations

import html
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from asyncdbaas.emulator import Emulator

GUIDES: Final = Path(__file__).parents[1] / "asyncdbaas" / "guides"
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


def _draw(body: str, width: int, height: int, target: Path) -> None:
    with TemporaryDirectory() as folder:
        page = Path(folder, "page.html")
        page.write_text(f"<meta charset=utf-8><style>{STYLE}</style>{body}", encoding="utf-8")
        options = ["--headless", "--no-sandbox", "--hide-scrollbars", f"--window-size={width},{height}"]
        command = [shutil.which("chromium") or "chromium", *options, f"--screenshot={target}", page.as_uri()]
        subprocess.run(command, check=True, capture_output=True)


if __name__ == "__main__":
    main()

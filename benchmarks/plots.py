"""Draw the plots of the README from saved results: `python -m benchmarks.plots [RESULTS [FOLDER]]`."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks.results import load

__all__ = ["accepted_over_time", "cpu_per_call"]

HERE: Final = Path(__file__).parent
WIDTH: Final = 760
OURS: Final = "#0969da"
OTHERS: Final = ("#bf5b00", "#57606a", "#8250df")
INK, FAINT, PAPER = "#1f2328", "#d0d7de", "#ffffff"
FONT: Final = "font-family='system-ui, -apple-system, Segoe UI, Helvetica, Arial, sans-serif'"


def main() -> None:
    """Write one SVG for each plot."""
    arguments = [Path(argument) for argument in sys.argv[1:]]
    results = load(arguments[0] if arguments else HERE / "results.json")
    folder = arguments[1] if len(arguments) > 1 else HERE / "plots"
    folder.mkdir(exist_ok=True)
    for name, draw in (("accepted", accepted_over_time), ("cpu", cpu_per_call)):
        (folder / f"{name}.svg").write_text(draw(results) + "\n", encoding="utf-8")
        print(folder / f"{name}.svg")


def accepted_over_time(results: Mapping[str, Any]) -> str:
    """Draw how many topics each client had created by when, under the rate limits."""
    data = results["pacing"]["data"]
    lines = {
        name: [(at / data["minute"], number * data["every"]) for number, at in enumerate(answers, 1)]
        for name, answers in data["answers"].items()
    }
    most = max(line[-1][1] for line in lines.values())
    end = 1.02 * max(line[-1][0] for line in lines.values())
    frame = _Frame(height=420, left=64, right=30, top=64, bottom=56, x_end=end, y_end=1.04 * most)
    marks = [
        _text(frame.left - 44, 30, "Topics created under the rate limits (250 requests a minute)", size=17, bold=True),
        *(frame.horizontal(count) for count in range(0, int(most) + 1, 500)),
        *(frame.tick(minute, f"{minute}") for minute in range(int(end) + 1)),
        _text((frame.left + WIDTH - frame.right) / 2, frame.height - 12, "minutes", anchor="middle"),
    ]
    for place, (name, line) in reversed(list(enumerate(lines.items()))):
        marks += [
            frame.stairs(line, _color(place), 3 if place == 0 else 2),
            *_label(place, name, line[-1], most, frame),
        ]
    return _svg(frame.height, marks)


def cpu_per_call(results: Mapping[str, Any]) -> str:
    """Draw the CPU time of one create for each client, with 64 in flight."""
    times: dict[str, float] = results["cpu"]["data"]["64"]
    step, left = 52, 130
    height = 84 + step * len(times)
    scale = (WIDTH - left - 110) / max(times.values())
    marks = [_text(20, 30, "Client CPU time of one create, 64 in flight (microseconds)", size=17, bold=True)]
    for place, (name, time) in enumerate(sorted(times.items(), key=lambda item: item[1])):
        top, color = 60 + step * place, OURS if name == "asyncdbaas" else OTHERS[1]
        bar = f"<rect x='{left}' y='{top}' width='{time * scale:.1f}' height='30' rx='3' fill='{color}'/>"
        marks += [
            _text(left - 12, top + 20, name, anchor="end", bold=name == "asyncdbaas"),
            bar,
            _text(left + time * scale + 10, top + 20, f"{time:,.0f}", bold=name == "asyncdbaas"),
        ]
    return _svg(height, marks)


class _Frame:
    """A plotting area, and the way from data to points in it."""

    def __init__(
        self, *, height: int, left: int, right: int, top: int, bottom: int, x_end: float, y_end: float
    ) -> None:
        self.height, self.left, self.right, self.top, self.bottom = height, left, right, top, bottom
        self._x_end, self._y_end = x_end, y_end

    def x(self, value: float) -> float:
        return self.left + (WIDTH - self.left - self.right) * value / self._x_end

    def y(self, value: float) -> float:
        return self.height - self.bottom - (self.height - self.top - self.bottom) * value / self._y_end

    def horizontal(self, value: float) -> str:
        y = self.y(value)
        line = f"<line x1='{self.left}' x2='{WIDTH - self.right}' y1='{y:.1f}' y2='{y:.1f}' stroke='{FAINT}'/>"
        return line + _text(self.left - 8, y + 4, f"{value:,.0f}", anchor="end", size=12)

    def tick(self, value: float, label: str) -> str:
        return _text(self.x(value), self.height - self.bottom + 18, label, anchor="middle", size=12)

    def stairs(self, line: Sequence[tuple[float, float]], color: str, width: int) -> str:
        path, before = f"M{self.x(0):.1f} {self.y(0):.1f}", 0.0
        for at, count in line:
            path += f"L{self.x(at):.1f} {self.y(before):.1f}L{self.x(at):.1f} {self.y(count):.1f}"
            before = count
        return f"<path d='{path}' fill='none' stroke='{color}' stroke-width='{width}' stroke-linejoin='round'/>"


def _label(place: int, name: str, end: tuple[float, float], most: float, frame: _Frame) -> Iterable[str]:
    """Name a line in the free corner, with the time it took, and how many topics never came."""
    y = frame.height - frame.bottom - 90 + 22 * place
    x = WIDTH - frame.right - 300
    minutes, count = end
    lost = f", {most - count:,.0f} lost" if count < most else ""
    yield f"<line x1='{x}' x2='{x + 26}' y1='{y - 4}' y2='{y - 4}' stroke='{_color(place)}' stroke-width='3'/>"
    yield _text(x + 34, y, f"{name}: {minutes:.1f} min{lost}", bold=place == 0)


def _color(place: int) -> str:
    return OURS if place == 0 else OTHERS[(place - 1) % len(OTHERS)]


def _text(x: float, y: float, text: str, *, anchor: str = "start", size: int = 14, bold: bool = False) -> str:
    weight = " font-weight='600'" if bold else ""
    place = f"x='{x:.1f}' y='{y:.1f}' text-anchor='{anchor}'"
    return f"<text {place} font-size='{size}' fill='{INK}'{weight}>{text}</text>"


def _svg(height: int, marks: Iterable[str]) -> str:
    size = f"width='{WIDTH}' height='{height}' viewBox='0 0 {WIDTH} {height}'"
    paper = f"<rect width='100%' height='100%' rx='6' fill='{PAPER}'/>"
    return "\n".join([f"<svg xmlns='http://www.w3.org/2000/svg' {size} {FONT}>", paper, *marks, "</svg>"])


if __name__ == "__main__":
    main()

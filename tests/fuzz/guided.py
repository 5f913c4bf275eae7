"""Run one target of `targets.py` guided by coverage, with atheris, which is not in the test extra:

    pip install atheris
    python tests/fuzz/guided.py codec -max_total_time=300

What stands behind the target are libFuzzer's arguments.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any


def main() -> None:
    """Fuzz until libFuzzer's arguments say that it is enough, or something breaks."""
    atheris: Any = importlib.import_module("atheris")
    name = sys.argv.pop(1)
    with atheris.instrument_imports(include=["asyncdbaas"]):
        target = importlib.import_module("targets").TARGETS[name]
    atheris.Setup(sys.argv, target)
    atheris.Fuzz()


if __name__ == "__main__":
    main()

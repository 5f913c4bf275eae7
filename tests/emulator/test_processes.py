"""One emulator and several processes: forked ones, and ones that it would be pickled for."""

from __future__ import annotations

import copy
import os
import pickle
import subprocess
import sys

import pytest

from asyncdbaas.emulator import Emulator, EmulatorError

FORKED = """
import os, urllib.request
from asyncdbaas.emulator import Emulator

def page(emulator):
    return urllib.request.urlopen(emulator.url + "/_emulator/ui").status

with Emulator() as emulator:
    child = os.fork()
    assert page(emulator) == 200
    if child:
        print(os.waitpid(child, 0)[1], page(emulator))
if not child:
    os._exit(0)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
def test_a_forked_process_can_leave_the_block_and_the_emulator_runs_on() -> None:
    command = [sys.executable, "-W", "ignore", "-c", FORKED]  # Python 3.12 warns of threads and forks
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout == "0 200\n", done.stderr


def test_an_emulator_cannot_be_pickled_nor_copied_and_the_error_says_what_to_pass() -> None:
    for attempt in (pickle.dumps, copy.deepcopy, copy.copy):
        with pytest.raises(EmulatorError, match="pass its url and token"):
            attempt(Emulator())

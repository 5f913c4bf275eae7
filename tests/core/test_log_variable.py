"""The log that ASYNCDBAAS_LOG turns on, of a program in a process of its own."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import Final

import pytest
from raw_server import RawServer, answer

TOKEN: Final = "dop_v1_canary-token"
PASSWORD: Final = "canary-password"
PROGRAM: Final = f"""
import asyncio, logging, sys
from asyncdbaas import AsyncSession, RetryPolicy

async def main(url):
    async with AsyncSession("{TOKEN}", base_url=url, retry=RetryPolicy(base_delay=0)) as session:
        await session.request("PUT", "/v2/x", body={{"password": "{PASSWORD}"}})

if "set-up" in sys.argv:
    logging.basicConfig(stream=sys.stdout, format="mine: %(message)s")
asyncio.run(main(sys.argv[1]))
"""


async def run(level: str, *arguments: str) -> tuple[str, str]:
    """Return what the program writes to its standard output and error; its first attempt fails."""
    said = {"id": "server_error", "message": f"no {PASSWORD} for {TOKEN}"}
    async with RawServer(answer(503, said), answer(200, {})) as server:
        program = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", PROGRAM, server.url, *arguments),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**os.environ, "ASYNCDBAAS_LOG": level},
        )
        output, errors = await program.communicate()
        return output.decode(), errors.decode()


@pytest.mark.parametrize(("level", "attempts"), [("debug", 2), ("info", 0), ("DEBUG", 2), ("", 0)])
async def test_the_log_goes_to_standard_error_without_secrets(level: str, attempts: int) -> None:
    output, log = await run(level)
    assert output == ""
    assert log.count("asyncdbaas DEBUG PUT /v2/x (call 1): attempt ") == attempts
    assert log.count("asyncdbaas INFO PUT /v2/x (call 1): ") == bool(level)
    assert TOKEN not in log
    assert PASSWORD not in log


async def test_a_log_that_the_program_has_set_up_is_left_as_it_is() -> None:
    output, log = await run("debug", "set-up")
    assert log == ""
    assert output.count("mine: PUT /v2/x (call 1): attempt ") == 3
    assert TOKEN not in output


async def test_another_value_is_refused() -> None:
    _, log = await run("verbose")
    assert "InvalidInputError: ASYNCDBAAS_LOG must be `debug` or `info`" in log

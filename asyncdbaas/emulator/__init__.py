"""A local, stateful stand-in of DigitalOcean's Managed Databases API.

It imports nothing of the client: it is a second, independent reading of the API, in plain data.
"""

from asyncdbaas.emulator.clock import Clock
from asyncdbaas.emulator.delays import Delays
from asyncdbaas.emulator.emulator import Emulator

__all__ = ["Clock", "Delays", "Emulator"]

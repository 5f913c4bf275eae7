"""A local, stateful stand-in of DigitalOcean's Managed Databases API.

It imports nothing of the client: it is a second, independent reading of the API, in plain data.
"""

from asyncdbaas.emulator.clock import Clock
from asyncdbaas.emulator.delays import Delays, Quirks
from asyncdbaas.emulator.emulator import Emulator
from asyncdbaas.emulator.faults import KINDS, Fault, Faults
from asyncdbaas.emulator.responses import Response
from asyncdbaas.emulator.storage import StateError

__all__ = ["KINDS", "Clock", "Delays", "Emulator", "Fault", "Faults", "Quirks", "Response", "StateError"]

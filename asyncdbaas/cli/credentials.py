"""Keep the credentials of new users: in files that only their owner can read, and nowhere else."""

from __future__ import annotations

import errno
import json
import re
from pathlib import Path
from typing import Final
from urllib.parse import quote

import click

from asyncdbaas.plan import Action, Change, Outcome, Plan, PlanEvent, Result
from asyncdbaas.plan.files import OutputFile
from asyncdbaas.users import User

__all__ = ["Credentials"]

_FOLDER_MODE: Final = 0o700
_USER: Final = "user"
_DEVICE: Final = re.compile("con|prn|aux|nul|(com|lpt)[0-9]", re.IGNORECASE)


class Credentials:
    """A folder with one file for each new user.

    `prepare` checks it before anything is sent: a password that nobody keeps would be lost.
    """

    def __init__(self, folder: Path) -> None:
        self.problems: list[str] = []
        self._folder = folder

    def prepare(self, plan: Plan) -> None:
        """Make the folder. Raise OSError if it takes no file, ClickException if a new user's file is there already."""
        self._folder.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
        for change in plan.changes:
            if change.kind == _USER and change.action is Action.CREATE:
                self._check(self._file(change))

    def _check(self, file: Path) -> None:
        try:
            with OutputFile(file, is_secret=True):
                pass
        except FileExistsError:
            message = f"{file} has the credentials of an earlier user; move it, or name another folder"
            raise click.ClickException(message) from None

    def on_event(self, event: PlanEvent) -> None:
        """Write the file of a user that was created."""
        if isinstance(event, Outcome) and event.change.kind == _USER and event.result is Result.CREATED:
            try:
                self._write(event.change, event.answer)
            except OSError as error:
                self.problems.append(f"the credentials of user {event.change.name} were not written: {error.strerror}")

    def _write(self, change: Change, user: User | None) -> None:
        if user is None or not user.password:
            raise OSError(errno.EACCES, "the token may not see passwords (scope database:view_credentials)")
        data = {
            "cluster": change.cluster.name,
            "cluster_id": change.cluster.id,
            "user": user.name,
            "password": user.password,
            "access_cert": user.access_cert,
            "access_key": user.access_key,
        }
        with OutputFile(self._file(change), is_secret=True) as file:
            file.write((json.dumps(data, indent=2) + "\n").encode())

    def _file(self, change: Change) -> Path:
        return self._folder / f"{_file_part(change.cluster.name)}.{quote(change.name, safe='')}.json"


def _file_part(name: str) -> str:
    """Return a name as the beginning of a file's name. `con.user.json` would be the console on Windows."""
    encoded = quote(name, safe="")
    return f"%{ord(encoded[0]):02X}{encoded[1:]}" if _DEVICE.fullmatch(name) else encoded

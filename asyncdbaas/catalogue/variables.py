"""Variables in catalogues: `${NAME}`, and `$$` for a dollar."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from asyncdbaas._checks import check_mapping, kind_of
from asyncdbaas.errors import InvalidInputError

__all__ = ["catalogue_variables", "check_variables", "substitute"]

_PLACE: Final = re.compile(r"\$\$|\$\{([^}]*)\}?")
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# A catalogue may come from somebody who must not see the secrets of the job that reads it.
# A proxy's address may hold a login; of the names with PWD, PWD and OLDPWD are the shell's folders.
_SECRET: Final = re.compile(
    r"TOKEN|SECRET|PASS|KEY|CREDENTIAL|AUTH|COOKIE|PRIVATE|DSN|URL$|URI$|PROXY|WEBHOOK|CONNECTION|JWT|BEARER|SIGNATURE"
    r"|_PWD|PWD_|_PAT$|^PAT$",
    re.IGNORECASE,
)


def catalogue_variables(environment: Mapping[str, str], given: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that a catalogue may use: those given, and those of the environment that are no secrets.

    A variable of the environment whose name suggests a secret (`..._TOKEN`, `..._PASSWORD`, `..._URL`) is left out. If
    it is needed, it must be given.
    """
    check_variables(given)
    found = check_variables(environment).items()
    return {name: value for name, value in found if not _SECRET.search(name)} | dict(given)


def check_variables(variables: Mapping[str, str] | None) -> Mapping[str, str]:
    """Return variables and their values, which must be strings; none for None."""
    if variables is None:
        return {}
    for name, value in check_mapping(variables, "variables").items():
        if not isinstance(name, str) or not isinstance(value, str):
            raise InvalidInputError(
                f"variables must map names to strings, not {kind_of(name)} to {kind_of(value)}; write numbers as "
                'strings, such as {"PARTITIONS": "6"}'
            )
    return variables


def substitute(text: str, variables: Mapping[str, str]) -> str:
    """Replace all variables in a text. Raise InvalidInputError if one is not defined, or not written as one."""
    return _PLACE.sub(lambda match: _value(match, variables), text)


def _value(match: re.Match[str], variables: Mapping[str, str]) -> str:
    if match[0] == "$$":
        return "$"
    name = match[1]
    if not match[0].endswith("}") or not _NAME.fullmatch(name):
        raise InvalidInputError("a variable is written ${NAME}; write $$ for a dollar sign")
    if name not in variables:
        secret = ", and names that suggest a secret are not read from the environment" if _SECRET.search(name) else ""
        raise InvalidInputError(f"the variable {name} is not defined{secret}; pass --var {name}=VALUE")
    return variables[name]

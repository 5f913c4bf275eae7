"""Certificate authorities of clusters."""

from __future__ import annotations

import base64
import re
import ssl
from typing import Final

import attrs

from asyncdbaas._core.model import Model
from asyncdbaas.errors import InvalidInputError

_PEM: Final = re.compile(r"-----BEGIN CERTIFICATE-----\s[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----")


def _unwrap(text: str) -> str:
    """Return the decoded text of a base64 string; "" if it is not base64."""
    try:
        return base64.b64decode(text).decode("ascii")
    except ValueError:
        return ""


@attrs.frozen(kw_only=True, slots=False, repr=False)
class CA(Model):
    """The private certificate authority behind a cluster's certificates."""

    certificate: str
    """PEM text, decoded from the base64 that the service sends."""

    def __attrs_post_init__(self) -> None:
        pem = self.certificate if self.certificate.lstrip().startswith("-----BEGIN") else _unwrap(self.certificate)
        if not _PEM.search(pem):
            raise InvalidInputError("CA: certificate is neither a PEM certificate nor the base64 of one")
        object.__setattr__(self, "certificate", pem)

    def ssl_context(self) -> ssl.SSLContext:
        """Return a TLS context that trusts only this authority, for the driver that connects to the database."""
        try:
            context = ssl.create_default_context(cadata=self.certificate)
        except (ssl.SSLError, ValueError) as error:
            raise InvalidInputError(f"CA: certificate cannot be used: {error}") from None
        # Python 3.13 and newer are strict by default and would reject the authority in the vendor's own example: its
        # basic constraints are not marked critical.
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        return context

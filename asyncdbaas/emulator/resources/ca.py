"""The certificate authority of a cluster."""

from __future__ import annotations

import base64
from typing import Final

from asyncdbaas.emulator import certificates
from asyncdbaas.emulator.records import Record
from asyncdbaas.emulator.routing import Answer, Call, Route
from asyncdbaas.emulator.state import Actions, State


def get_ca(state: State, call: Call, cluster_id: str) -> Answer:
    """Answer GET /v2/databases/{id}/ca: a PEM in base64."""
    certificate = authority(state.cluster(cluster_id)).certificate
    return Answer(200, {"ca": {"certificate": base64.b64encode(certificate.encode()).decode()}})


def authority(cluster: Record) -> certificates.Pair:
    """Return the cluster's certificate authority, made when it is first asked for."""
    if cluster["authority"] is None:
        cluster["authority"] = list(certificates.make_authority(f"{cluster['id']} Project CA"))
    return certificates.Pair(*cluster["authority"])


ROUTES: Final = (Route("GET", "/v2/databases/{}/ca", "get_ca", get_ca),)
ACTIONS: Final[Actions] = {}

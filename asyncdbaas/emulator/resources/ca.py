"""The certificate authority of a cluster."""

from __future__ import annotations

import base64
from typing import Final

from asyncdbaas.emulator import certificates
from asyncdbaas.emulator.records import Cluster
from asyncdbaas.emulator.routing import Answer, Call, Resource
from asyncdbaas.emulator.state import State

resource: Final = Resource()


@resource.get("/{}/ca")
def get_ca(state: State, call: Call, cluster_id: str) -> Answer:
    """Handle GET /v2/databases/{id}/ca: a PEM in base64."""
    certificate = authority(state.cluster(cluster_id)).certificate
    return Answer(200, {"ca": {"certificate": base64.b64encode(certificate.encode()).decode()}})


def authority(cluster: Cluster) -> certificates.Pair:
    """Return the cluster's certificate authority, made when it is first asked for."""
    made = cluster["authority"] or list(certificates.make_authority(f"{cluster['id']} Project CA"))
    cluster["authority"] = made
    certificate, key = made
    return certificates.Pair(certificate, key)

"""How coordinators and workers of a cluster know each other: by certificates of one authority, or not at all."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from cues.errors import CuesError

if TYPE_CHECKING:
    from distributed import Security

CA, CERT, KEY = "CUES_ENGINE_CA", "CUES_ENGINE_CERT", "CUES_ENGINE_KEY"


class EngineError(CuesError):
    """The cluster cannot be used as it was named; the sentence is for whoever starts the program."""


def security_of(address: str) -> "Security | None":
    """What is shown and asked for at an address; None for tcp://. Raises EngineError."""
    try:
        from distributed import Security
    except ImportError:
        raise EngineError(
            "CUES_ENGINE names a cluster, and Dask is not installed: "
            "pip install -r cues/deployment/requirements-cluster.txt."
        ) from None
    scheme, _, place = address.partition("://")
    if scheme not in ("tcp", "tls") or not place.rpartition(":")[2].isdecimal():
        raise EngineError(f"The scheduler is '{address}': it must be like tcp://host:8786 or tls://host:8786.")
    given = {name: os.environ.get(name, "") for name in (CA, CERT, KEY)}
    if scheme == "tcp":
        return None
    for name, path in given.items():
        if not path or not Path(path).is_file():
            raise EngineError(f"{name} must name a file for {address}; it is '{path}'.")
    return Security(
        tls_ca_file=given[CA],
        tls_client_cert=given[CERT],
        tls_client_key=given[KEY],
        tls_worker_cert=given[CERT],
        tls_worker_key=given[KEY],
        require_encryption=True,
    )

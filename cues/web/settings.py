"""What whoever runs the application can set, from CUES_* environment variables; the README lists them."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from cues.errors import CuesError

ROOT = Path(__file__).resolve().parents[2]
_LOCAL_HOSTS = ("127.0.0.1", "localhost", "[::1]")


class SettingError(CuesError):
    """A setting that cannot be used."""


@dataclass(frozen=True)
class Settings:
    """public_address: scheme and host under which browsers reach the application through a proxy with HTTPS, "" on one
    machine. port: None for the first free one from 8501 on. largest_upload [bytes]. coordinates: whether the
    application starts a coordinator of its own."""

    library: Path
    database_url: str | None
    public_address: str
    port: int | None
    largest_upload: int
    coordinates: bool = True

    @property
    def hosts(self) -> tuple[str, ...]:
        """Names, without a port, under which the application answers."""
        public = host_of(urlsplit(self.public_address).netloc)
        return (*_LOCAL_HOSTS, public) if public else _LOCAL_HOSTS

    @property
    def secure(self) -> bool:
        """Whether browsers come by HTTPS only."""
        return self.public_address.startswith("https://")


def read_settings(environment: Mapping[str, str] = os.environ) -> Settings:
    """Raises SettingError with a sentence that names the variable."""
    public = environment.get("CUES_PUBLIC_ADDRESS", "").rstrip("/")
    parts = urlsplit(public)
    if public and (parts.scheme != "https" or not parts.netloc or parts.path or "@" in parts.netloc):
        raise SettingError(f"CUES_PUBLIC_ADDRESS is '{public}': it must be like https://cues.example.org.")
    port = environment.get("CUES_PORT", "")
    if port and not (port.isdecimal() and 0 < int(port) < 65536):
        raise SettingError(f"CUES_PORT is '{port}': it must be a port number, such as 8501.")
    largest = environment.get("CUES_LARGEST_UPLOAD_GB", "8")
    try:
        gigabytes = float(largest)
    except ValueError:
        gigabytes = 0.0
    if not 0 < gigabytes < 1e6:
        raise SettingError(f"CUES_LARGEST_UPLOAD_GB is '{largest}': it must be a number of gigabytes, such as 8.")
    coordinator = environment.get("CUES_COORDINATOR") or "here"
    if coordinator not in ("here", "elsewhere"):
        raise SettingError(f"CUES_COORDINATOR is '{coordinator}': it must be here or elsewhere.")
    return Settings(
        Path(environment.get("CUES_LIBRARY") or ROOT / "videos" / "library"),
        environment.get("CUES_DATABASE_URL") or None,
        public,
        int(port) if port else None,
        int(gigabytes * 1e9),
        coordinator == "here",
    )


def host_of(netloc: str) -> str:
    """A Host header, or the part of an address after its scheme, without the port and in lower case."""
    bare = netloc if netloc.endswith("]") else netloc.rsplit(":", 1)[0]
    return bare.lower()

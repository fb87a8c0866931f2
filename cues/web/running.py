"""What runs in this process: the open library, where uploads come in, the settings. Pages and routes ask here.

Streamlit runs pages as scripts that nobody passes anything to; the application is therefore kept by this module, from
the server's start to its end.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from cues.annotations.reading import SUFFIXES as ANNOTATIONS
from cues.jobs.probing import is_looked_at
from cues.library.database import Library, open_library
from cues.library.incoming import Incoming
from cues.library.work_folders import check_locks
from cues.web.settings import Settings

HANDED_OVER = ".cues"
"""The ending of a file that somebody handed over."""

SUFFIXES = (".mp4", ".mov", ".m4v", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".mts", ".m2ts", ".wmv")
"""Endings of recordings that are taken in; whether there is a video in it, the look at it says."""

TEST = "test"
"""What the recording of a check is called, before its ending."""

TAKEN_IN = (*SUFFIXES, HANDED_OVER, *ANNOTATIONS)
"""All endings that an upload may have."""


@dataclass(frozen=True)
class Running:
    """The parts of the running application that pages and routes use."""

    settings: Settings
    library: Library
    incoming: Incoming


class NotRunning(Exception):
    """The application has not begun, or has ended."""


_running: Running | None = None


def begin(settings: Settings) -> Running:
    """Opens the library. Raises LibraryError with a sentence for whoever starts the application."""
    global _running
    os.umask(0o077)  # what lies in the library is its owner's alone, whatever writes it
    library = open_library(settings.library, settings.database_url)
    if not settings.coordinates:
        check_locks(settings.library)
    incoming = Incoming(settings.library / "incoming", largest_bytes=settings.largest_upload, suffixes=TAKEN_IN)
    incoming.folder.mkdir(mode=0o700, exist_ok=True)
    _running = Running(settings, library, incoming)
    return _running


def running() -> Running:
    """The application of this process. Raises NotRunning where it has not begun, or has ended."""
    if _running is None:
        raise NotRunning
    return _running


def check_folder(account_id: int) -> Path:
    """Where the look at an account's last test recording lies."""
    return running().settings.library / "checks" / str(account_id)


def remove_left_tests() -> None:
    """Removes test recordings whose look died before it could."""
    for folder in (running().settings.library / "checks").glob("*"):
        if not is_looked_at(folder):
            for path in folder.glob(f"{TEST}.*"):
                path.unlink(missing_ok=True)


def end() -> None:
    """Closes the library."""
    global _running
    if _running is not None:
        _running.library.close()
        _running = None

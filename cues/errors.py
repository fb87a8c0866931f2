"""The errors of this package.

Every error carries one sentence that a person can act on: what was wrong with which file, and what to do.
The edges (command line, pages) print that sentence; nothing else is shown.
"""


class CuesError(Exception):
    """Base of all errors that are told to a person as they stand."""


class RecordingError(CuesError):
    """A recording cannot be used: missing, damaged, not a video, nobody in it."""


class SessionFolderError(CuesError):
    """A session's folder is missing, incomplete or of another schema version."""


class ParameterError(CuesError):
    """An option, correction or parameter has a name or value that does not exist."""


class InstallationError(CuesError):
    """Something the machine must provide is missing: a model file, a system library."""

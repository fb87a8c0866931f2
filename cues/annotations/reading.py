"""Reading a file of an annotation program from the disk, by its ending."""

from pathlib import Path

from cues.annotations import boris, eaf
from cues.annotations.document import MOST_BYTES, AnnotationError, Document
from cues.encryption.at_rest import open_kept

_READERS = {eaf.SUFFIX: eaf.read_eaf, boris.SUFFIX: boris.read_boris}
SUFFIXES = tuple(_READERS)


def read_document(path: Path) -> Document:
    """What the file says. Raises AnnotationError."""
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise AnnotationError(f"Files that end in {' or '.join(SUFFIXES)} can be read here.")
    try:
        with open_kept(path) as file:
            data = file.read(MOST_BYTES + 1)
    except OSError:
        raise AnnotationError("The file is not there any more. Bring it in again.") from None
    if len(data) > MOST_BYTES:
        raise AnnotationError(f"The file has more than {MOST_BYTES // 10**6} MB, which no corrected session has.")
    return reader(data)

"""Says by name which package of the operating system is missing before anything fails in the middle.

Run by `make` right after the requirements were installed: `python -m cues.system_libraries`.
"""

import ctypes
import importlib.metadata
import sys
from pathlib import Path

NEEDED = {
    "libEGL.so.1": ("libegl1", "mesa-libEGL"),
    "libGLESv2.so.2": ("libgles2", "libglvnd-gles"),
    "libGL.so.1": ("libgl1", "mesa-libGL"),
    "libglib-2.0.so.0": ("libglib2.0-0", "glib2"),
    "libgthread-2.0.so.0": ("libglib2.0-0", "glib2"),
    "libSM.so.6": ("libsm6", "libSM"),
    "libXext.so.6": ("libxext6", "libXext"),
}
"""Shared library -> the package that holds it, on Debian and Ubuntu, on Fedora."""


def missing_libraries() -> list[str]:
    """Names of the shared libraries that the networks' runtime or OpenCV want and this machine lacks.

    Each installed binary is loaded once; the loader names the first library it misses, so the result may grow after
    that one is installed.
    """
    missing = []
    for distribution, file in (
        ("mediapipe", "mediapipe/tasks/c/libmediapipe.so"),
        ("opencv-python", "cv2/cv2.abi3.so"),
    ):
        path = Path(str(importlib.metadata.distribution(distribution).locate_file(file)))
        if not path.exists():  # another operating system, where the wheel brings everything along
            continue
        try:
            ctypes.CDLL(str(path))
        except OSError as error:
            name = str(error).split(":")[0]
            missing.append(name if name.startswith("lib") else str(error))
    return missing


def main() -> int:
    """Prints what to install; exit status 1 when something is missing."""
    missing = missing_libraries()
    # The loader names one library at a time: those known to be wanted with it are asked for at once.
    if missing:
        missing += [n for n in ("libEGL.so.1", "libGLESv2.so.2") if n not in missing and not _loads(n)]
    for name in missing:
        debian, fedora = NEEDED.get(name, (None, None))
        if debian:
            print(f"Missing: {name}. Debian/Ubuntu: sudo apt install {debian}    Fedora: sudo dnf install {fedora}")
        else:
            print(f"Missing: {name}. Install the package of your system that holds it.")
    return 1 if missing else 0


def _loads(name: str) -> bool:
    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True


if __name__ == "__main__":
    sys.exit(main())

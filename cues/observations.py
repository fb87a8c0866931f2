"""The tables between vision and metrics: columns, units, reading, writing.

Three tables are made once from a recording and are all that metrics ever see:

* **observations**: one row per person per sample, sorted by person, then time. Every person has a row at every sample
  time, so that the series of two people line up; where a person was not seen, `face` is false and the rest NaN.
* **scene**: one row per person per sample, in the same order: which stretch the sample belongs to, where the person's
  tile is, and how the background behind the person has moved since the stretch began.
* **sound**: speech probability every 100 ms, one row per channel.

Conventions
-----------
Time is seconds; 0 is where a browser's player is at ``currentTime`` 0. Missing is NaN, never 0.
Image positions are pixels of the upright frame (x right, y down).
Camera frame: x right, y down, z away from the camera, in cm; the lens is the origin.
Face frame: x to the subject's left (image right), y up, z out of the face; its rotation into the camera frame is
``rotation_from_angles(yaw, pitch, roll)``: yaw + = facing image right, pitch + = facing up,
roll + = counter-clockwise in the image. A face that looks straight along the camera's axis has (0, 0, 0).
Gaze: degrees relative to the ray from the midpoint of the eyes to the lens; h is the azimuth, + = image right, v the
elevation, + = up; (0, 0) = lens.
"""

import json
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from cues.errors import SessionFolderError
from cues.whole_files import write_whole

SCHEMA_VERSION = 1

BLENDSHAPES = [
    "_neutral",
    "browDownLeft",
    "browDownRight",
    "browInnerUp",
    "browOuterUpLeft",
    "browOuterUpRight",
    "cheekPuff",
    "cheekSquintLeft",
    "cheekSquintRight",
    "eyeBlinkLeft",
    "eyeBlinkRight",
    "eyeLookDownLeft",
    "eyeLookDownRight",
    "eyeLookInLeft",
    "eyeLookInRight",
    "eyeLookOutLeft",
    "eyeLookOutRight",
    "eyeLookUpLeft",
    "eyeLookUpRight",
    "eyeSquintLeft",
    "eyeSquintRight",
    "eyeWideLeft",
    "eyeWideRight",
    "jawForward",
    "jawLeft",
    "jawOpen",
    "jawRight",
    "mouthClose",
    "mouthDimpleLeft",
    "mouthDimpleRight",
    "mouthFrownLeft",
    "mouthFrownRight",
    "mouthFunnel",
    "mouthLeft",
    "mouthLowerDownLeft",
    "mouthLowerDownRight",
    "mouthPressLeft",
    "mouthPressRight",
    "mouthPucker",
    "mouthRight",
    "mouthRollLower",
    "mouthRollUpper",
    "mouthShrugLower",
    "mouthShrugUpper",
    "mouthSmileLeft",
    "mouthSmileRight",
    "mouthStretchLeft",
    "mouthStretchRight",
    "mouthUpperUpLeft",
    "mouthUpperUpRight",
    "noseSneerLeft",
    "noseSneerRight",
]
"""The blendshapes of the face landmarker by their own names (`_neutral` is always near 0)."""

BODY_POINTS = ("shoulder_left", "shoulder_right", "hip_left", "hip_right")
"""Sides are the subject's own."""

_FACE_COLUMNS = [
    *("box_x", "box_y", "box_w", "box_h"),  # px, of the mesh
    *("head_yaw", "head_pitch", "head_roll"),  # deg
    *("head_x", "head_y", "head_z"),  # cm, the pivot of nods and turns (upper neck), HEAD_PIVOT_CM in the face frame
    *("eye_x", "eye_y", "eye_z"),  # cm, midpoint between the centres of the two eyeballs
    *("gaze_h", "gaze_v"),  # deg, both eyes together
    *("gaze_left_h", "gaze_left_v", "gaze_right_h", "gaze_right_v"),  # deg, subject's own sides
    "iris_distance",  # px between the irises, corrected for yaw
    *("iris_left_x", "iris_left_y", "iris_right_x", "iris_right_y"),  # px
    "iris_circularity",  # |horizontal - vertical diameter| / mean, the worse eye; 0 = round
    *("eye_open_left", "eye_open_right"),  # lid opening over eye width
    "reprojection_residual",  # rms px of all 468 points over iris_distance
    "blur",  # variance of the Laplacian of the face at 128 x 128 grey levels
    "lip_gap",  # distance of the inner lips over the face's height
]
_BODY_COLUMNS = [
    "body_head_yaw",  # deg relative to the ray to the camera, from nose and ears: coarse, also where no face is seen
    *(f"{point}_{what}" for point in BODY_POINTS for what in ("x", "y", "visibility")),  # px, px, 0-1
    *(f"{point}_world_{axis}" for point in BODY_POINTS for axis in "xyz"),  # m, origin between the hips
]

OBSERVATIONS = pa.schema(
    [("time", pa.float32()), ("person", pa.int8()), ("face", pa.bool_())]
    + [(name, pa.float32()) for name in (*_FACE_COLUMNS, *_BODY_COLUMNS, *BLENDSHAPES)]
)
SCENE = pa.schema(
    [("time", pa.float32()), ("person", pa.int8()), ("stretch", pa.int16())]
    + [("shown", pa.bool_())]  # the layout of this stretch has a place for this person
    + [("cut", pa.bool_())]  # first sample of a stretch
    + [(name, pa.float32()) for name in ("tile_x", "tile_y", "tile_w", "tile_h")]  # px
    + [(name, pa.float32()) for name in ("shift_x", "shift_y", "scale")]  # px, px, ratio: background since the
    # stretch's reference picture; NaN where there was no background to follow
)
SOUND = pa.schema(
    [("time", pa.float32()), ("channel", pa.int8()), ("speech", pa.float32()), ("level_db", pa.float32())]
)

HEAD_PIVOT_CM = np.array([0.0, -4.0, -5.0])
"""Upper neck in the face frame: nods and turns leave it where it is, a lean moves it (METHOD 3.1)."""

EYE_MIDPOINT_CM = np.array([0.0, 2.64, 2.83])
"""Midpoint between the eyeballs' centres in the face frame (METHOD 2.1)."""


@dataclass(frozen=True)
class RecordingFacts:
    """What is true of a whole recording; kept in the tables' file metadata and in session.json.

    setup is one of single, split_screen, shared_room, two_files. `people` has one entry per measured person:
    person (int), place (left, right, first, second, only), face_share (share of samples with a face), focal_px,
    tile_cropped (the picture is a visible crop of a camera's, the focal length rests on an assumption).
    """

    setup: str
    rate_hz: float
    duration_s: float
    videos: list[dict[str, Any]]
    people: list[dict[str, Any]]
    left_out: list[dict[str, Any]] = field(default_factory=list)
    stretches: list[dict[str, Any]] = field(default_factory=list)
    alignment: dict[str, Any] | None = None
    notes: list[str] = field(default_factory=list)
    models: dict[str, str] = field(default_factory=dict)
    software: dict[str, str] = field(default_factory=dict)
    schema: int = SCHEMA_VERSION

    def file_of(self, person: int) -> int:
        """Which of the files, from 0, shows this person."""
        return int(any(entry["person"] == person and entry["place"] == "second" for entry in self.people))


@dataclass(frozen=True)
class Observations:
    """The three tables of one recording, and the facts about it. `sound` is None where there is no sound."""

    facts: RecordingFacts
    table: pa.Table
    scene: pa.Table
    sound: pa.Table | None = None

    @property
    def people(self) -> list[int]:
        """The measured persons' numbers, ascending."""
        return sorted(entry["person"] for entry in self.facts.people)

    @property
    def time(self) -> np.ndarray:
        """Sample times [s], shape (n,), the same for every person."""
        return self.person(self.people[0])["time"]

    def person(self, person: int) -> dict[str, np.ndarray]:
        """All columns of one person: name -> array of shape (n,), float64 (`face` bool); not to be written into."""
        return dict(self._columns("table", person))

    def scene_of(self, person: int) -> dict[str, np.ndarray]:
        """The scene columns of one person, aligned with `person(person)`; not to be written into."""
        return dict(self._columns("scene", person))

    def _columns(self, table: str, person: int) -> dict[str, np.ndarray]:
        # Every cue asks for them, and an hour of one person takes a twentieth of a second to unpack.
        if (table, person) not in self._unpacked:
            self._unpacked[table, person] = _columns(getattr(self, table), person)
        return self._unpacked[table, person]

    @cached_property
    def _unpacked(self) -> dict[tuple[str, int], dict[str, np.ndarray]]:
        return {}


def _columns(table: pa.Table, person: int) -> dict[str, np.ndarray]:
    rows = np.flatnonzero(table["person"].to_numpy() == person)
    part = table.slice(rows[0], len(rows)) if len(rows) else table.slice(0, 0)
    arrays = {}
    for name in table.column_names:
        values = part[name].to_numpy()
        arrays[name] = values.astype(np.float64) if values.dtype == np.float32 else values
        arrays[name].flags.writeable = False
    return arrays


def in_file(alignment: dict[str, Any] | None, file: int, time: np.ndarray) -> np.ndarray:
    """Session times as times of one of the files [s]; `alignment` as in `RecordingFacts`."""
    if file == 0 or alignment is None:
        return time
    return time * (1 + alignment["drift_ppm"] / 1e6) + alignment["offset_s"]


def rotation_from_angles(yaw: np.ndarray, pitch: np.ndarray, roll: np.ndarray) -> np.ndarray:
    """Rotations from the face frame into the camera frame; inputs in degrees, shape (n,); returns (n, 3, 3)."""
    y, p, r = (np.radians(np.atleast_1d(np.asarray(a, float))) for a in (yaw, pitch, roll))
    zero, one = np.zeros_like(y), np.ones_like(y)

    def stack(rows: list[list[np.ndarray]]) -> np.ndarray:
        return np.stack([np.stack(row, -1) for row in rows], -2)

    about_y = stack([[np.cos(y), zero, np.sin(y)], [zero, one, zero], [-np.sin(y), zero, np.cos(y)]])
    about_x = stack([[one, zero, zero], [zero, np.cos(p), np.sin(p)], [zero, -np.sin(p), np.cos(p)]])
    about_z = stack([[np.cos(r), -np.sin(r), zero], [np.sin(r), np.cos(r), zero], [zero, zero, one]])
    return np.diag([1.0, -1.0, -1.0]) @ about_y @ about_x @ about_z


def angles_from_rotation(rotation: np.ndarray) -> tuple[float, float, float]:
    """(yaw, pitch, roll) in degrees of one (3, 3) rotation from the face frame into the camera frame."""
    # Of the products in `rotation_from_angles` the third column and the second row have only two factors.
    (_, _, x), (a, b, y), (_, _, z) = rotation
    return (
        float(np.degrees(np.arctan2(x, -z))),
        float(np.degrees(np.arcsin(np.clip(-y, -1, 1)))),
        float(np.degrees(np.arctan2(-a, -b))),
    )


def write_observations(observations: Observations, folder: Path) -> list[Path]:
    """Writes the tables into `folder` (made when missing), all of them or none; returns their paths.

    Raises SessionFolderError when they cannot be written (disk full, no permission); what was there has not changed.
    """
    written = write_whole(folder, table_files(observations))
    if observations.sound is None:
        (folder / "sound.parquet").unlink(missing_ok=True)  # of an earlier recording
    return written


def table_files(observations: Observations) -> dict[str, bytes]:
    """The tables as files: name -> content. There is no sound.parquet where there is no sound."""
    tables = {"observations": observations.table, "scene": observations.scene, "sound": observations.sound}
    facts = observations.facts
    return {f"{name}.parquet": parquet(table, facts) for name, table in tables.items() if table is not None}


def parquet(table: pa.Table, facts: RecordingFacts | None = None) -> bytes:
    """A table as a file, with the facts in its metadata (zstd, split bytes: an hour is a few MB)."""
    if facts is not None:
        table = table.replace_schema_metadata({"cues": json.dumps(asdict(facts))})
    floats = [f.name for f in table.schema if pa.types.is_floating(f.type)]
    encoding = {name: "BYTE_STREAM_SPLIT" for name in floats}
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd", use_dictionary=False, column_encoding=encoding)
    return bytes(sink.getvalue())


def read_observations(folder: Path) -> Observations:
    """Reads the tables of a session's folder.

    Raises SessionFolderError when a table is missing, cannot be read, or was written under another schema version.
    """
    tables: dict[str, pa.Table | None] = {}
    for name, schema in (("observations", OBSERVATIONS), ("scene", SCENE), ("sound", SOUND)):
        path = folder / f"{name}.parquet"
        if not path.exists():
            if name == "sound":
                tables[name] = None
                continue
            raise SessionFolderError(f"'{folder}' has no {name}.parquet: analyse the recording into it first.")
        try:
            table = tables[name] = pq.read_table(path)
        except (OSError, pa.ArrowException):
            raise SessionFolderError(f"'{path}' cannot be read: analyse the recording again.") from None
        missing = [f.name for f in schema if f.name not in table.column_names]
        if missing:
            raise SessionFolderError(f"'{path}' lacks {', '.join(missing[:5])}: analyse the recording again.")
    facts = _facts_in(tables["observations"].schema, folder)  # type: ignore[union-attr]
    return Observations(facts, tables["observations"], tables["scene"], tables["sound"])


def read_facts(folder: Path) -> RecordingFacts:
    """The facts alone, without the tables. Raises SessionFolderError as `read_observations` does."""
    path = folder / "observations.parquet"
    try:
        schema = pq.read_schema(path)
    except (OSError, pa.ArrowException):
        raise SessionFolderError(f"'{path}' cannot be read: analyse the recording again.") from None
    return _facts_in(schema, folder)


def _facts_in(schema: pa.Schema, folder: Path) -> RecordingFacts:
    metadata = (schema.metadata or {}).get(b"cues")
    if metadata is None:
        raise SessionFolderError(f"'{folder}' was not written by this tool: analyse the recording again.")
    facts = json.loads(metadata)
    if facts.get("schema") != SCHEMA_VERSION:
        raise SessionFolderError(
            f"'{folder}' has schema version {facts.get('schema')}, this version reads {SCHEMA_VERSION}: "
            "analyse the recording again."
        )
    return RecordingFacts(**facts)

"""Fairness of measurement: do skin tone, glasses, a beard or the light decide how well somebody is measured?

Every picture goes through the product's own way of a face: searched for in the whole picture, read again in a window
around it, measured (`face_columns`), graded (`frame_quality`). Nothing of the truth is used before the comparison. The
pictures are described in `fairness_faces.py`.
"""

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np

from cues.metrics.quality import frame_quality
from cues.observations import OBSERVATIONS
from cues.parameters import Parameters
from cues.vision.crop import FACE_SHARE, cut_window, window_around
from cues.vision.gaze import gaze_of
from cues.vision.head_pose import lens_of_tile
from cues.vision.landmarks import FaceReader
from cues.vision.people import face_in_frame, find_people, plausible_pose
from cues.vision.segment import face_columns
from tests.validation.parts.fairness_faces import (
    DARKER,
    EXTRAS,
    FACES,
    LIGHTS,
    POSES,
    TONES,
    Person,
    everybody,
    picture,
    rendered,
    truth,
)
from tests.validation.parts.fairness_figures import (
    FAMILIES,
    Seen,
    dark_curves,
    disparities,
    group_figures,
    in_the_dark,
    shown,
)
from tests.validation.parts.fairness_plots import draw_dark, draw_groups
from tests.validation.results import RESULTS, PartResult
from tests.validation.scope import Scope

SMALLEST_FACE = 0.3
"""faces down to this share of the picture's height are searched for"""


def run(scope: Scope) -> PartResult:
    """The part's figures. Short: one face, two tones, two lights, no extras."""
    title = "Fairness of measurement"
    if not scope.can_render:
        return PartResult("fairness", title, "Not run.", [], skipped=["everything: face_model/ needs CUES_TEST_DATA"])
    people = everybody(1, ("very light", "dark"), ("none",)) if scope.short else everybody(len(FACES), TONES, EXTRAS)
    everything = _all_seen(scope, people, LIGHTS[:2] if scope.short else LIGHTS)
    seen = [s for s in everything if s.light in LIGHTS]
    bare = [s for s in everything if s.person.extra == "none"]
    figures = [
        *disparities(seen),
        *[figure for family in FAMILIES for figure in group_figures(seen, family)],
        *in_the_dark(bare),
    ]
    plots = {}
    if not scope.short:
        draw_groups({name: shown(seen, name) for name in FAMILIES}, RESULTS / "fairness_groups.png")
        draw_dark(dark_curves(bare), RESULTS / "fairness_dark.png")
        plots["fairness_groups.png"] = (
            "Pictures good enough for gaze, and gaze error after one offset per person, by group; bars are 95 % "
            "intervals over people."
        )
        plots["fairness_dark.png"] = (
            "Pictures good enough for gaze as the light goes, by skin tone (people without glasses and beard)."
        )
    return PartResult(
        "fairness",
        title,
        f"{len(seen)} rendered pictures: {len(FACES)} faces, each in {len(TONES)} skin tones, with glasses, with a "
        "beard and with neither, in the same four poses and gazes, under five lights; 640 x 480 px, irises about 50-80 "
        "px apart, noise and compression as in a call. Light from the side or from behind, dim and warm light are "
        "made from the renders; real low light and real glasses (reflections) are harder. Read one by one, without "
        "the help of neighbouring pictures that a recording gives.",
        figures,
        chosen_on="nothing of these pictures",
        reported_on=f"faces {', '.join(map(str, FACES))}; intervals: people resampled, the same ones in every group",
        plots=plots,
    )


# ---- reading


def _all_seen(scope: Scope, people: list[Person], lights: tuple[str, ...]) -> list[Seen]:
    if scope.workers <= 1 or len(people) < 8:
        return _see(scope, people, lights)
    size = len(TONES) * len(EXTRAS)  # one face after the other, so that its shape is prepared by one process
    parts = [people[k : k + size] for k in range(0, len(people), size)]
    with ProcessPoolExecutor(scope.workers, mp_context=get_context("spawn")) as pool:
        done = pool.map(_see, [scope] * len(parts), parts, [lights] * len(parts))
        return [seen for part in done for seen in part]


def _see(scope: Scope, people: list[Person], lights: tuple[str, ...]) -> list[Seen]:
    reader = FaceReader()
    seen: list[Seen] = []
    for person in people:
        folder = rendered(scope, person)
        darker = () if scope.short or person.extra != "none" else tuple(DARKER)
        shots = [(pose, light) for light in dict.fromkeys(lights + darker) for pose in range(len(POSES))]
        rows = [_read(picture(folder, person, pose, light), reader) for pose, light in shots]
        seen += _compared(person, shots, rows)
    return seen


def _read(image: np.ndarray, reader: FaceReader) -> dict[str, float]:
    """The columns of the one person in a picture; empty where no face is found."""
    parameters = Parameters()
    tile = np.array([0, 0, image.shape[1], image.shape[0]])
    lens, _ = lens_of_tile(tile, True, parameters.camera.focal_over_width)
    sightings = find_people(image, tile, reader, None, SMALLEST_FACE)
    if not sightings:
        return {}
    box = sightings[0].box
    side = float(np.sqrt(box[2] * box[3])) / FACE_SHARE
    view, window = cut_window(image, *window_around(box[:2] + box[2:] / 2, side, tile), tile)
    faces = [face_in_frame(face, window) for face in reader.read(view)]
    poses = [(face, pose) for face in faces if (pose := plausible_pose(face, lens)) is not None]
    if not poses:
        return {}
    columns, evidence = face_columns(*poses[0], lens, image)
    return {**columns, **dict(zip(("gaze_h", "gaze_v"), gaze_of(evidence[None])[0].tolist(), strict=True))}


def _compared(person: Person, shots: list[tuple[int, str]], rows: list[dict[str, float]]) -> list[Seen]:
    """One person's pictures against their truth."""
    found = np.array([bool(row) for row in rows])
    columns = {
        field.name: np.array([row.get(field.name, np.nan) for row in rows])[found]
        for field in OBSERVATIONS
        if field.name not in ("time", "person", "face")
    }
    # Pictures that were not found are left out, so that nobody seems to have just come into view.
    columns |= {"time": np.arange(found.sum()) / 10, "face": np.ones(int(found.sum()), bool)}
    good = np.zeros(len(rows), bool)
    good[found] = frame_quality(columns, Parameters()).gaze > 0 if found.any() else False
    exact = [truth(person, pose) for pose, _ in shots]
    off = np.array([[row.get(name, np.nan) for name in ("gaze_h", "gaze_v")] for row in rows])
    off = off - np.array([[known["gaze_h"], known["gaze_v"]] for known in exact])
    off[~good] = np.nan
    usual = np.array([light in LIGHTS for _, light in shots])  # offsets are not taken from light that is too little
    off = off - (np.nanmean(off[usual], axis=0) if (good & usual).any() else np.nan)
    place = np.array([[row.get(name, np.nan) for name in ("head_x", "head_y", "head_z")] for row in rows])
    ratio = np.linalg.norm(place, axis=1) / np.array([known["distance"] for known in exact])
    ratio = ratio / (np.nanmedian(ratio[usual]) if (found & usual).any() else np.nan)
    smile = [np.mean([row.get(name, np.nan) for name in ("mouthSmileLeft", "mouthSmileRight")]) for row in rows]
    return [
        Seen(
            person,
            pose,
            light,
            bool(found[k]),
            bool(good[k]),
            float(np.hypot(*off[k])),
            float(100 * abs(ratio[k] - 1)),
            float(smile[k]),
        )
        for k, (pose, light) in enumerate(shots)
    ]

"""python -m tests.validation.gaze_ablations: what each kind of evidence is worth to the direction of gaze.

The people whom the map is fitted on, a quarter of them left out in turn; nobody of whom figures are reported. Every
line is a map of the same kind from other evidence. README.md of this folder has the table that it printed last.
"""

import sys
from concurrent.futures import ProcessPoolExecutor
from functools import partial

import numpy as np

from cues.observations import BLENDSHAPES, EYE_MIDPOINT_CM
from cues.vision.gaze import EXPRESSIONS, basis_towards_lens, eye_evidence, refined_irises
from cues.vision.iris import LIDS_LEFT, LIDS_RIGHT
from cues.vision.landmarks import IRIS_LEFT, IRIS_RIGHT, FaceReader
from tests.validation.fit_gaze_map import EACH, FOLDS, PEOPLE, SEED, fit, read_shot, true_gaze
from tests.validation.parts.gaze_shots import rendered_shots
from tests.validation.scope import Scope

LEAST_IRIS_PX, MOST_TURN_DEG = 60, 25
OTHER_POINTS = (10, 109, 338, 67, 297, 54, 284, 127, 356, 8, 168, 6, 197, 195, 5, 4, 1, 2, 117, 346, 123, 352, 50, 280)
"""Outline, bridge and tip of the nose, cheeks: what stays where it is when eyes move."""
EYE_SHAPES = [i for i, name in enumerate(BLENDSHAPES) if name.startswith("eyeLook")]

BUILT = ("irises", "lids", "head", "expressions", "eyeballs")

Row = dict[str, np.ndarray]


def main() -> int:
    """Prints the table; needs the face model."""
    scope = Scope.of_this_machine()
    if not scope.can_render:
        print("The face model is missing: set CUES_TEST_DATA (tests/validation/README.md).", file=sys.stderr)
        return 1
    with ProcessPoolExecutor(scope.workers) as pool:
        rows = [row for some in pool.map(partial(rows_of, scope), PEOPLE) for row in some]
    whose = np.array([row["person"] for row in rows])
    true = np.array([row["gaze"] for row in rows])
    smile = np.array([row["expressions"][0] for row in rows])
    counted = np.array([row["counted"] for row in rows], bool)

    def stack(*names: str) -> np.ndarray:
        return np.array([np.concatenate([row[name] for name in names]) for row in rows])

    print(
        "| evidence | error | slope across | slope upright | a full smile moves the estimate |\n|---|---|---|---|---|"
    )
    for told, names in (
        ("as built: refined irises, lids, head, expressions, eyeballs", BUILT),
        ("without expressions", ("irises", "lids", "head", "eyeballs")),
        ("without the eyeballs' geometry", ("irises", "lids", "head", "expressions")),
        ("without both", ("irises", "lids", "head")),
        ("irises and head alone", ("irises", "head")),
        ("the network's irises", ("network", "lids", "head", "expressions", "eyeballs by network")),
        ("with other points of the mesh", (*BUILT, "others")),
        ("with the eyes' blendshapes", (*BUILT, "eye_shapes")),
        ("the eyes' blendshapes and the head alone", ("eye_shapes", "head")),
    ):
        evidence, estimate = stack(*names), np.empty_like(true)
        for k in range(FOLDS):
            out = whose % FOLDS == k
            estimate[out] = fit(evidence[~out], true[~out])(evidence[out])
        off = estimate - true
        for person in np.unique(whose):
            off[whose == person] -= off[whose == person].mean(0)
        slopes = [float(np.polyfit(true[:, axis], estimate[:, axis], 1)[0]) for axis in (0, 1)]
        moved = float(np.polyfit(smile, off[:, 1], 1)[0])
        error = float(np.hypot(*off[counted].T).mean())
        print(f"| {told} | {error:.2f}° | {slopes[0]:.2f} | {slopes[1]:.2f} | {moved:+.1f}° |", flush=True)
    return 0


def rows_of(scope: Scope, person: int) -> list[Row]:
    """All kinds of evidence of one person's pictures, without those in which no face was found."""
    reader, rows = FaceReader(), []
    for shot, picture, known in rendered_shots(scope, person, EACH, SEED):
        read = read_shot(reader, shot, picture, known)
        if read is None:
            continue
        image, face, pose, lens = read
        irises = refined_irises(image, face.points, pose, lens)
        built = _parts(eye_evidence(face, irises, pose, lens))
        network = _parts(eye_evidence(face, face.points[[IRIS_LEFT, IRIS_RIGHT]], pose, lens))
        eyes = pose.place(EYE_MIDPOINT_CM)
        rays = lens.rays(face.points[list(OTHER_POINTS)]) @ basis_towards_lens(eyes).T
        turned = 10 * float(np.hypot(*built["head"][:2]))
        rows.append(
            {
                **built,
                "person": np.array(person),
                "gaze": true_gaze(known, eyes),
                "counted": np.array(known["iris_distance"] >= LEAST_IRIS_PX and turned <= MOST_TURN_DEG),
                "network": network["irises"],
                "eyeballs by network": network["eyeballs"],
                "others": (rays[:, :2] / -rays[:, 2:] * np.linalg.norm(eyes)).ravel(),
                "eye_shapes": face.blendshapes[EYE_SHAPES],
            }
        )
    return rows


def _parts(evidence: np.ndarray) -> Row:
    """The evidence of the map as built, by kind."""
    ends = np.cumsum([4, 2 * (len(LIDS_LEFT) + len(LIDS_RIGHT)), 3, len(EXPRESSIONS)])
    return dict(zip(BUILT, np.split(evidence, ends), strict=True))


if __name__ == "__main__":
    sys.exit(main())

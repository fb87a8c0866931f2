"""Part 1: how far measured gaze is from true gaze on single pictures of rendered faces.

Angles between directions in space. "After one offset" takes out one constant (h, v) per person, the median difference
over that person's pictures: what a session's own target takes out of everybody.
"""

from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np

from cues.vision.gaze import basis_towards_lens, each_eye, gaze_of, measure_gaze
from cues.vision.landmarks import IRIS_LEFT, IRIS_RIGHT, FaceReader
from tests.validation import fit_gaze_map
from tests.validation.parts.gaze_shots import rendered_shots
from tests.validation.results import RESULTS, Figure, PartResult
from tests.validation.scope import Scope

PEOPLE, EACH, SEED = tuple(range(601, 607)), 60, 2
SHORT_PEOPLE, SHORT_EACH = (601, 602), 60
NEAR_PX, AHEAD_DEG = 60.0, 25.0
DRAWS = 2000


@dataclass(frozen=True)
class Read:
    """One picture: true gaze, gaze by the product, gaze by the eyeball's geometry with the network's irises and with
    the refined ones [(h, v) deg]; head yaw to the lens [deg], iris distance [px]; distance of the iris centres from the
    truth [mm on the face], the network's and the refined, mean of both eyes, across and upright."""

    person: int
    true: np.ndarray
    product: np.ndarray
    geometry: np.ndarray
    geometry_refined: np.ndarray
    yaw: float
    iris_distance: float
    iris_network_mm: np.ndarray
    iris_refined_mm: np.ndarray


def run(scope: Scope) -> PartResult:
    """Renders, reads and compares; without the face model nothing can be rendered."""
    people, each = (SHORT_PEOPLE, SHORT_EACH) if scope.short else (PEOPLE, EACH)
    about = (
        f"Single rendered pictures of {len(people)} people, {each} each: head yaw within 30, pitch within 20, gaze "
        "within 25 and 15 degrees in the head, 45-120 cm, 40-120 px between the irises; smiles, brows, narrow and "
        "wide lids; blur up to 1.1 px, noise up to 6 grey levels, JPEG 55-95; glasses on two of six. The focal length "
        "that the analysis is told is wrong by up to 16 %."
    )
    fitted = f"{fit_gaze_map.PEOPLE.start}-{fit_gaze_map.FAR_PEOPLE.stop - 1}"
    chosen = f"rendered people {fitted} (map), 701-718 (edge of the iris)"
    if not scope.can_render:
        return PartResult(
            "gaze_geometry", TITLE, about, [], chosen, "nothing", ["all of it: the face model is not there"]
        )
    with ProcessPoolExecutor(scope.workers) as pool:
        reads = [r for some in pool.map(partial(read_person, scope, each=each), people) for r in some]
    plots = {} if scope.short else _plots(reads)
    return PartResult(
        "gaze_geometry",
        TITLE,
        about,
        _figures(reads, len(people) * each),
        chosen,
        f"rendered people {', '.join(map(str, people))}, seed {SEED}",
        [],
        plots,
    )


TITLE = "Gaze geometry"


def read_person(scope: Scope, person: int, each: int) -> list[Read]:
    """All pictures of one person in which a face was found."""
    reader, reads = FaceReader(), []
    for shot, image, known in rendered_shots(scope, person, each, SEED):
        found = fit_gaze_map.read_shot(reader, shot, image, known)
        if found is None:
            continue
        _, face, pose, lens = found
        gaze = measure_gaze(image, face, pose, lens)
        irises = np.array([known["iris_left"], known["iris_right"]])
        network = face.points[[IRIS_LEFT, IRIS_RIGHT]]
        mm = 63.0 / float(known["iris_distance"])
        both = [np.array(_joint(each_eye(i, pose, lens), gaze.eyes)) for i in (network, gaze.irises)]
        reads.append(
            Read(
                person,
                fit_gaze_map.true_gaze(known, gaze.eyes),
                gaze_of(gaze.evidence[None])[0],
                both[0],
                both[1],
                gaze.yaw_to_camera,
                float(known["iris_distance"]),
                (network - irises).mean(0) * mm,
                (gaze.irises - irises).mean(0) * mm,
            )
        )
    return reads


def _joint(directions: np.ndarray, eyes: np.ndarray) -> tuple[float, float]:
    """Azimuth and elevation [deg] of the mean of two directions (2, 3), seen from `eyes` (3,) cm."""
    right, up, towards = basis_towards_lens(eyes) @ (directions.sum(0) / np.linalg.norm(directions.sum(0)))
    return float(np.degrees(np.arctan2(right, towards))), float(np.degrees(np.arcsin(up)))


def angle_between(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Angle (n,) [deg] between directions given as azimuth and elevation (n, 2) [deg]."""

    def unit(angles: np.ndarray) -> np.ndarray:
        h, v = np.radians(angles.T)
        return np.stack([np.cos(v) * np.sin(h), np.sin(v), np.cos(v) * np.cos(h)], 1)

    return np.degrees(np.arccos(np.clip((unit(one) * unit(other)).sum(1), -1, 1)))


def errors(reads: list[Read], method: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of one method of `Read`: raw errors (n,), errors after one offset per person (n,) [deg], gaze (n, 2) after it."""
    true = np.array([r.true for r in reads])
    estimate = np.array([getattr(r, method) for r in reads])
    person = np.array([r.person for r in reads])
    moved = estimate.copy()
    for one in np.unique(person):
        rows = person == one
        moved[rows] -= np.median(estimate[rows] - true[rows], axis=0)
    return angle_between(estimate, true), angle_between(moved, true), moved


def _interval(values: np.ndarray, person: np.ndarray) -> tuple[float, float]:
    """95 % interval of the mean, drawing people, not pictures."""
    rng = np.random.default_rng(5)
    people = np.unique(person)
    by_person = {one: values[person == one] for one in people}
    means = [np.concatenate([by_person[one] for one in rng.choice(people, len(people))]).mean() for _ in range(DRAWS)]
    return float(np.percentile(means, 2.5)), float(np.percentile(means, 97.5))


def _figures(reads: list[Read], shots: int) -> list[Figure]:
    person = np.array([r.person for r in reads])
    yaw = np.abs([r.yaw for r in reads])
    apart = np.array([r.iris_distance for r in reads])
    true = np.array([r.true for r in reads])
    asked = (apart >= NEAR_PX) & (yaw <= AHEAD_DEG)
    raw, after, moved = errors(reads, "product")
    slopes = [float(np.polyfit(true[asked, axis], moved[asked, axis], 1)[0]) for axis in (0, 1)]
    where = "60 px and more between the irises, head within 25 degrees of the lens"
    n = f"{int(asked.sum())} pictures of {len(np.unique(person))} rendered people"
    mean_after = float(after[asked].mean())
    within = _interval(after[asked], person[asked])
    figures = [
        Figure("face found", 100 * len(reads) / shots, "%", n=f"{shots} pictures"),
        Figure(f"error after one offset per person, {where}", mean_after, "deg", *within,
               n, "<= 4.0", mean_after <= 4.0, headline="gaze direction, single picture, after one offset per person"),
        Figure("the same, 90th percentile", float(np.percentile(after[asked], 90)), "deg", n=n),
        Figure("the same, raw", float(raw[asked].mean()), "deg", *_interval(raw[asked], person[asked]), n),
        Figure("vertical slope of estimate on truth", slopes[1], n=n, target="0.9 to 1.1",
               reached=0.9 <= slopes[1] <= 1.1),
        Figure("horizontal slope", slopes[0], n=n),
        Figure("error after one offset, all pictures", float(after.mean()), "deg", *_interval(after, person),
               f"{len(reads)} pictures"),
        Figure("raw error, all pictures", float(raw.mean()), "deg", *_interval(raw, person), f"{len(reads)} pictures"),
    ]  # fmt: skip
    for low, high in ((0, 10), (10, 20), (20, 30), (30, 60)):
        figures.append(
            _bin(f"after one offset, head {low}-{high} deg from the lens", after, (yaw >= low) & (yaw < high))
        )
    for low, high in ((30, 60), (60, 80), (80, 100), (100, 130)):
        name = f"after one offset, {low}-{high} px between the irises"
        figures.append(_bin(name, after, (apart >= low) & (apart < high)))
    for name, method in (
        ("ablation: eyeball geometry alone, network's irises", "geometry"),
        ("ablation: eyeball geometry alone, refined irises", "geometry_refined"),
    ):
        _, error, shifted = errors(reads, method)
        slope = float(np.polyfit(true[asked, 1], shifted[asked, 1], 1)[0])
        figures.append(Figure(name, float(error[asked].mean()), "deg", *_interval(error[asked], person[asked]), n,
                              note=f"vertical slope {slope:.2f}"))  # fmt: skip
    for name, field in (("network's", "iris_network_mm"), ("refined", "iris_refined_mm")):
        off = np.array([getattr(r, field) for r in reads])
        for one in np.unique(person):
            off[person == one] -= np.median(off[person == one], axis=0)
        across, upright = np.abs(off).mean(0)
        said = f"{across:.2f} across, {upright:.2f} upright"
        figures.append(Figure(f"{name} iris centre, mean distance from the person's median error [mm]", said,
                              n=f"{len(reads)} pictures"))  # fmt: skip
    return figures


def _bin(name: str, error: np.ndarray, rows: np.ndarray) -> Figure:
    value: float | str = float(error[rows].mean()) if rows.any() else "-"
    return Figure(name, value, "deg", n=f"{int(rows.sum())} pictures")


def _plots(reads: list[Read]) -> dict[str, str]:
    """Error after one offset against head yaw and iris distance."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    _, after, _ = errors(reads, "product")
    _, before, _ = errors(reads, "geometry")
    plots = {}
    for name, label, values, edges in (
        ("yaw", "head turned from the lens [deg]", np.array([r.yaw for r in reads]), np.arange(-45, 46, 10)),
        ("iris", "between the irises [px]", np.array([r.iris_distance for r in reads]), np.arange(40, 121, 16)),
    ):
        figure, axes = pyplot.subplots(figsize=(6.5, 4.2), dpi=100)
        axes.scatter(values, after, s=8, alpha=0.35, color="#3b6ea5", edgecolors="none")
        middle = (edges[:-1] + edges[1:]) / 2
        for error, color, said in (
            (before, "#999999", "eyeball geometry alone"),
            (after, "#1d3f66", "as the product does"),
        ):
            inside = [(values >= a) & (values < b) for a, b in zip(edges[:-1], edges[1:], strict=True)]
            means = [error[rows].mean() if rows.sum() >= 5 else np.nan for rows in inside]
            axes.plot(middle, means, marker="o", color=color, label=f"mean, {said}")
        axes.set(xlabel=label, ylabel="gaze error after one offset [deg]", ylim=(0, 25))
        axes.legend(frameon=False)
        figure.tight_layout()
        figure.savefig(RESULTS / f"gaze_by_{name}.png")
        pyplot.close(figure)
        plots[f"gaze_by_{name}.png"] = f"Gaze error after one offset per person against {label}"
    return plots

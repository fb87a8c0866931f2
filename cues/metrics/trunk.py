"""Trunk or neck? Shoulders and hips beside a forward lean (METHOD 3.2, 3.3).

Two questions, both answered only where the body is visible:

* did the shoulders come along with the head? (`shoulder_ratios`: a hinge at the hips predicts about .65 of
  the head's approach, a stretched neck about 0);
* where hips are visible, how far is the trunk inclined? (`trunk_angle`, experimental)

Conventions
-----------
Body points come about twice a second and are NaN between; image positions in px, world positions
in m with the origin between the hips (x right, y down, z away from the camera). Angles in degrees, + =
towards the partner.
"""

import numpy as np

from cues.metrics.episodes import Episode
from cues.metrics.signals import resample, running_median
from cues.parameters import Lean

_MIN_LOOKS = 2  # looks at the shoulders within an episode
_SIDES = ("left", "right")


def shoulder_ratios(
    person: dict[str, np.ndarray],
    clock: np.ndarray,
    baseline: np.ndarray,
    lean: np.ndarray,
    neutral: np.ndarray,
    segment: np.ndarray,
    episodes: list[Episode],
    parameters: Lean,
) -> list[float]:
    """rho of each episode: the shoulders' approach over the head's; NaN where the shoulders cannot tell.

    `person` are the observation columns (n,); the rest stands on the lean clock (m,): baseline and lean [cm],
    neutral (bool), segment (int, -1 none). Shoulder width w gives the approach Z0 (1 - w0 / w), with w0 the
    median width of the same segment's neutral samples; both shoulders must be visible (.6) and turned less
    than 15 degrees from where they are in neutral samples. Source: METHOD 3.2.
    """
    width, turn, seen = _shoulders(person, parameters)
    looks = np.flatnonzero(seen)
    if len(looks) == 0 or len(clock) == 0:
        return [float("nan")] * len(episodes)
    time, width, turn = person["time"][looks], width[looks], turn[looks]
    place = np.clip(np.searchsorted(clock, time, side="right") - 1, 0, len(clock) - 1)
    own_segment = segment[place]
    approach = np.full(len(looks), np.nan)
    for number in np.unique(own_segment[own_segment >= 0]):
        inside = own_segment == number
        still = inside & neutral[place]
        if still.sum() < _MIN_LOOKS:
            continue
        facing = inside & (np.abs(turn - np.median(turn[still])) < parameters.shoulder_yaw_change_deg)
        reference = np.median(width[still & facing]) if (still & facing).any() else np.nan
        approach[facing] = baseline[place][facing] * (1 - reference / width[facing])
    ratios = []
    for episode in episodes:
        inside = (time >= episode.start) & (time < episode.end) & np.isfinite(approach)
        head = lean[place][inside]
        enough = inside.sum() >= _MIN_LOOKS and np.isfinite(head).any()
        ratios.append(float(np.median(approach[inside]) / np.nanmedian(head)) if enough else float("nan"))
    return ratios


def trunk_angle(
    person: dict[str, np.ndarray], clock: np.ndarray, towards: np.ndarray | None, parameters: Lean
) -> np.ndarray:
    """Inclination of the trunk towards the partner [deg] on the clock (m,); NaN where the body is not seen.

    `towards` is the horizontal direction to the partner in the camera frame (x, z), unit length; None means a
    partner beside the camera's view, on the side that the head faces when seen in profile, behind the camera
    otherwise. Seen from the side (shoulder width below half the torso's length) the angle is measured in the
    image, otherwise in the body network's world coordinates. Experimental. Source: METHOD 3.3.
    """
    side, profile = _image_angle(person, towards, parameters)
    depth = _world_angle(person, np.array([0.0, -1.0]) if towards is None else towards, parameters)
    angle = np.where(profile, side, depth)
    looks = np.isfinite(angle)
    if looks.sum() < 2:
        return np.full(len(clock), np.nan)
    time = person["time"][looks]
    width = round(parameters.trunk_median_s / max(float(np.median(np.diff(time))), 1e-3))
    return resample(time, running_median(angle[looks], width), clock, parameters.body_gap_s)


def _shoulders(person: dict[str, np.ndarray], parameters: Lean) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Width [px], turn about the vertical [deg], and whether both are seen; shape (n,) each."""
    width = np.hypot(
        person["shoulder_left_x"] - person["shoulder_right_x"],
        person["shoulder_left_y"] - person["shoulder_right_y"],
    )
    turn = np.degrees(
        np.arctan2(
            person["shoulder_left_world_z"] - person["shoulder_right_world_z"],
            person["shoulder_left_world_x"] - person["shoulder_right_world_x"],
        )
    )
    seen = np.isfinite(width) & np.isfinite(turn) & (width > 0)
    for point in ("shoulder_left", "shoulder_right"):
        seen &= person[f"{point}_visibility"] >= parameters.shoulder_visibility
    return width, turn, seen


def _mean_of_visible_sides(person: dict[str, np.ndarray], axis: str, parameters: Lean) -> np.ndarray:
    """Shoulder minus hip along one axis, mean of the sides with both of them visible; NaN for neither."""
    total, count = np.zeros(len(person["time"])), np.zeros(len(person["time"]))
    for side in _SIDES:
        difference = person[f"shoulder_{side}_{axis}"] - person[f"hip_{side}_{axis}"]
        seen = np.isfinite(difference)
        for point in ("shoulder", "hip"):
            seen &= person[f"{point}_{side}_visibility"] >= parameters.shoulder_visibility
        total += np.where(seen, difference, 0.0)
        count += seen
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(count > 0, total / count, np.nan)


def _image_angle(
    person: dict[str, np.ndarray], towards: np.ndarray | None, parameters: Lean
) -> tuple[np.ndarray, np.ndarray]:
    """Angle in the image [deg] and whether the body is seen from the side; shape (n,) each."""
    x = _mean_of_visible_sides(person, "x", parameters)
    y = _mean_of_visible_sides(person, "y", parameters)
    width = np.abs(person["shoulder_left_x"] - person["shoulder_right_x"])
    with np.errstate(invalid="ignore"):
        profile = width < parameters.profile_width_ratio * np.hypot(x, y)
    facing = person["head_yaw"][np.isfinite(person["head_yaw"])]
    if towards is not None:
        sideways = float(towards[0])
    else:
        sideways = float(np.median(facing)) if len(facing) else 0.0
    return np.degrees(np.arctan2(x * np.sign(sideways), np.abs(y))), profile


def _world_angle(person: dict[str, np.ndarray], towards: np.ndarray, parameters: Lean) -> np.ndarray:
    x, y, z = (_mean_of_visible_sides(person, f"world_{axis}", parameters) for axis in "xyz")
    return np.degrees(np.arctan2(x * towards[0] + z * towards[1], np.abs(y)))

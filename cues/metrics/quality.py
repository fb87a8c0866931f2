"""Frame quality: what may be measured on a sample, from the evidence that vision kept (METHOD 1.6).

Conventions
-----------
Quality is int8 of shape (n,): 0 unusable, 1 degraded, 2 good. Evidence that is missing (NaN) on a seen face
does not count against it; a missing value of the thing itself (gaze, head angles) makes it unusable.
"""

from dataclasses import dataclass

import numpy as np

from cues.metrics.gaze_coordinates import head_bearing
from cues.metrics.signals import resample
from cues.parameters import Parameters, Quality

FLAGS: dict[str, str] = {
    "LOW_COV": "less than three quarters of the time could be measured",
    "SMALL_FACE": "the face is small in the picture: sit closer or record at a higher resolution",
    "PROFILE": "the face is turned far from the camera much of the time",
    "GLARE": "the irises could not be read reliably (glasses, light or blur)",
    "TARGET_AMBIGUOUS": "more than one place could be the partner: say which one it is",
    "TARGET_NOT_SEPARABLE": "the partner's place cannot be told from a neighbouring one",
    "TARGET_MOVED": "the partner's place changed during the recording",
    "TARGET_UNUSUAL": "the place looked at most is unusual for a partner: say whether it is one",
    "CAMERA_NOT_SEPARABLE": "partner and camera lie so close together that they cannot be told apart",
    "HEAD_ONLY": "the irises cannot be read well enough: only the direction of the head is measured",
    "EYES_DISAGREE": "iris positions and eye shape disagree about the direction of gaze",
    "LOW_CONFIDENCE": "small changes of the target or threshold move this figure by more than 25 points",
    "CAMERA_MOVED": "the camera moved or zoomed",
    "AUTO_FRAMING": "the camera follows the person by itself: distance cannot be measured",
    "NO_SPEECH_ATTR": "it could not be told who is speaking",
    "SYNC_UNCERTAIN": "the two recordings may be out of step",
    "LOW_EXPRESSION": "too little expression to judge",
    "WHILE_SHOWN": "this person was not in the picture all the time: figures are of the time in it",
    "SHORT": "the recording is shorter than one minute",
    "DEAD_CHANNEL": "part of the facial expression could not be measured on this face",
}
"""Machine code -> plain words (METHOD 5.5 and what the metrics need besides)."""


@dataclass(frozen=True)
class FrameQuality:
    """Quality of gaze, head pose, expression and facing per sample, and the face's angles to the camera ray [deg].

    `facing` is that of the head's direction alone: as `head` where the face is seen, degraded (1) where only the body
    network tells how the head is turned (profile and beyond; level is then assumed, the pitch is 0).
    """

    gaze: np.ndarray
    head: np.ndarray
    expression: np.ndarray
    facing: np.ndarray
    yaw_to_camera: np.ndarray
    pitch_to_camera: np.ndarray


def frame_quality(person: dict[str, np.ndarray], parameters: Parameters) -> FrameQuality:
    """Quality of every sample of one person (columns as `Observations.person` gives them, arrays of shape
    (n,)).

    Gaze needs readable irises; head direction (also used for lean) and expression do not. METHOD 1.6, with
    the residual measured on all 468 points.
    """
    q = parameters.quality
    bearing = head_bearing(person)
    yaw, pitch = np.abs(bearing[:, 0]), np.abs(bearing[:, 1])
    seen = person["face"].astype(bool)
    age = track_age(seen, person["time"])
    disagreement = eye_disagreement(person, seen & (yaw <= q.yaw_good_deg))
    one_eyed = yaw > q.yaw_good_deg  # there the far eye is left out of the gaze, and may well disagree

    head = np.full(len(seen), 2, np.int8)
    _grade(
        head,
        person["iris_distance"] < q.iris_distance_gaze_px,
        person["iris_distance"] < q.iris_distance_any_px,
    )
    _grade(head, yaw > q.yaw_good_deg, yaw > q.yaw_any_max_deg)
    _grade(head, pitch > q.pitch_good_deg, pitch > q.pitch_max_deg)
    _grade(
        head,
        person["reprojection_residual"] > q.residual_good,
        person["reprojection_residual"] > q.residual_max,
    )
    _grade(head, age < q.track_age_good_s, age < q.track_age_min_s)
    head[~seen | ~np.isfinite(bearing).all(1)] = 0

    expression = head.copy()
    _grade(expression, person["blur"] < q.blur_good, person["blur"] < q.blur_min)

    gaze = expression.copy()
    _grade(
        gaze,
        person["iris_distance"] < q.iris_distance_good_px,
        ~(person["iris_distance"] >= q.iris_distance_gaze_px),
    )
    _grade(gaze, yaw > q.yaw_good_deg, yaw > q.yaw_gaze_max_deg)
    _grade(gaze, person["iris_circularity"] > q.circularity_good, person["iris_circularity"] > q.circularity_max)
    _grade(
        gaze,
        disagreement > q.eye_disagreement_good_deg,
        (disagreement > q.eye_disagreement_max_deg) & ~one_eyed,
    )
    gaze[~np.isfinite(person["gaze_h"]) | ~np.isfinite(person["gaze_v"])] = 0

    facing, angles = head.copy(), bearing.copy()
    # A mesh fitted past yaw_any_max_deg is of no use for distance, but tells the turn: 69-75 for a true 78 degrees.
    fits = (person["reprojection_residual"] <= q.residual_max) & (person["iris_distance"] >= q.iris_distance_any_px)
    facing[seen & (yaw > q.yaw_any_max_deg) & fits] = 1
    turn = resample(person["time"], person["body_head_yaw"], person["time"], parameters.gaze.body_turn_gap_s)
    by_body = (facing == 0) & np.isfinite(turn) & (~seen | (age < q.track_age_min_s))
    facing[by_body] = 1
    angles[by_body] = np.stack([turn[by_body], np.zeros(by_body.sum())], 1)
    return FrameQuality(gaze, head, expression, facing, angles[:, 0], angles[:, 1])


def eye_disagreement(person: dict[str, np.ndarray], frontal: np.ndarray) -> np.ndarray:
    """How far the two eyes' horizontal angles are from their usual difference [deg, >= 0], shape (n,).

    A face whose eyes stand wider than the canonical one's seems to squint outwards by a constant: measured
    medians on four real clips are 6.7, 13.3, 15.8 and 16.9 degrees, so the plain difference of METHOD 1.6
    rejects 37-65 % of the samples of clear, frontal faces. It cancels in the mean of both eyes; only
    departures from it tell of a misread iris. Without any frontal sample the plain difference is used.
    """
    apart = person["gaze_left_h"] - person["gaze_right_h"]
    usual = apart[frontal & np.isfinite(apart)]
    return np.abs(apart - (np.median(usual) if len(usual) else 0.0))


def gaze_flags(person: dict[str, np.ndarray], quality: FrameQuality, parameters: Parameters) -> list[str]:
    """Codes of FLAGS that say why gaze is hard to measure on this person; a cause counts from a quarter of
    the time."""
    q: Quality = parameters.quality
    seen = person["face"].astype(bool)
    if not seen.any():
        return []
    lost = seen & (quality.gaze == 0)
    small = lost & (person["iris_distance"] < q.iris_distance_gaze_px)
    profile = lost & (np.abs(quality.yaw_to_camera) > q.yaw_gaze_max_deg)
    causes = {"SMALL_FACE": small, "PROFILE": profile, "GLARE": lost & (quality.head > 0) & ~small & ~profile}
    return [code for code, rows in causes.items() if rows.sum() >= (1 - q.coverage_good) * seen.sum()]


def track_age(seen: np.ndarray, time: np.ndarray) -> np.ndarray:
    """Seconds since the face came into view, shape (n,); 0 where it is not seen. The recording's start does
    not count.

    A face that is there from the first sample was there before the recording.
    """
    index = np.arange(len(seen))
    absent = np.maximum.accumulate(np.where(~seen, index, -1))
    came = time[np.clip(absent + 1, 0, len(seen) - 1)]
    return np.where(seen, np.where(absent < 0, np.inf, time - came), 0.0)


def _grade(quality: np.ndarray, degraded: np.ndarray, unusable: np.ndarray) -> None:
    """Lowers `quality` in place; NaN in the evidence compares as false and lowers nothing."""
    quality[degraded] = np.minimum(quality[degraded], 1)
    quality[unusable] = 0

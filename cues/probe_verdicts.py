"""What a short look at a recording promises for each cue, and the one thing to change: `cues.probe` reads, this judges.

The thresholds are those of frame quality (METHOD 1.6) and coverage (METHOD 5.1), so that a promise made here is kept by
the analysis. Words are for a person who records sessions, not for one who writes programs.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cues.metrics.quality import FrameQuality
from cues.parameters import Parameters, Quality
from cues.parameters import Probe as ProbeParameters

WORKS, HEAD_ONLY, WILL_NOT_WORK, NEEDS_BOTH = "works", "head_only", "will_not_work", "needs_both"
VERDICTS: dict[str, str] = {
    WORKS: "works",
    HEAD_ONLY: "head direction only",
    WILL_NOT_WORK: "will not work",
    NEEDS_BOTH: "needs both people in the recording",
}
"""A verdict's machine code -> plain words."""

EYE_CONTACT, LEAN, MIRRORING = "eye_contact", "forward_lean", "facial_mirroring"
CUES: dict[str, str] = {EYE_CONTACT: "eye contact", LEAN: "forward lean", MIRRORING: "shared smiles"}
"""A cue's machine code -> its name where people read."""

CAUSES = ("absent", "small", "turned", "tilted", "light", "covered", "blurred", "unread", "camera")
"""What can be in the way, the most important first."""


@dataclass(frozen=True)
class Verdict:
    """What a cue will give: `verdict` of VERDICTS, one sentence why, the one thing to change (None: nothing).

    person: number of the person as `--people` takes it, None for what concerns two. cause: of CAUSES, None where
    nothing in the picture is in the way.
    """

    cue: str
    person: int | None
    verdict: str
    why: str
    change: str | None
    cause: str | None


@dataclass(frozen=True)
class Light:
    """Grey levels 0-255: medians of the face and of what surrounds it, and the face's 5th to 95th percentile."""

    face: float
    surroundings: float
    contrast: float

    def problem(self, limits: ProbeParameters) -> str | None:
        """behind, dim, or None where the light suffices.

        The contrast inside the face decides, not its brightness: dark skin in good light is not a dark picture.
        """
        if self.contrast >= limits.face_contrast_min:
            return None
        return "behind" if self.surroundings - self.face > limits.behind_grey else "dim"


@dataclass(frozen=True)
class PersonSeen:
    """One person in all looks: columns as of `Observations.person`, arrays (n,) of the looks with a place for them.

    number: as `--people` takes it. shown: share of all looks whose layout has a place for this person.
    """

    number: int
    columns: dict[str, np.ndarray]
    quality: FrameQuality
    light: Light | None
    shown: float

    @property
    def face(self) -> np.ndarray:
        """Looks with a face, (n,) bool."""
        return self.columns["face"].astype(bool)

    def share(self, which: np.ndarray) -> float:
        """Share of the looks, 0-1; 0 without any."""
        return float(np.mean(which)) if len(which) else 0.0

    def median(self, name: str) -> float:
        """Median of a column over the looks with a face; NaN without one."""
        values = self.columns[name][self.face]
        return float(np.nanmedian(values)) if np.isfinite(values).any() else float("nan")

    @property
    def yaw(self) -> float:
        """Median turn away from the camera [deg], + = to the right of the picture."""
        return _median(self.quality.yaw_to_camera)

    @property
    def pitch(self) -> float:
        """Median tilt against the line to the camera [deg], + = facing above it."""
        return _median(self.quality.pitch_to_camera)


def eye_contact_verdict(seen: PersonSeen, setup: str, parameters: Parameters) -> Verdict:
    """Gaze where the irises can be read in half of the looks or more, else the head's direction, else nothing."""
    q = parameters.quality
    open_eyed = seen.face & ~(_blinks(seen) > parameters.gaze.blink_on)
    gaze = seen.share((seen.quality.gaze >= 1)[open_eyed | ~seen.face])
    head = seen.share(seen.quality.head >= 1)
    apart = seen.median("iris_distance")
    if gaze >= q.coverage_min:
        fine = apart >= q.iris_distance_good_px and abs(seen.yaw) <= q.yaw_good_deg
        exact = "3-5" if fine else "6-9"  # METHOD 2.9
        why = (
            f"The eyes can be read in {_percent(gaze)} of the looks; with irises {apart:.0f} pixels apart the "
            f"direction of gaze is good to about {exact} degrees{_experimental(setup)}."
        )
        return _verdict(EYE_CONTACT, seen, WORKS, why, _cause(seen, "gaze", parameters, WORKS), parameters)
    cause = _cause(seen, "gaze", parameters, WILL_NOT_WORK)
    if head >= q.coverage_min:
        why = (
            f"The eyes can be read in only {_percent(gaze)} of the looks, the direction of the head in "
            f"{_percent(head)}: facing the partner is measured instead of eye contact."
        )
        return _verdict(EYE_CONTACT, seen, HEAD_ONLY, why, cause, parameters)
    return _verdict(EYE_CONTACT, seen, WILL_NOT_WORK, _too_seldom("The face", head), cause, parameters)


def lean_verdict(seen: PersonSeen, setup: str, moved: float | None, parameters: Parameters) -> Verdict:
    """Whether the head's distance can be followed.

    moved: share of neighbouring looks between which the background moved, None where there is no background to follow.
    """
    q = parameters.quality
    head = seen.share(seen.quality.head >= 1)
    if head < q.coverage_min:
        cause = _cause(seen, "head", parameters, WILL_NOT_WORK)
        return _verdict(LEAN, seen, WILL_NOT_WORK, _too_seldom("The head", head), cause, parameters)
    if moved is not None and moved >= q.coverage_min:
        why = "The camera moves or zooms most of the time, which cannot be told from a lean."
        return _verdict(LEAN, seen, WILL_NOT_WORK, why, "camera", parameters)
    why = f"The head can be followed in {_percent(head)} of the looks{_experimental(setup)}."
    cause = _cause(seen, "head", parameters, WORKS)
    if cause is None and moved is not None and moved >= 1 - q.coverage_good:
        why += " The camera moves at times; right after that there is no figure."
        cause = "camera"
    return _verdict(LEAN, seen, WORKS, why, cause, parameters)


def mirroring_verdict(people: Sequence[PersonSeen], parameters: Parameters) -> Verdict:
    """Whether the faces of two people can be read well enough, in the same recording, to compare their smiles."""
    if len(people) < 2:
        why = "Only one person is in this recording; shared smiles are between two."
        change = "Record both people, in one picture, in the call, or in a second file for the other one."
        return Verdict(MIRRORING, None, NEEDS_BOTH, why, change, None)
    shares = [seen.share(seen.quality.expression >= 1) for seen in people]
    worse = people[int(np.argmin(shares))]
    least = parameters.mirroring.min_minutes_session
    if min(shares) >= parameters.quality.coverage_min:
        why = (
            f"Both faces can be read, the less clear one in {_percent(min(shares))} of the looks; "
            f"at least {least} minutes of session are needed to tell shared smiles from chance."
        )
        cause = _cause(worse, "expression", parameters, WORKS)
        return _verdict(MIRRORING, worse, WORKS, why, cause, parameters, shared=True)
    why = f"The expression of person {worse.number} can be read in only {_percent(min(shares))} of the looks."
    cause = _cause(worse, "expression", parameters, WILL_NOT_WORK)
    return _verdict(MIRRORING, worse, WILL_NOT_WORK, why, cause, parameters, shared=True)


def first_change(verdicts: Sequence[Verdict]) -> Verdict | None:
    """The verdict whose change matters most: what does not work comes first, then the order of CAUSES.

    A recording of one person is not a fault: what it lacks for cues of two is no change to begin with.
    """
    rank = (WILL_NOT_WORK, HEAD_ONLY, WORKS)
    wanted = [(rank.index(v.verdict), CAUSES.index(v.cause), v) for v in verdicts if v.verdict in rank and v.cause]
    return min(wanted, key=lambda found: found[:2], default=(0, 0, None))[2]


def _cause(seen: PersonSeen, what: str, parameters: Parameters, verdict: str) -> str | None:
    """The first of CAUSES that takes a quarter of the looks; where nothing works, at least the most frequent one;
    where all works, what would make the figures more exact."""
    q = parameters.quality
    shares = {cause: seen.share(rows) for cause, rows in _obstacles(seen, what, q).items()}
    limit = 1 - q.coverage_good
    found = next((cause for cause in CAUSES if shares.get(cause, 0.0) >= limit), None)
    if found is None and verdict != WORKS:
        found = max(shares, key=lambda cause: shares[cause])
    if found in ("absent", "covered", "blurred", "unread") and seen.light and seen.light.problem(parameters.probe):
        return "light"
    if found == "absent" and abs(seen.yaw) > q.yaw_good_deg:
        return "turned"  # a face seen from the side is lost when it turns a little more
    if found is None and what == "gaze":
        if seen.median("iris_distance") < q.iris_distance_good_px:
            return "small"
        if abs(seen.yaw) > q.yaw_good_deg:
            return "turned"
    return found


def _obstacles(seen: PersonSeen, what: str, q: Quality) -> dict[str, np.ndarray]:
    """Cause -> the looks (n,) that it spoils for gaze, head or expression (limits of METHOD 1.6)."""
    gaze = what == "gaze"
    columns, face = seen.columns, seen.face
    found = {
        "absent": ~face,
        "small": columns["iris_distance"] < (q.iris_distance_gaze_px if gaze else q.iris_distance_any_px),
        "turned": np.abs(seen.quality.yaw_to_camera) > (q.yaw_gaze_max_deg if gaze else q.yaw_any_max_deg),
        "tilted": np.abs(seen.quality.pitch_to_camera) > q.pitch_max_deg,
        "covered": columns["reprojection_residual"] > q.residual_max,
    }
    if what != "head":
        found["blurred"] = columns["blur"] < q.blur_min
    if gaze:
        told = np.any([rows for cause, rows in found.items() if cause != "absent"], axis=0)
        found["unread"] = face & (seen.quality.gaze == 0) & ~told
    return {cause: rows if cause == "absent" else rows & face for cause, rows in found.items()}


def _verdict(
    cue: str,
    seen: PersonSeen,
    verdict: str,
    why: str,
    cause: str | None,
    parameters: Parameters,
    shared: bool = False,
) -> Verdict:
    change = None if cause is None else _change(cause, seen, cue, parameters)
    if shared and change is not None:
        change = named(seen.number, change)
    return Verdict(cue, None if shared else seen.number, verdict, why, change, cause)


def named(number: int, change: str) -> str:
    """A change with the person whom it concerns."""
    return f"Person {number}: {change[0].lower()}{change[1:]}"


def _change(cause: str, seen: PersonSeen, cue: str, parameters: Parameters) -> str:
    q = parameters.quality
    apart = seen.median("iris_distance")
    behind = seen.light is not None and seen.light.problem(parameters.probe) == "behind"
    least = q.iris_distance_gaze_px if cue == EYE_CONTACT else q.iris_distance_any_px
    enough = f"{least:.0f} are needed and {q.iris_distance_good_px:.0f} are good"
    if apart >= least:
        enough = f"{q.iris_distance_good_px:.0f} are good"
    side = "right" if seen.yaw > 0 else "left"
    return {
        "absent": "Keep the whole face in the picture: it was found in "
        f"{_percent(seen.share(seen.face))} of the looks.",
        "small": "Sit closer to the camera, or record at a higher resolution: the irises are "
        f"{apart:.0f} pixels apart, {enough}.",
        "turned": "Put the camera where it sees the face from the front: the face is turned "
        f"{abs(seen.yaw):.0f} degrees to the {side} of the picture.",
        "tilted": "Put the camera at the height of the eyes: the face points "
        f"{abs(seen.pitch):.0f} degrees {'above' if seen.pitch > 0 else 'below'} it.",
        "light": "Turn the window or lamp from behind to the front: the face is darker than what is behind it."
        if behind
        else "Put a lamp in front of the face: there is too little light on it to see the eyes well.",
        "covered": "Keep hands, hair, masks and headphones off the face: its shape cannot be read reliably.",
        "blurred": "Make the picture sharper: more light, a clean lens, a better connection or quality setting.",
        "unread": "Take reflections off the glasses and light the eyes from the front: the irises cannot be read.",
        "camera": "Put the camera on something firm, and turn off zoom and automatic framing.",
    }[cause]


def _blinks(seen: PersonSeen) -> np.ndarray:
    return (seen.columns["eyeBlinkLeft"] + seen.columns["eyeBlinkRight"]) / 2


def _median(values: np.ndarray) -> float:
    return float(np.nanmedian(values)) if np.isfinite(values).any() else float("nan")


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _experimental(setup: str) -> str:
    return " (experimental with two people in one room)" if setup == "shared_room" else ""


def _too_seldom(what: str, share: float) -> str:
    return f"{what} can be measured in only {_percent(share)} of the looks."

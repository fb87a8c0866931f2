"""A project opened by BORIS itself, in an environment of its own, and what BORIS says of it."""

import json
import os
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from cues.annotations.boris import boris, read_boris
from cues.library.kept_tiers import Tier
from cues.library.verdicts import give
from cues.review.verdicts import ADD, DISAGREE, Verdict

ROOT = Path(__file__).resolve().parents[2]
PYTHON = ROOT / ".venv" / "boris" / "bin" / "python"


def boris_says(path, *copy):
    """What BORIS makes of a project."""
    if not PYTHON.exists():
        pytest.skip("BORIS is not installed: make .venv/boris-ready")
    environment = os.environ | {"QT_QPA_PLATFORM": "offscreen"}
    command = [str(PYTHON), str(Path(__file__).with_name("look_with_boris.py")), str(path), *map(str, copy)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if "cannot open shared object file" in done.stderr or "libmpv" in done.stderr:
        pytest.skip("BORIS cannot start: apt install libmpv2 libpulse-mainloop-glib0")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_boris_opens_the_project_and_finds_nothing_wrong_with_it(place, tmp_path):
    with place.writing() as db:
        smile = next(e for e in place.content("eva").episodes if (e["person"], e["kind"]) == (0, "smile"))
        about = [smile[name] for name in ("person", "cue", "kind", "start", "end")]
        given = [Verdict(DISAGREE, *about), Verdict(ADD, 1, "forward_lean", "back", 100.0, 102.5)]
        give(db, place.people["eva"], place.id, given, "a")
    barks = Tier("coder 2", "dog", "barks | loud", ((1000, None, "twice"), (2000, None, "")))
    sound = Tier("", "", "sound", ((0, 5000, "street"), (4000, 6000, "door")))
    content = replace(place.content("eva"), files=("a&b.mp4", "é.mp4"), offset_s=-3.25, kept=[barks, sound])
    videos = [{"file": name, "duration": 180.0 - k, "frame_rate": 25.0} for k, name in enumerate(content.files)]
    content = replace(content, summary=content.summary | {"videos": videos})
    for name in content.files:
        (tmp_path / name).touch()  # BORIS looks whether they are there
    path, copy = tmp_path / "session.boris", tmp_path / "copy.boris"
    path.write_bytes(boris(content))
    told = boris_says(path, copy)

    assert (told["changed"], told["said"]) == (False, "")
    assert told["integrity"].replace("<br>", "") == "" and told["undefined"] == []
    assert told["subjects"] == ["trainee", "client", "dog"]
    states = {code for code, kind in told["behaviours"].items() if kind == "State event"}
    assert states >= {"eye_contact", "forward", "back", "smile", "mutual_gaze", "mirrored", "sound", "sound 2"}
    assert {code for code in told["behaviours"] if code not in states} == {"comments", "barks / loud"}
    assert list(told["observations"]) == ["tool", "reviewed by Eva", "coder 2"]
    for one in told["observations"].values():
        assert one["paired"]
        assert one["media"] == {"1": ["a&b.mp4"], "2": ["é.mp4"]}
        assert one["info"]["offset"] == {"1": 0.0, "2": 3.25}
        assert one["info"]["length"] == {"a&b.mp4": 180.0, "é.mp4": 179.0}

    def stretches(view, subject, code):
        events = [e for e in told["observations"][view]["events"] if e[1:3] == [subject, code]]
        assert [e[-1] for e in events] == ["START", "STOP"] * (len(events) // 2)
        return [(a[0], b[0]) for a, b in zip(events[::2], events[1::2], strict=True)]

    for (person, subject), kind in (
        ((0, "trainee"), "smile"),
        ((1, "client"), "eye_contact"),
        ((0, "trainee"), "away_down"),
    ):
        rows = [e for e in content.episodes if (e["person"], e["kind"]) == (person, kind)]
        assert stretches("tool", subject, kind) == [(round(e["start"], 3), round(e["end"], 3)) for e in rows] != []
    tool = stretches("tool", "trainee", "smile")
    assert stretches("reviewed by Eva", "trainee", "smile") == [s for s in tool if s[0] != round(smile["start"], 3)]
    assert stretches("reviewed by Eva", "client", "back") == [(100.0, 102.5)]
    said = [e for e in told["observations"]["tool"]["events"] if e[2] == "comments"]
    assert [(e[0], e[-1]) for e in said] == [(5.0, "POINT"), (5.2, "POINT")]
    assert said[1][4] == "Eva: About your glance here"
    # What BORIS reads and writes again still says the same to us.
    assert read_boris(copy.read_bytes()) == read_boris(path.read_bytes())

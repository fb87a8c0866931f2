"""Only drawn episodes count, each once, and only of sessions and cues that somebody sees."""

from cues.library.sessions import share_session
from cues.library.trust import trust
from cues.library.verdicts import give, undo
from cues.review.drawing import DRAWN_PER_CUE, drawn_episodes
from cues.review.verdicts import AGREE, DISAGREE, Verdict
from tests.library.conftest import BOTH

DATABASES = BOTH


def said(word, start, cue="smile", kind="smile"):
    return Verdict(word, 0, cue, kind, start, start + 2.0)


def told(library, account, setup="split_screen"):
    with library.reading() as db:
        return [(t.setup, t.cue, t.agreed, t.judged, t.sessions) for t in trust(db, account, lambda _: setup)]


def test_drawn_episodes_are_counted_once_and_picked_ones_never(library, people, shared):
    ada, eva = people["ada"], people["eva"]
    for reviewer, verdict, drawn in (
        (eva, said(AGREE, 10.0), True),
        (eva, said(DISAGREE, 20.0), True),
        (eva, said(DISAGREE, 30.0), False),
        (ada, said(DISAGREE, 10.0), True),  # the second to judge this one
        (eva, said(AGREE, 20.0), True),  # changed her mind
        (eva, said(DISAGREE, 5.0, "eye_contact", "eye_contact"), True),
        (eva, said(DISAGREE, 50.0), True),
    ):
        with library.writing() as db:
            give(db, reviewer, shared, [verdict], "a", drawn)
    with library.writing() as db:
        undo(db, eva, shared)
    gaze, smiles = ("split_screen", "eye_contact", 0, 1, 1), ("split_screen", "facial_mirroring", 2, 2, 1)
    assert told(library, ada) == told(library, eva) == [gaze, smiles]
    assert told(library, ada, setup=None) == []
    assert told(library, people["tom"]) == told(library, people["adm"]) == []
    with library.writing() as db:
        share_session(db, ada, shared, eva.id, ["eye_contact"])
    assert told(library, eva) == [smiles]


def test_the_draw_is_the_same_for_everybody_and_leaves_out_what_is_left_out():
    rows = [
        {"start": float(k), "end": k + 1.0, "person": 0, "role": "trainee", "cue": cue, "kind": kind}
        for k in range(40)
        for cue, kind in (("smile", "smile"), ("eye_contact", "eye_contact"), ("eye_contact", "mutual_gaze"))
    ]
    first = drawn_episodes(rows, "a", [])
    assert first == drawn_episodes(rows, "a", [])
    assert first != drawn_episodes(rows, "b", [])
    assert [row["kind"] for row in first].count("smile") == DRAWN_PER_CUE
    assert {row["kind"] for row in first} == {"smile", "eye_contact"}
    assert {row["kind"] for row in drawn_episodes(rows, "a", ["eye_contact"])} == {"smile"}
    assert drawn_episodes(rows[:3], "a", []) == [rows[1], rows[0]]  # all there are

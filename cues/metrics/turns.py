"""Turns of a conversation, and the cues split by who is speaking.

Looking at somebody who speaks and looking at them while speaking oneself are different behaviours (about 75 % and 41 %
of the time, METHOD 2.11); the same holds for leaning and smiling. So does how a conversation goes: how much each says,
how long the turns are, how soon an answer follows.

Conventions
-----------
Speech comes as `speaking.Speaking`: steps of 100 ms, so that no length here is more exact than that. A turn is one
person's speech from its beginning to its end; own pauses up to `turn_pause_s` belong to it where nobody else speaks in
them. Less than `turn_min_s` is a short response ("mm-hm"), no turn. A pause before an answer lies between the end of
the partner's last turn or response and the beginning of one's own turn; in a recorded call it holds the network's
delay. Percentages are 0-100, coverage is 0-1; not known is NaN.
"""

from dataclasses import dataclass

import numpy as np

from cues.metrics.episodes import UNKNOWN, YES, Episode, runs
from cues.metrics.eye_contact import EyeContact
from cues.metrics.speaking import BOTH, FIRST, SECOND, SILENCE, Speaking, at_times
from cues.parameters import Parameters, Speech

TURN, RESPONSE = "turn", "short_response"

LISTENING, TALKING = 2, 1
"""The partner alone speaks, the person alone speaks: states as `Speaking.seen_by` tells them."""


@dataclass(frozen=True)
class Talk:
    """One person's speech. states (n,): as `Speaking.seen_by`, on `time` (n,) [s]. episodes: kinds TURN and RESPONSE,
    strength their length [s]. answers: for each own turn that answers, (its start, the pause before it) [s].
    overlapping: starts [s] of own turns and responses that begin while the partner speaks. reason: why nothing is
    known, one sentence, or ""."""

    time: np.ndarray
    states: np.ndarray
    episodes: list[Episode]
    answers: list[tuple[float, float]]
    overlapping: list[float]
    reason: str


def talk_of(speaking: Speaking, person: int, p: Speech) -> Talk:
    """The turns of one person, and what lies between them and the other's."""
    own = FIRST if not speaking.people or person == speaking.people[0] else SECOND
    other = FIRST + SECOND - own
    states = speaking.seen_by(person)
    if not speaking.measurable:
        return Talk(speaking.time, states, [], [], [], speaking.reason)
    mine, theirs = (_stretches(speaking.states, speaker, p) for speaker in (own, other))
    length = p.cell_s
    episodes = [_episode(a * length, b * length, p) for a, b in mine]
    answers, overlapping = [], []
    ends = np.array([b for _, b in theirs])
    for (a, _), episode in zip(mine, episodes, strict=True):
        if any(c < a < d for c, d in theirs):
            overlapping.append(episode.start)
            continue
        before = int(ends[ends <= a].max(initial=-1))
        last_own = max((b for b_start, b in mine if b_start < a), default=-1)
        answered = before > last_own and (a - before) * length <= p.answer_max_s
        if episode.kind == TURN and answered and (speaking.states[before:a] == SILENCE).all():
            answers.append((episode.start, (a - before) * length))
    return Talk(speaking.time, states, episodes, answers, overlapping, "")


def talk_minute(talk: Talk, start: float, end: float) -> dict[str, float]:
    """The columns `talk_*` of [start, end) s.

    talk_pct: share of the known time in which the person speaks; talk_overlap_pct: in which both do; talk_share_pct:
    of all that the two say (both counted) the share that is this person's. talk_turns, talk_responses, talk_overlaps
    (own speech that begins while the partner speaks): counts of what begins in it; talk_longest_s: the longest of the
    turns that begin in it; talk_pause_s: median pause before its answers. talk_coverage: share of it in which it is
    known who speaks.
    """
    rows = slice(*np.searchsorted(talk.time, (start - 1e-6, end - 1e-6)).tolist())
    states = talk.states[rows]
    known = int((states != UNKNOWN).sum())
    mine = int(np.isin(states, (TALKING, BOTH)).sum())
    theirs = int(np.isin(states, (LISTENING, BOTH)).sum())
    begun = [e for e in talk.episodes if start <= e.start < end]
    turns = [e.duration for e in begun if e.kind == TURN]
    pauses = [pause for at, pause in talk.answers if start <= at < end]
    return {
        "talk_coverage": 0.0 if talk.reason or not len(states) else known / len(states),
        "talk_pct": _percent(mine, known),
        "talk_share_pct": _percent(mine, mine + theirs),
        "talk_overlap_pct": _percent(int((states == BOTH).sum()), known),
        "talk_turns": float(len(turns)),
        "talk_responses": float(len(begun) - len(turns)),
        "talk_overlaps": float(sum(start <= at < end for at in talk.overlapping)),
        "talk_longest_s": max(turns, default=float("nan")),
        "talk_pause_s": float(np.median(pauses)) if pauses else float("nan"),
    }


def share_while(
    time: np.ndarray, states: np.ndarray, yes: int, talk: Talk, span: tuple[float, float], parameters: Parameters
) -> dict[str, float]:
    """Percent of the known samples in state `yes` while the partner speaks (`listening_pct`) and while the person does
    (`speaking_pct`), within [start, end) s.

    `states` (n,) on a steady clock `time` (n,) [s]. NaN where the state of speaking lasts less than
    `speech_state_min_s` in it, or where less than half of that was measured.
    """
    rows = slice(*np.searchsorted(time, (span[0] - 1e-6, span[1] - 1e-6)).tolist())
    part, said = states[rows], at_times(talk.time, talk.states, time[rows])
    step = float(time[1] - time[0]) if len(time) > 1 else 1.0
    found = {}
    for name, state in (("listening_pct", LISTENING), ("speaking_pct", TALKING)):
        counted = part[said == state]
        known = counted[counted != UNKNOWN]
        enough = len(counted) * step >= parameters.gaze.speech_state_min_s - 1e-6
        measured = len(known) >= parameters.quality.coverage_min * len(counted)
        found[name] = _percent(int((known == yes).sum()), len(known)) if enough and measured else float("nan")
    return found


def gaze_at_turn_ends(eyes: EyeContact, talk: Talk, p: Speech) -> tuple[float, int]:
    """Percent of the person's own turns that end in eye contact (METHOD 2.10: for most of the last `turn_end_s`), and
    of how many; NaN where fewer than `turn_ends_min` could be measured."""
    looked = []
    for turn in talk.episodes:
        rows = slice(*np.searchsorted(eyes.time, (turn.end - p.turn_end_s, turn.end)).tolist())
        part = eyes.states[rows][~eyes.blink[rows]]
        known = part[part != UNKNOWN]
        if turn.kind == TURN and len(part) and len(known) >= 0.5 * len(part):
            looked.append(bool((known == YES).mean() > 0.5))
    return (100 * float(np.mean(looked)) if len(looked) >= p.turn_ends_min else float("nan")), len(looked)


def _stretches(states: np.ndarray, own: int, p: Speech) -> list[tuple[int, int]]:
    """First and past-the-last step of each stretch of one person's speech."""
    found: list[tuple[int, int]] = []
    for a, b, state in runs(np.isin(states, (own, BOTH)).astype(np.int8)):
        if not state:
            continue
        if found and (a - found[-1][1]) * p.cell_s <= p.turn_pause_s and (states[found[-1][1] : a] == SILENCE).all():
            found[-1] = (found[-1][0], b)
        else:
            found.append((a, b))
    return found


def _episode(start: float, end: float, p: Speech) -> Episode:
    kind = TURN if end - start >= p.turn_min_s - 1e-6 else RESPONSE
    return Episode(start, end, kind, end - start)


def _percent(part: int, whole: int) -> float:
    return 100 * part / whole if whole else float("nan")

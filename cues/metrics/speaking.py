"""Who is speaking, every 100 ms (METHOD 1.5).

That somebody speaks is known from the sound (`cues.observations`, table sound). Whose speech it is:

* **channels**, where two of them differ: each hears its own person louder. Which channel is whose is known in two
  files; in one file the mouths tell it over the whole session, or a person says it.
* **mouths** otherwise: whose mouth moves as in speech while speech is heard (`mouth_movement`). Speech during which no
  measured mouth moves is somebody else's.

The evidence goes into one chain of states that changes seldom: silence, the first person, the second, both, somebody
else. Where somebody speaks and nobody has a probability of at least `sure` it is unknown who. Where less than
`attributed_min` of the speech can be attributed, nobody's speech is told. One's own pauses up to `turn_pause_s` are
speech: who listens still listens.

Conventions
-----------
Steps are 100 ms on the session's clock, from 0; series have shape (n,). States: SILENCE 0, FIRST 1, SECOND 2, BOTH 3,
UNKNOWN -1. The first is `people[0]`; the second is `people[1]`, or with one person measured whoever else is heard.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from cues.metrics.episodes import UNKNOWN, runs
from cues.metrics.hidden_states import state_probabilities
from cues.metrics.mouth_movement import Mouth, mouth_of
from cues.metrics.signals import moving_average
from cues.observations import Observations
from cues.parameters import Parameters, Speech

SILENCE, FIRST, SECOND, BOTH = 0, 1, 2, 3
CHANNELS, MOUTHS = "channels", "mouths"

NO_SOUND = "the recording has no sound"
LITTLE = "too little speech is heard"
VOICE_MISSING = "a mouth moves as in speech while nothing is heard: that voice may not be in the recording"
CHANNELS_UNNAMED = "each person has a channel of their own, but not which is whose can be told from the mouths"
BOTH_MOVE = "both mouths move as in speech most of the time that somebody is heard"
UNSURE = "it could not be told from the mouths whose speech it is"

_ELSE = 4
_SPEAKS = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [1, 1, 0], [0, 0, 1]], bool)
"""State -> whether the first, the second, somebody else speaks."""


@dataclass(frozen=True)
class Speaking:
    """Who speaks when. probability (n, 2): that the first, the second speaks. heard (n,): somebody does.

    by: what told whose speech it is, CHANNELS, MOUTHS or "". channels: of each channel with a voice of its own, whose
    it is; None where that is not known. attributed: share (0-1) of the speech whose speaker is known. reason: why it is
    not measurable, "" where it is; then every state is UNKNOWN where speech is heard.
    """

    people: tuple[int, ...]
    time: np.ndarray
    states: np.ndarray
    probability: np.ndarray
    heard: np.ndarray
    by: str
    channels: dict[int, int | None]
    attributed: float
    reason: str

    @property
    def measurable(self) -> bool:
        """Whether it is known who speaks."""
        return not self.reason

    def seen_by(self, person: int) -> np.ndarray:
        """States (n,) int8 from one person's side: 0 silence, 1 this person speaks, 2 the other, 3 both, -1 unknown."""
        if not self.people or person == self.people[0]:
            return self.states
        return np.array([SILENCE, SECOND, FIRST, BOTH, UNKNOWN], np.int8)[self.states]


def at_times(steps: np.ndarray, states: np.ndarray, time: np.ndarray) -> np.ndarray:
    """The states (n,) of `steps` (n,) [s] at sample times (m,) [s]; UNKNOWN behind the last step; int8 (m,)."""
    if len(steps) == 0:
        return np.full(len(time), UNKNOWN, np.int8)
    index = np.searchsorted(steps, time + 1e-6, side="right") - 1
    known = (index >= 0) & (time < steps[-1] + (steps[1] - steps[0] if len(steps) > 1 else 1.0))
    return np.where(known, states[np.clip(index, 0, None)], UNKNOWN).astype(np.int8)


def who_speaks(observations: Observations, parameters: Parameters, channels: dict[int, int] | None = None) -> Speaking:
    """Who speaks in a session, from its sound and mouths.

    channels: person -> channel of the sound, as somebody said.
    """
    p = parameters.speech
    people = tuple(observations.people[:2])
    speech, level = _sound(observations.sound, observations.facts.duration_s, p)
    count = speech.shape[1]
    clock = np.arange(count) * p.cell_s
    heard = speech.max(0) > p.heard_on if len(speech) else np.zeros(count, bool)
    if not len(speech) or heard.sum() * p.cell_s < p.heard_min_s:
        reason = LITTLE if len(speech) else NO_SOUND
        states = np.where(heard, UNKNOWN, SILENCE if len(speech) else UNKNOWN).astype(np.int8)
        return Speaking(people, clock, states, np.full((count, 2), np.nan), heard, "", {}, 0.0, reason)
    mouths = [mouth_of(observations.person(person), clock, heard, parameters) for person in people]
    split = _channel_split(speech, level, heard, p)
    owners = None if split is None else _owners(observations, people, split, mouths, channels, p)
    by = MOUTHS if split is None else CHANNELS
    reason = CHANNELS_UNNAMED if split is not None and owners is None else ""
    likely = _likely(speech, mouths, split, owners, p)
    probability = state_probabilities(likely, _change(len(people), p))
    states, attributed = _decided(probability, p)
    states[_unheard(mouths, heard, p)] = UNKNOWN
    if not reason and any(_voice_missing(mouth, heard, p) for mouth in mouths) and by == MOUTHS:
        reason = VOICE_MISSING
    if not reason and attributed < p.attributed_min:
        reason = UNSURE
    if not reason and by == MOUTHS and (states == BOTH).sum() > p.overlap_most * (states > SILENCE).sum():
        reason = BOTH_MOVE
    if reason:
        states = np.where(heard, UNKNOWN, SILENCE).astype(np.int8)
    speaks = probability @ _SPEAKS[:, :2]
    if len(people) == 1:
        speaks[:, 1] += probability[:, _ELSE]
    whose: dict[int, int | None] = {}
    if split is not None:
        named = [None, None] if owners is None else [(*people, -1)[place] for place in owners]
        whose = dict(zip(split.pair, named, strict=True))
    return Speaking(people, clock, states, speaks, heard, by, whose, attributed, reason)


def _sound(sound: pa.Table | None, duration_s: float, p: Speech) -> tuple[np.ndarray, np.ndarray]:
    """Speech probability and level [dB] of each channel on the session's clock, (channels, n); silence where a channel
    has ended."""
    count = int(np.ceil(duration_s / p.cell_s - 1e-6))
    if sound is None or sound.num_rows == 0:
        return np.zeros((0, count)), np.zeros((0, count))
    channel, time = sound["channel"].to_numpy(), sound["time"].to_numpy().astype(float)
    speech, level = sound["speech"].to_numpy(), sound["level_db"].to_numpy()
    names = np.unique(channel)
    probabilities = np.zeros((len(names), count))
    levels = np.full((len(names), count), float(level.min()))
    for row, name in enumerate(names):
        own = channel == name
        cells = np.round(time[own] / p.cell_s).astype(int)
        inside = (cells >= 0) & (cells < count)
        probabilities[row, cells[inside]] = speech[own][inside]
        levels[row, cells[inside]] = level[own][inside]
    return probabilities, levels


def _likely(
    speech: np.ndarray, mouths: list[Mouth], split: "_Split | None", owners: tuple[int, int] | None, p: Speech
) -> np.ndarray:
    """How likely each step's evidence is in each state, up to a factor (n, 5): of the channels where they are named, of
    the mouths where there is one channel."""
    some = np.clip(_odds(speech.max(0)), -p.heard_odds_max, p.heard_odds_max)
    logs = np.where(_SPEAKS.any(1), some[:, None], 0.0)
    if split is not None and owners is not None:
        logs[:, [FIRST, SECOND, BOTH, _ELSE]] += _channel_logs(split, owners, speech, p)
    elif split is None:
        for place, mouth in enumerate(mouths):
            logs += np.where(_SPEAKS[:, place], mouth.evidence[:, None], 0.0)
    found: np.ndarray = np.exp(logs)
    return found


@dataclass(frozen=True)
class _Split:
    """Two channels that differ. difference (n,): level of the first minus the second [dB], 0 in the middle between
    the two speakers; half: half the distance between them [dB]; sd [dB]; pair: the two channels' numbers."""

    difference: np.ndarray
    half: float
    sd: float
    pair: tuple[int, int]


def _channel_split(speech: np.ndarray, level: np.ndarray, heard: np.ndarray, p: Speech) -> _Split | None:
    """The two channels whose level difference falls most clearly in two while speech is heard; None where none does."""
    best: _Split | None = None
    for first in range(len(speech)):
        for second in range(first + 1, len(speech)):
            difference = moving_average(level[first] - level[second], round(p.movement_mean_s / p.cell_s))
            values = difference[heard]
            low, high = np.percentile(values, [10, 90])
            for _ in range(20):
                above = values > (low + high) / 2
                if above.all() or not above.any():
                    break
                low, high = values[~above].mean(), values[above].mean()
            half = float(high - low) / 2
            if 2 * half < p.channel_apart_db or (best is not None and half <= best.half):
                continue
            middle = (low + high) / 2
            spread = float(np.sqrt(np.mean((np.abs(values - middle) - half) ** 2)))
            sd = float(np.clip(spread, p.channel_sd_db, max(half / 2, p.channel_sd_db)))
            best = _Split(difference - middle, half, sd, (first, second))
    return best


def _owners(
    observations: Observations,
    people: tuple[int, ...],
    split: _Split,
    mouths: list[Mouth],
    channels: dict[int, int] | None,
    p: Speech,
) -> tuple[int, int] | None:
    """Of the split's first and second channel: the place (0, 1) among the people of whose it is; None where it cannot
    be told."""
    for person, channel in (channels or {}).items():
        if person in people and channel in split.pair:
            place = people.index(person)
            return (place, 1 - place) if channel == split.pair[0] else (1 - place, place)
    if observations.facts.setup == "two_files" and len(people) == 2:
        first = observations.facts.file_of(people[0])
        return (0, 1) if split.pair[0] == first else (1, 0)
    louder = np.where(np.abs(split.difference) > split.half / 2, np.sign(split.difference), 0)
    told = [_contrast(mouth.talking, louder) for mouth in mouths]
    gain = [(value if place == 0 else -value) for place, (value, _) in enumerate(told)]
    error = float(np.sqrt(sum(e**2 for _, e in told)))
    if not 0 < error < np.inf or abs(sum(gain)) < p.channel_mapping_z * error:
        return None
    return (0, 1) if sum(gain) > 0 else (1, 0)


def _contrast(talking: np.ndarray, louder: np.ndarray) -> tuple[float, float]:
    """How much more a mouth moves as in speech while the first channel is louder than while the second is, and the
    standard error of that, over stretches of one louder channel; (0, 0) for a mouth that tells nothing."""
    edges = np.flatnonzero(np.diff(louder)) + 1
    means: dict[int, list[float]] = {1: [], -1: []}
    for part, side in zip(np.split(talking, edges), np.split(louder, edges), strict=True):
        if len(side) and side[0] != 0 and np.isfinite(part).any():
            means[int(side[0])].append(float(np.nanmean(part)))
    if not np.isfinite(talking).any():
        return 0.0, 0.0
    if min(len(v) for v in means.values()) < 2:
        return 0.0, float("inf")
    error = np.sqrt(sum(np.var(v, ddof=1) / len(v) for v in means.values()))
    return float(np.mean(means[1]) - np.mean(means[-1])), float(max(error, 1e-6))


def _channel_logs(split: _Split, owners: tuple[int, int], speech: np.ndarray, p: Speech) -> np.ndarray:
    """Logarithms (n, 4) of how likely the level difference is with the first, the second, both, somebody else."""

    def normal(centre: float, sd: float) -> np.ndarray:
        inside: np.ndarray = -0.5 * ((split.difference - centre) / sd) ** 2 - np.log(sd)
        return inside

    # Further out than its speaker's usual difference is no less that speaker's.
    near = np.clip(split.difference, -split.half, split.half)
    sides = [-0.5 * ((near - sign * split.half) / split.sd) ** 2 - np.log(split.sd) for sign in (1.0, -1.0)]
    first, second = sides[owners.index(0)], sides[owners.index(1)]
    own = _odds(speech[list(split.pair)].min(0))
    both = normal(0.0, split.half / 2) + np.minimum(np.clip(own, -p.heard_odds_max, p.heard_odds_max), 0.0)
    elsewhere = np.full(len(near), -np.log(2 * split.half) - p.heard_odds_max)
    logs = np.stack([first, second, both, elsewhere], 1)
    return p.mouth_weight * np.maximum(logs - logs.max(1, keepdims=True), -2 * p.heard_odds_max)


def _odds(probability: np.ndarray) -> np.ndarray:
    inside = np.clip(probability, 1e-4, 1 - 1e-4)
    logs: np.ndarray = np.log(inside / (1 - inside))
    return logs


def _speakers(overlap: float, unseen: float) -> np.ndarray:
    """Shares of first, second, both, somebody else among what is spoken."""
    return np.array([(1 - overlap - unseen) / 2, (1 - overlap - unseen) / 2, overlap, unseen])


def _change(people: int, p: Speech) -> np.ndarray:
    """Probability of each state one step after each; with one person measured, the second is everybody else."""
    lengths = np.array([p.pause_s, p.speaking_s, p.speaking_s, p.overlap_s, p.speaking_s])
    unseen = p.unseen_share if people == 2 else 0.0
    change = np.zeros((5, 5))
    change[SILENCE, 1:] = _speakers(p.overlap_share, unseen)
    change[FIRST] = [0.8, 0, 0.1 - unseen, 0.1, unseen]
    change[SECOND] = [0.8, 0.1 - unseen, 0, 0.1, unseen]
    change[BOTH] = [0.2, 0.4, 0.4, 0, 0]
    change[_ELSE] = [0.8, 0.1, 0.1, 0, 0]
    leave = p.cell_s / lengths
    change *= leave[:, None]
    change[np.arange(5), np.arange(5)] = 1 - leave
    return change


def _decided(probability: np.ndarray, p: Speech) -> tuple[np.ndarray, float]:
    """States (n,), and the share of the speech whose speaker is known."""
    best = 1 + probability[:, 1:].argmax(1)
    spoken = probability[:, SILENCE] < 0.5
    # Silence against speech is decided by the likelier; who speaks, if somebody does, must be sure.
    sure = probability[:, 1:].max(1) >= p.sure * (1 - probability[:, SILENCE])
    states = np.where(~spoken, SILENCE, np.where(sure & (best != _ELSE), best, UNKNOWN)).astype(np.int8)
    known = float((states[spoken] != UNKNOWN).mean()) if spoken.any() else 0.0
    return _bridged(states, round(p.turn_pause_s / p.cell_s)), known


def _bridged(states: np.ndarray, longest: int) -> np.ndarray:
    """Silences of at most `longest` steps inside one person's speech belong to it."""
    found = runs(states)
    for (_, _, before), (a, b, state), (_, _, after) in zip(found, found[1:], found[2:], strict=False):
        if state == SILENCE and before == after and before in (FIRST, SECOND) and b - a <= longest:
            states[a:b] = before
    return states


def _unheard(mouths: list[Mouth], heard: np.ndarray, p: Speech) -> np.ndarray:
    """Where a mouth moves as in speech, but for long nothing is heard: a muted microphone looks like silence; (n,)."""
    found = np.zeros(len(heard), bool)
    margin = round(p.voice_margin_s / p.cell_s)
    for a, b, some in runs(heard.astype(np.int8)):
        if not some and (b - a) * p.cell_s >= p.unheard_min_s:
            for mouth in mouths:
                talking = moving_average(mouth.talking[a:b], round(p.unheard_mean_s / p.cell_s))
                found[a + margin : b - margin] |= talking[margin : len(talking) - margin] > p.unheard_on
    return found


def _voice_missing(mouth: Mouth, heard: np.ndarray, p: Speech) -> bool:
    """Whether a mouth moves as in speech rather while nothing is heard."""
    margin = round(p.voice_margin_s / p.cell_s)
    near = np.convolve(heard.astype(float), np.ones(2 * margin + 1), "same") > 0
    known = np.isfinite(mouth.talking)
    quiet, loud = mouth.talking[known & ~near], mouth.talking[known & heard]
    if not mouth.readable or not len(quiet):
        return False
    share = float(quiet.mean())
    return bool(
        share >= p.voice_missing_share
        and quiet.sum() * p.cell_s >= p.voice_missing_s
        and (not len(loud) or share > loud.mean())
    )

"""Conversations with known turns, as tables: mouths that move while their person speaks, and the sound."""

from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from cues.metrics.mouth_movement import MOUTH
from cues.observations import OBSERVATIONS, SOUND, Observations
from tests.made_session import made_session

CELL_S = 0.1


@dataclass(frozen=True)
class MadeTalk:
    """speaks (2, n) bool every 100 ms: the truth."""

    observations: Observations
    speaks: np.ndarray

    @property
    def states(self) -> np.ndarray:
        """0 silence, 1 the first, 2 the second, 3 both; (n,)."""
        return self.speaks[0] + 2 * self.speaks[1]


def made_talk(
    minutes: float = 4.0,
    *,
    seed: int = 1,
    people: int = 2,
    channels: tuple[float, float] | None = None,
    heard: tuple[bool, bool] = (True, True),
    mouths: tuple[bool, bool] = (True, True),
    overlaps: bool = False,
    chews: bool = False,
    smiling: bool = True,
    sound: bool = True,
    setup: str | None = None,
) -> MadeTalk:
    """Two people take turns of 1-7 s with pauses of 0.2-2 s.

    channels: how much quieter the other's voice is on the first and on the second channel [dB]; None: one channel for
    both. heard: whose voice is in the sound; mouths: whose mouth is seen; overlaps: turns begin up to 1 s before the
    other's end; chews: the second person's mouth moves all the time; smiling: both smile now and then. With one person
    the second is heard and not seen.
    """
    rng = np.random.default_rng(seed)
    base = made_session(minutes, people=people, setup=setup, seed=seed, smiling=smiling).observations
    count = round(60 * minutes / CELL_S)
    speaks = np.zeros((2, count), bool)
    at, who = 10, 0
    while at < count - 20:
        length = round(rng.uniform(1, 7) / CELL_S)
        speaks[who, at : at + length] = True
        gap = rng.uniform(-1.0, 0.5) if overlaps else rng.uniform(0.2, 2.0)
        at, who = at + length + round(gap / CELL_S), 1 - who
    table = base.table
    for person in base.people:
        moves = speaks[person] | (chews and person == 1)
        table = _with_mouth(table, rng, person, moves, mouths[person])
    tables = _sound(rng, speaks & np.array(heard)[:, None], channels) if sound else None
    return MadeTalk(replace(base, table=table, sound=tables), speaks)


def _with_mouth(table: pa.Table, rng: np.random.Generator, person: int, speaks: np.ndarray, seen: bool) -> pa.Table:
    rows = table["person"].to_numpy() == person
    count = int(rows.sum())
    moving = np.resize(speaks, count)
    columns = {name: table[name].to_numpy().copy() for name in (*MOUTH, "face")}
    for name in MOUTH:
        step = np.where(moving, rng.normal(0, 0.05, count), rng.normal(0, 0.001, count))
        columns[name][rows] = np.clip(0.1 + step, 0, 1)
    if not seen:
        columns["face"][rows] = False
    for name, values in columns.items():
        place = table.column_names.index(name)
        table = table.set_column(place, name, pa.array(values).cast(OBSERVATIONS.field(name).type))
    return table


def _sound(rng: np.random.Generator, voices: np.ndarray, channels: tuple[float, float] | None) -> pa.Table:
    own = np.where(voices, -25 + rng.normal(0, 3, voices.shape), -90.0)
    if channels is None:
        levels = own.max(0)[None]
    else:
        levels = np.stack([np.maximum(own[k], own[1 - k] - channels[k]) for k in (0, 1)])
        levels[1] -= 9  # two microphones are seldom alike
    levels = np.maximum(levels, -60 + rng.normal(0, 1, levels.shape))
    parts = []
    for channel, level in enumerate(levels):
        speech = np.clip(np.where(level > -50, 0.95, 0.03) + rng.normal(0, 0.04, len(level)), 0, 1)
        columns = {"time": np.arange(len(level)) * CELL_S, "channel": np.full(len(level), channel)}
        columns |= {"speech": speech, "level_db": level}
        parts.append(pa.table({f.name: pa.array(columns[f.name]).cast(f.type) for f in SOUND}))
    return pa.concat_tables(parts)

"""What two people do in a session, from a seed: gaze, blinks, leans, smiles and posture, as events with
exact times.

Durations follow METHOD's figures for video calls: looks at the partner log-normal around 2 s, longer while
listening, looks away around 2.2 s; 17 blinks a minute; leans of 8-12 cm for 6-40 s; smiles answered after
about 0.8 s.
"""

from dataclasses import dataclass

import numpy as np

Interval = tuple[float, float]


@dataclass(frozen=True)
class Gaze:
    start: float
    end: float
    target: str


@dataclass(frozen=True)
class Lean:
    """Movement of the head towards the lens (cm > 0) or back: leaves neutral at `start`, is back at `end`."""

    start: float
    end: float
    cm: float
    ramp: float


@dataclass(frozen=True)
class Smile:
    onset: float
    end: float
    amplitude: float
    rise: float
    asymmetry: float
    answers: float | None
    """onset of the other's smile that this one answers"""


def overlap(span: Interval, spans: list[Interval]) -> float:
    """Seconds of `span` inside any of `spans` (which do not overlap each other)."""
    return sum(max(0.0, min(span[1], e) - max(span[0], s)) for s, e in spans)


def gaze(
    rng: np.random.Generator,
    duration: float,
    shares: np.ndarray,
    other_speaks: list[Interval],
    away: dict[str, float],
) -> list[Gaze]:
    """Semi-Markov gaze between "partner" and the targets of `away` (name: weight) that fills 0..duration.

    shares: intended share of time at the partner, one per minute. Runs correct for what was over- or
    underspent within the minute, so that the minute comes near its share; the truth is what was drawn.
    """
    names, weights = list(away), np.array(list(away.values()))
    out: list[Gaze] = []
    t, on = 0.0, True
    while t < duration:
        minute = min(int(t // 60), len(shares) - 1)
        share = float(shares[minute])
        begin = minute * 60.0
        spent = overlap((begin, t), [(g.start, g.end) for g in out[-40:] if g.target == "partner"])
        debt = float(np.clip((share * (t - begin) - spent) / 10.0, -0.7, 0.7))
        mean_on = 1.9 + 5.0 * max(0.0, share - 0.45)
        if on:
            listening = overlap((t, t + 2.0), other_speaks) > 1.0
            length = rng.lognormal(np.log(mean_on / 1.3), 0.7) * (1.5 if listening else 0.72) * np.exp(debt)
            length = float(np.clip(length, 0.7, 20.0))
            out.append(Gaze(t, t + length, "partner"))
            t += length
        else:
            left = float(np.clip(mean_on * (1 - share) / share * rng.lognormal(-0.2, 0.6) * np.exp(-debt), 0.6, 22.0))
            previous = None
            while left > 0.3:
                odds = weights * np.array([n != previous for n in names])
                name = str(rng.choice(names, p=odds / odds.sum()))
                length = float(np.clip(rng.lognormal(np.log(2.2), 0.55), 0.6, 7.0))
                length = left if left - length < 0.9 else length
                out.append(Gaze(t, t + length, name))
                t, left, previous = t + length, left - length, name
        on = not on
    kept = [g for g in out if g.start < duration - 0.2]
    kept[-1] = Gaze(kept[-1].start, duration, kept[-1].target)
    return kept


def blinks(rng: np.random.Generator, duration: float) -> list[Interval]:
    """About 17 a minute, each 0.2-0.3 s from the first to the last movement of the lid."""
    out, t = [], float(rng.uniform(0.5, 3))
    while t < duration - 0.5:
        length = float(rng.uniform(0.20, 0.30))
        out.append((t, t + length))
        t += 0.9 + float(rng.gamma(1.6, 1.6)) + length
    return out


def leans(rng: np.random.Generator, duration: float) -> list[Lean]:
    """4-7 forward leans and one recline in ten minutes, at least 12 s apart; none in the first 12 s."""
    forward = max(1, int(round(float(rng.uniform(4.6, 6.6)) * duration / 600)))
    kinds = [1] * forward + ([-1] if duration > 150 else [])
    rng.shuffle(kinds)
    lengths = [
        float(np.clip(rng.lognormal(np.log(14), 0.5), 7.5, 38)) if k > 0 else float(rng.uniform(12, 20)) for k in kinds
    ]
    free = duration - 15 - sum(lengths) - 12 * len(kinds)
    if free < 0:
        lengths = [max(7.0, x * 0.4) for x in lengths]
        free = max(0.0, duration - 15 - sum(lengths) - 12 * len(kinds))
    breaks = rng.dirichlet(np.full(len(kinds) + 1, 1.5)) * free
    out, t = [], 12.0
    for kind, length, pause in zip(kinds, lengths, breaks, strict=False):
        t += pause
        cm = kind * float(rng.uniform(8.5, 12.0) if kind > 0 else rng.uniform(8.0, 10.0))
        out.append(Lean(t, t + length, cm, float(rng.uniform(1.0, 1.5))))
        t += length + 12
    return [lean for lean in out if lean.end < duration - 1.5]


def smiles(rng: np.random.Generator, duration: float) -> tuple[list[Smile], list[Smile]]:
    """Smiles of both; a third of those begun by one are answered by the other, all other onsets lie > 3 s
    apart."""
    out: tuple[list[Smile], list[Smile]] = ([], [])

    def one(onset: float, answers: float | None) -> Smile:
        rise = float(rng.uniform(0.4, 0.6))
        length = float(np.clip(rng.lognormal(np.log(2.4), 0.3), 1.6, 3.6 if answers is not None else 4.0))
        return Smile(onset, onset + length, float(rng.uniform(0.5, 1.0)), rise, float(rng.normal(0, 0.07)), answers)

    t = float(rng.uniform(4, 9))
    while t < duration - 7:
        who = int(rng.random() < 0.5)
        out[who].append(one(t, None))
        if rng.random() < 0.36:
            delay = float(np.clip(rng.lognormal(np.log(0.8), 0.45), 0.3, 1.6))
            out[1 - who].append(one(t + delay, t))
        t += 5.6 + float(rng.exponential(5.2))
    return out


def slow_noise(rng: np.random.Generator, times: np.ndarray, sd: float, tau: float, step: float = 1.0) -> np.ndarray:
    """AR(1) noise with standard deviation `sd` and time constant `tau` [s], made smooth between steps."""
    count = int(times[-1] / step) + 4
    phi = np.exp(-step / tau)
    values = np.empty(count)
    values[0] = rng.normal(0, sd)
    kicks = rng.normal(0, sd * np.sqrt(1 - phi**2), count)
    for i in range(1, count):
        values[i] = phi * values[i - 1] + kicks[i]
    place = times / step + 1
    i = np.floor(place).astype(int)
    f = place - i
    a, b, c, d = (values[np.clip(i + k, 0, count - 1)] for k in (-1, 0, 1, 2))
    # uniform cubic B-spline: twice continuously differentiable, so nobody jerks
    return ((1 - f) ** 3 * a + (3 * f**3 - 6 * f**2 + 4) * b + (-3 * f**3 + 3 * f**2 + 3 * f + 1) * c + f**3 * d) / 6


def minute_shares(rng: np.random.Generator, minutes: int) -> np.ndarray:
    """Intended shares at the partner, spread from 15 to 85 % over the minutes in random order."""
    shares = np.linspace(0.15, 0.85, max(2, minutes))[:minutes] + rng.uniform(-0.02, 0.02, minutes)
    return rng.permutation(np.clip(shares, 0.13, 0.87))

"""What a smile does to the measured height of gaze is found and taken out; what people do while smiling is not."""

import numpy as np
import pytest

from cues.metrics.smile_shift import smile_shift
from cues.parameters import Gaze

RATE, GAZE = 10.0, Gaze()
TIME = np.arange(0, 300, 1 / RATE)


def smiles(rng, count):
    """Strength (n,) of `count` smiles of about three seconds, each rising and falling within half a second."""
    strength = np.zeros(len(TIME))
    for start in np.linspace(10, 280, count) + rng.uniform(-4, 4, count):
        rise = np.clip((TIME - start) / 0.5, 0, 1)
        fall = np.clip((start + rng.uniform(2.5, 4) - TIME) / 0.5, 0, 1)
        strength = np.maximum(strength, rng.uniform(0.5, 0.9) * np.minimum(rise, fall))
    return strength


def looks(rng, places=(-8.0, -28.0, 12.0)):
    """Height of gaze [deg] at places looked at for a few seconds each, with noise."""
    height, at = np.empty(len(TIME)), 0
    while at < len(TIME):
        length = int(rng.uniform(1, 6) * RATE)
        height[at : at + length] = rng.choice(places, p=(0.6, 0.2, 0.2))
        at += length
    return height + rng.normal(0, 1.5, len(TIME))


@pytest.mark.parametrize("true", [-6.0, -3.0, 4.0])
def test_the_shift_of_a_full_smile_is_found_among_looks_elsewhere(true):
    rng = np.random.default_rng(1)
    strength = smiles(rng, 20)
    assert smile_shift(looks(rng) + true * strength, strength, RATE, GAZE) == pytest.approx(true, abs=1.2)


def test_missing_samples_do_not_hinder():
    rng = np.random.default_rng(2)
    strength = smiles(rng, 25)
    height = looks(rng) - 5.0 * strength
    height[rng.random(len(TIME)) < 0.15] = np.nan
    assert smile_shift(height, strength, RATE, GAZE) == pytest.approx(-5.0, abs=1.2)


def test_without_a_shift_there_is_none_whatever_the_places():
    found = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        found.append(smile_shift(looks(rng), smiles(rng, 20), RATE, GAZE))
    assert np.mean(np.abs(found)) < 0.3


def test_looking_to_the_partner_with_each_smile_is_no_shift():
    """From notes 20 degrees below to the partner as a smile begins, and back as it ends."""
    rng = np.random.default_rng(3)
    strength = smiles(rng, 20)
    height = np.where(strength > 0.1, -8.0, -28.0) + rng.normal(0, 1.5, len(TIME))
    assert smile_shift(height, strength, RATE, GAZE) == 0.0


def test_too_few_smiles_and_no_smiles_and_no_samples_give_none():
    rng = np.random.default_rng(4)
    few = smiles(rng, 3)
    assert smile_shift(looks(rng) - 6 * few, few, RATE, GAZE) == 0.0
    assert smile_shift(looks(rng), np.zeros(len(TIME)), RATE, GAZE) == 0.0
    assert smile_shift(np.full(len(TIME), np.nan), few, RATE, GAZE) == 0.0
    assert smile_shift(np.zeros(3), np.zeros(3), RATE, GAZE) == 0.0

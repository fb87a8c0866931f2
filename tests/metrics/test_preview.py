"""Shares from short looks all over a session: near those of the whole, and the nearer the more is read."""

from dataclasses import replace

import pyarrow as pa
import pytest

from cues.corrections import Corrections
from cues.metrics.preview import EYE_CONTACT, SMILING, Share, session_shares
from cues.metrics.session import measure_session
from cues.observations import Observations
from cues.parameters import Parameters
from tests.made_session import made_session

MINUTES, RATE_HZ = 12, 10.0
PARAMETERS = Parameters()
EACH_S = MINUTES * 60 / PARAMETERS.preview.pieces


@pytest.fixture(scope="module")
def whole() -> Observations:
    return made_session(MINUTES).observations


def seen(whole: Observations, parts_read: int) -> Observations:
    """One look in each part; the first ones read whole."""

    def part(table: pa.Table) -> pa.Table:
        time = table["time"].to_numpy()
        kept = (time % EACH_S < PARAMETERS.preview.piece_s - 1e-3) | (time < parts_read * EACH_S)
        return table.filter(pa.array(kept))

    return replace(whole, table=part(whole.table), scene=part(whole.scene), sound=None)


def shares(observations: Observations) -> dict[tuple[int, str], Share]:
    measured = measure_session(observations, Corrections(), PARAMETERS).measured
    found = session_shares(measured, MINUTES * 60.0, RATE_HZ, PARAMETERS.preview)
    return {(share.person, share.cue): share for share in found}


def test_looks_tell_the_whole_within_their_interval_which_vanishes_when_all_is_read(whole: Observations) -> None:
    true, glanced, half = shares(whole), shares(seen(whole, 0)), shares(seen(whole, 45))
    assert set(true) == {(person, cue) for person in (0, 1) for cue in (EYE_CONTACT, SMILING)}
    for share in true.values():
        assert share.pct == pytest.approx(share.low_pct) == pytest.approx(share.high_pct)
    told = [key for key, share in glanced.items() if share.pct is not None]
    assert len(told) >= 3  # of looks alone a second place could be the partner for one of the two
    for key in told:
        widths = [s[key].high_pct - s[key].low_pct for s in (glanced, half)]
        assert widths[0] > widths[1] > 0
        assert glanced[key].low_pct <= true[key].pct <= glanced[key].high_pct


def test_a_share_that_cannot_be_told_says_why(whole: Observations) -> None:
    few = replace(PARAMETERS, preview=replace(PARAMETERS.preview, pieces=20))
    time = whole.table["time"].to_numpy()
    kept = pa.array(time % (MINUTES * 3) < 1)  # 20 s: too little to know where anybody looks
    short = replace(whole, table=whole.table.filter(kept), scene=whole.scene.filter(kept), sound=None)
    measured = measure_session(short, Corrections(), few).measured
    found = session_shares(measured, MINUTES * 60.0, RATE_HZ, few.preview)
    [eyes] = [share for share in found if (share.person, share.cue) == (0, EYE_CONTACT)]
    assert eyes.pct is None and "60 s are needed" in eyes.reason

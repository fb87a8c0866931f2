"""Agreement against figures computed another way."""

import random

import numpy as np
import pytest

from cues.review.agreement import agreement, cohens_kappa, wilson


def test_kappa_of_a_table_worked_by_hand():
    """20 both yes, 5 and 10 one of them, 15 both no: p = .7, e = .5 (an example found in many textbooks)."""
    one = np.repeat([True, True, False, False], [20, 5, 10, 15])
    other = np.repeat([True, False, True, False], [20, 5, 10, 15])
    assert cohens_kappa(one, other) == pytest.approx(0.4)


def test_kappa_is_none_where_chance_alone_agrees_always():
    assert cohens_kappa(np.ones(5, bool), np.ones(5, bool)) is None
    assert cohens_kappa(np.zeros(0, bool), np.zeros(0, bool)) is None
    assert cohens_kappa(np.ones(5, bool), np.zeros(5, bool)) == 0.0


def test_two_views_against_a_count_of_every_frame():
    drawn = random.Random(4)
    for _ in range(20):
        views = []
        for _ in range(2):
            edges = sorted(round(drawn.uniform(0, 100), 2) + 0.003 for _ in range(10))
            views.append(list(zip(edges[::2], edges[1::2], strict=True)))
        found = agreement(*views, [(0.0, 50.0), (60.0, 100.0)])
        assert found.kappa == pytest.approx(_kappa_by_counting(*views))
        both = sum(_overlap(x, y) > 0.5 for x in _inside(views[0]) for y in _inside(views[1]))
        assert found.matched == both
        assert found.f1 == pytest.approx(2 * both / (len(_inside(views[0])) + len(_inside(views[1]))))


def test_ends_that_differ_by_less_than_the_collar_are_no_disagreement():
    one, other = [(10.0, 20.0)], [(10.2, 19.8)]
    assert agreement(one, other, [(0.0, 60.0)]).kappa == 1.0
    assert agreement(one, other, [(0.0, 60.0)], collar_s=0.0).kappa < 1.0


def test_nothing_to_compare_is_told_as_nothing():
    found = agreement([], [], [(0.0, 60.0)])
    assert (found.kappa, found.f1, found.frames) == (None, None, 600)
    assert agreement([], [], []).frames == 0


@pytest.mark.parametrize(
    ("hits", "of", "low", "high"), [(0, 10, 0.0, 0.2775), (5, 10, 0.2366, 0.7634), (10, 10, 0.7225, 1.0), (0, 0, 0, 1)]
)
def test_intervals_of_shares(hits, of, low, high):
    """From the table of Wilson's interval in Newcombe (1998), Statistics in Medicine 17, 857-872."""
    assert wilson(hits, of) == pytest.approx((low, high), abs=5e-4)


def _kappa_by_counting(one, other):
    table = {(a, b): 0 for a in (0, 1) for b in (0, 1)}
    edges = [edge for view in (one, other) for stretch in view for edge in stretch]
    for k in [*range(500), *range(600, 1000)]:
        time = (k + 0.5) / 10
        if min(abs(time - edge) for edge in edges) >= 0.25:
            table[tuple(int(any(a <= time < b for a, b in view)) for view in (one, other))] += 1
    n = sum(table.values())
    same = (table[0, 0] + table[1, 1]) / n
    yes_one, yes_other = (table[1, 0] + table[1, 1]) / n, (table[0, 1] + table[1, 1]) / n
    chance = yes_one * yes_other + (1 - yes_one) * (1 - yes_other)
    return (same - chance) / (1 - chance)


def _inside(view):
    return [s for s in view if not 50 <= sum(s) / 2 < 60]


def _overlap(x, y):
    common = max(0.0, min(x[1], y[1]) - max(x[0], y[0]))
    return common / (max(x[1], y[1]) - min(x[0], y[0]))

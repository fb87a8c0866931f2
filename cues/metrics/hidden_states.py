"""What a process that changes seldom is doing, from evidence at every step: forward-backward over few states.

Source: Rabiner, A tutorial on hidden Markov models, Proc. IEEE 77 (1989). Long series are cut into pieces that are
worked through side by side, each begun `REACH` steps early and ended as late: what lies further away than that has no
influence left where states change within seconds.
"""

import numpy as np

PIECE = 500
REACH = 150


def state_probabilities(likely: np.ndarray, change: np.ndarray) -> np.ndarray:
    """Probability of each state at each step, (n, k), given all evidence.

    likely (n, k): how likely the evidence of a step is in each state, up to a factor. change (k, k): probability of a
    state (column) one step after another (row). Before the evidence the process has long been under way.
    """
    count, k = likely.shape
    if count == 0:
        return np.zeros((0, k))
    pieces = -(-count // PIECE)
    padded = np.ones((pieces * PIECE + 2 * REACH, k))
    padded[REACH : REACH + count] = likely / likely.max(1, keepdims=True)
    rows = np.arange(pieces)[:, None] * PIECE + np.arange(PIECE + 2 * REACH)
    evidence = padded[rows]
    forward, backward = np.empty_like(evidence), np.empty_like(evidence)
    now = np.full((pieces, k), 1 / k)
    for i in range(evidence.shape[1]):
        now = (now @ change) * evidence[:, i]
        now /= now.sum(1, keepdims=True)
        forward[:, i] = now
    now = np.ones((pieces, k))
    for i in range(evidence.shape[1] - 1, -1, -1):
        backward[:, i] = now
        now = (now * evidence[:, i]) @ change.T
        now /= now.sum(1, keepdims=True)
    both = forward * backward
    both /= both.sum(2, keepdims=True)
    return both[:, REACH : REACH + PIECE].reshape(-1, k)[:count]

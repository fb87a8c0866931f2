"""Practice sessions rendered with exact truth: pictures, sessions and their truth from a face model and a
seed."""

from .identity import Identity, client, from_seed, trainee
from .person import Camera, State, exact, render

__all__ = ["Camera", "Identity", "State", "client", "exact", "from_seed", "render", "trainee"]

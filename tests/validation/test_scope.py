"""Where renders are kept."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.validation.scope import Scope


def test_two_that_render_the_same_at_once_both_find_it_whole(tmp_path: Path) -> None:
    scope, both = Scope(cache=tmp_path / "cache"), threading.Barrier(2, timeout=60)

    def make(folder: Path) -> None:
        (folder / "first").write_text("made")
        both.wait()
        assert (folder / "first").exists(), "the other one removed it"
        (folder / "second").write_text("made")

    with ThreadPoolExecutor(2) as threads:
        found = [one.result() for one in [threads.submit(scope.rendered, "call", {"seed": 1}, make) for _ in range(2)]]
    assert found[0] == found[1] and sorted(path.name for path in found[0].iterdir()) == ["first", "second"]
    assert list(scope.cache.iterdir()) == [found[0]]

"""What one round of a fault came to, and the table of all of them."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

RESULTS = Path(__file__).with_name("RESULTS.md")
_HEAD = "| fault | rounds | held | on disk right after | what a person sees | what the restart does |"


@dataclass
class Outcome:
    """One round, in words that are the same where the same was observed. broken: what did not hold; empty is right."""

    fault: str
    on_disk: str = ""
    seen: str = ""
    restart: str = ""
    broken: list[str] = field(default_factory=list)

    def check(self, holds: bool, otherwise: str) -> None:
        """Notes what did not hold; the round goes on, so that everything wrong with it is known."""
        if not holds:
            self.broken.append(otherwise)


def write_results(outcomes: Iterable[Outcome], how: str) -> str:
    """Writes RESULTS.md: a row for each fault, with how often each thing was observed. Its text."""
    rows: dict[str, list[Outcome]] = {}
    for one in outcomes:
        rows.setdefault(one.fault, []).append(one)
    lines = ["# Faults and what came of them", "", how, "", _HEAD, "|---" * 6 + "|"]
    for fault, rounds in rows.items():
        held = sum(not one.broken for one in rounds)
        cells = [_counted(getattr(one, name) for one in rounds) for name in ("on_disk", "seen", "restart")]
        lines.append(f"| {fault} | {len(rounds)} | {held} | {' | '.join(cells)} |")
    total = sum(len(rounds) for rounds in rows.values())
    broken = Counter(f"{one.fault}: {what}" for rounds in rows.values() for one in rounds for what in one.broken)
    lines += ["", f"{total} rounds; {len(broken)} kinds of things that did not hold."]
    lines += [f"- {what} ({count} times)" for what, count in broken.most_common()]
    text = "\n".join(lines) + "\n"
    RESULTS.write_text(text)
    return text


def _counted(words: Iterable[str]) -> str:
    counts = Counter(word for word in words if word)
    return "; ".join(word if len(counts) == 1 else f"{word} ({count})" for word, count in counts.most_common())

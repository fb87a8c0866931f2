"""What the suite found: figures with interval, number and target; their files, RESULTS.md and the README's table.

Every part's figures are kept in a JSON file of their own (`results/<part>.json`), so that a part can be run alone and
the documents still show all of them. The documents are written from these files and from nothing else.
"""

import json
import platform
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path

HERE = Path(__file__).parent
RESULTS = HERE / "results"
DOCUMENT = HERE / "RESULTS.md"
README = HERE.parent.parent / "README.md"
TABLE_START, TABLE_END = "<!-- figures: written by make validate -->", "<!-- figures: end -->"
SOFTWARE = ("ai-edge-litert", "opencv-contrib-python", "numpy", "scipy", "av")


@dataclass(frozen=True)
class Figure:
    """One figure. `low` and `high` bound its 95 % interval (None where it has none), `n` says of how many what.

    `target` is what was asked for in words, `reached` whether it was (None where nothing was asked). `headline` names
    the row of the README's table that it fills, in plain words; empty for figures that only RESULTS.md shows.
    """

    name: str
    value: float | str
    unit: str = ""
    low: float | None = None
    high: float | None = None
    n: str = ""
    target: str = ""
    reached: bool | None = None
    note: str = ""
    headline: str = ""

    @property
    def said(self) -> str:
        """Value, unit and interval as one reads them."""
        if isinstance(self.value, str):
            return self.value
        unit = f" {self.unit}" if self.unit else ""
        interval = "" if self.low is None or self.high is None else f" [{_digits(self.low)} to {_digits(self.high)}]"
        return f"{_digits(self.value)}{unit}{interval}"


@dataclass(frozen=True)
class PartResult:
    """All figures of one part.

    `about`: what was run, in plain words. `chosen_on` and `reported_on`: identities, seeds or dyads that parameters
    were chosen on, and those that the figures stand for. `skipped`: what was not run, and why. `plots`: file names in
    `results/` with a caption.
    """

    part: str
    title: str
    about: str
    figures: list[Figure]
    chosen_on: str = "nothing"
    reported_on: str = ""
    skipped: list[str] = field(default_factory=list)
    plots: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0


def save(result: PartResult, folder: Path = RESULTS) -> None:
    """Writes the part's file."""
    folder.mkdir(exist_ok=True)
    content = {**asdict(result), "software": software()}
    (folder / f"{result.part}.json").write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n")


def load(part: str, folder: Path = RESULTS) -> tuple[PartResult, dict[str, str]] | None:
    """A part's result and the software that it was measured with; None where it was never run."""
    path = folder / f"{part}.json"
    if not path.exists():
        return None
    content = json.loads(path.read_text())
    versions = content.pop("software")
    return PartResult(**{**content, "figures": [Figure(**f) for f in content["figures"]]}), versions


def software() -> dict[str, str]:
    """Names and versions that the figures depend on."""
    return {"python": platform.python_version(), **{name: version(name) for name in SOFTWARE}}


def write_documents(parts: list[str], document: Path = DOCUMENT, readme: Path = README) -> None:
    """RESULTS.md whole, and the README's table between its two marks."""
    known = [found for part in parts if (found := load(part)) is not None]
    document.write_text(_document(known))
    text = readme.read_text()
    before, rest = text.split(TABLE_START)
    after = rest.split(TABLE_END)[1]
    rows = [f for result, _ in known for f in result.figures if f.headline]
    readme.write_text(before + TABLE_START + "\n" + _table(rows) + TABLE_END + after)


def _table(rows: list[Figure]) -> str:
    lines = ["| what | figure | asked | of |", "|---|---|---|---|"]
    for f in rows:
        mark = {True: "", False: " **not reached**", None: ""}[f.reached]
        lines.append(f"| {f.headline} | {f.said} | {f.target}{mark} | {f.n} |")
    return "\n".join(lines) + "\n"


def _document(known: list[tuple[PartResult, dict[str, str]]]) -> str:
    lines = [
        "# Results of the validation suite",
        "",
        "Written by `make validate`; every figure can be had again with `python -m tests.validation PART`. "
        "What is rendered is not a person: see [README.md](README.md). Intervals are 95 %.",
    ]
    for result, versions in known:
        lines += ["", f"## {result.title}", "", result.about, ""]
        lines += [f"Chosen on: {result.chosen_on}.  ", f"Reported on: {result.reported_on}."]
        lines += ["", "| figure | value | n | asked | reached | note |", "|---|---|---|---|---|---|"]
        for f in result.figures:
            reached = {True: "yes", False: "**no**", None: ""}[f.reached]
            lines.append(f"| {f.name} | {f.said} | {f.n} | {f.target} | {reached} | {f.note} |")
        for skipped in result.skipped:
            lines += ["", f"Skipped: {skipped}"]
        for name, caption in result.plots.items():
            lines += ["", f"![{caption}](results/{name})", "", caption]
        said = ", ".join(f"{name} {number}" for name, number in versions.items())
        lines += ["", f"Measured with {said}; {result.seconds:.0f} s."]
    return "\n".join(lines) + "\n"


def _digits(value: float) -> str:
    if value != 0 and abs(value) < 0.1:
        return f"{value:.3f}"
    return f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}"

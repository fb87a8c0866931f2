"""How right the figures are, as the validation suite last measured it: the README's table, for the report."""

import json
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).resolve().parents[2] / "tests" / "validation" / "results"


def validation_rows(folder: Path = RESULTS) -> list[dict[str, str]]:
    """Rows "what", "figure", "of" of all that the suite puts into the README; none where it is not there."""
    rows = []
    for path in sorted(folder.glob("*.json")):
        figures: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["figures"]
        rows += [
            {"what": _in_plain_words(f["headline"]), "figure": _said(f), "of": f["n"]} for f in figures if f["headline"]
        ]
    return rows


def _in_plain_words(headline: str) -> str:
    """People read of shared smiles, not of mirroring."""
    return headline.replace("Mirroring from", "Shared smiles from").replace("called mirroring", "called shared smiles")


def _said(figure: dict[str, Any]) -> str:
    """Value, unit, interval, and whether what was asked for was missed."""
    value = figure["value"]
    if isinstance(value, str):
        return value
    unit = f" {figure['unit']}" if figure["unit"] else ""
    interval = ""
    if figure["low"] is not None and figure["high"] is not None:
        interval = f" [{_digits(figure['low'])} to {_digits(figure['high'])}]"
    missed = f" (asked: {figure['target']}, not reached)" if figure["reached"] is False else ""
    return f"{_digits(value)}{unit}{interval}{missed}"


def _digits(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 10 or value == int(value) else f"{value:.2f}"

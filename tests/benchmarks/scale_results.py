"""SCALE.md: each benchmark of scale writes its own part of it, between two marks."""

from pathlib import Path

RESULTS = Path(__file__).with_name("SCALE.md")


def put(part: str, text: str) -> str:
    """Replaces a part, or adds it at the end; the part as it was written."""
    begin, end = f"<!-- {part} -->", f"<!-- /{part} -->"
    written = f"{begin}\n{text}\n{end}\n"
    there = RESULTS.read_text() if RESULTS.exists() else "# How it scales\n"
    if begin in there:
        before, _, rest = there.partition(begin)
        there = before + written + rest.partition(end)[2].lstrip("\n")
    else:
        there = f"{there.rstrip()}\n\n{written}"
    RESULTS.write_text(there)
    return written

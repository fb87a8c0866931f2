"""The record of deeds is in words that people read."""

import ast
from pathlib import Path

from cues.library.deeds import WORDS, in_words
from cues.library.models import Deed

CUES = Path(__file__).resolve().parents[2] / "cues"
KNOWN = {"OPENED": "open hand-over", "_ADDED": "add sample", "VIEW_REPORT": "view report"}
KNOWN |= {"SESSION": "delete", "PERSON": "delete person"}


def recorded(node):
    """The actions that a call of `record` may write."""
    if isinstance(node, ast.Constant):
        return [node.value]
    if isinstance(node, ast.IfExp):
        return [*recorded(node.body), *recorded(node.orelse)]
    return [KNOWN[node.attr if isinstance(node, ast.Attribute) else node.id]]


def test_everything_that_is_recorded_has_words():
    found = set()
    for path in CUES.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "record" and len(node.args) > 2:
                found |= set(recorded(node.args[2]))
    assert found == set(WORDS)


def test_an_export_says_what_left_and_a_deletion_why():
    assert in_words(Deed(action="export", details={"format": "report.pdf"})) == "took a file out: report.pdf"
    assert in_words(Deed(action="delete", details={"why": "consent withdrawn"})).endswith(": consent withdrawn")
    assert in_words(Deed(action="comment", details={})) == "wrote a comment"

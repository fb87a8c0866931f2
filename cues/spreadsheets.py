"""Texts that people wrote, in tables that a spreadsheet opens."""

from typing import Any

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # wide forms, too


def harmless(value: Any) -> Any:
    """A text that a spreadsheet would take for a formula is preceded by an apostrophe (OWASP, CSV injection); figures
    stay figures."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value

"""WebVTT beside the recording: a chapter for every minute, and the trainee's and client's episodes as captions.

Source: W3C, WebVTT: The Web Video Text Tracks Format. Text is escaped; a cue's text has no line break of its own.
"""

from cues.export.content import Content, Row

_FIGURES = (
    ("eye contact", "eye_contact_pct"),
    ("head toward the partner", "facing_pct"),
    ("leaning forward", "lean_forward_pct"),
    ("smiling", "smile_pct"),
)


def chapters(content: Content) -> bytes:
    """A chapter per minute with the trainee's figures; a dash where there is none."""
    cues = []
    for row in content.minutes:
        if row["role"] == "trainee":
            told = [f"{name} {_percent(row[column])}" for name, column in _FIGURES if column in row]
            cues.append((row["start_s"], row["end_s"], f"Minute {row['minute']}: {', '.join(told)}"))
    return _vtt(cues)


def episodes_as_cues(content: Content) -> bytes:
    """A caption per episode."""
    return _vtt([(e["start"], e["end"], _named(e)) for e in content.episodes])


def _named(episode: Row) -> str:
    return f"{episode['role']}: {episode['kind'].replace('_', ' ')}"


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{value:.0f} %"


def _vtt(cues: list[tuple[float, float, str]]) -> bytes:
    parts = ["WEBVTT\n"]
    for start, end, text in cues:
        if end > start:
            parts.append(f"{_clock(start)} --> {_clock(end)}\n{_escaped(text)}\n")
    return "\n".join(parts).encode()


def _escaped(text: str) -> str:
    flat = " ".join(text.split())
    return flat.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _clock(time: float) -> str:
    total = round(1000 * time)
    return f"{total // 3600000:02d}:{total // 60000 % 60:02d}:{total // 1000 % 60:02d}.{total % 1000:03d}"

"""How to place camera, window and light: one page of drawings, for st.html."""

from cues.web.drawings import as_picture

_MARK = "#2F7FB8"


def camera_guide(ink: str) -> str:
    """HTML with six small drawings, each with one sentence; `ink` is the colour of their lines."""
    cards = "".join(_card(*one, ink) for one in _ALL)
    return (
        f'<div style="display:grid;grid-template-columns:repeat(auto-fit,minmax(230px,1fr));gap:1.5rem">{cards}</div>'
    )


def _card(drawing: str, title: str, sentence: str, ink: str) -> str:
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 220 130" width="440" height="260" fill="none" '
        f'stroke="{ink}" stroke-width="2" stroke-linecap="round" stroke-linejoin="round">{drawing}</svg>'
    )
    caption = f"<figcaption><strong>{title}.</strong> {sentence}</figcaption>"
    return f'<figure style="margin:0">{as_picture(svg, title)}{caption}</figure>'


def _screen(x: float, y: float, width: float = 70, height: float = 46) -> str:
    foot = x + width / 2
    return (
        f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="3"/>'
        f'<path d="M{foot} {y + height}v12M{foot - 14} {y + height + 12}h28"/>'
        f'<circle cx="{foot}" cy="{y - 5}" r="3" fill="{_MARK}" stroke="{_MARK}"/>'
    )


def _head(x: float, y: float, r: float = 17) -> str:
    return f'<circle cx="{x}" cy="{y}" r="{r}"/><path d="M{x - 1.7 * r} {y + 3 * r}q{1.7 * r} {-2.6 * r} {3.4 * r} 0"/>'


_LEVEL = (
    '<rect x="20" y="45" width="8" height="50" rx="2"/><circle cx="24" cy="40" r="4" '
    f'fill="{_MARK}" stroke="{_MARK}"/>{_head(160, 44)}'
    f'<path d="M30 40H140" stroke="{_MARK}" stroke-dasharray="4 4"/>'
)
_WINDOW = (
    f'{_screen(45, 25, 130, 74)}<rect x="92" y="28" width="36" height="27" rx="2" stroke="{_MARK}" fill="{_MARK}" '
    'fill-opacity=".25"/><path d="M55 66h50M55 76h70M55 86h40" opacity=".5"/>'
)
_CLOSE = (
    f'{_screen(15, 35)}{_head(165, 50, 20)}<path d="M92 112H142M92 112l7 -5M92 112l7 5M142 112l-7 -5M142 112l-7 5" '
    f'stroke="{_MARK}"/>'
)
_LIGHT = (
    f'{_screen(15, 40)}{_head(170, 58)}<circle cx="62" cy="14" r="8" stroke="{_MARK}" fill="{_MARK}" '
    f'fill-opacity=".25"/><path d="M78 20l60 26M76 28l58 34" stroke="{_MARK}" stroke-dasharray="4 4"/>'
)
_FRAMING = (
    '<rect x="40" y="14" width="140" height="100" rx="4"/><path d="M62 30h20M62 30v16M158 30h-20M158 30v16M62 98h20M62 '
    f'98v-16M158 98h-20M158 98v-16" opacity=".5"/>{_head(110, 58, 15)}<path d="M38 116L182 12" stroke="{_MARK}"/>'
)
_ROOM = (
    f'<circle cx="55" cy="34" r="14"/><circle cx="165" cy="34" r="14"/><path d="M69 40l18 10M151 40l-18 10"/>'
    f'<path d="M110 118l-40 -66M110 118l40 -66" stroke="{_MARK}" stroke-dasharray="4 4"/>'
    f'<circle cx="110" cy="118" r="5" fill="{_MARK}" stroke="{_MARK}"/>'
)

_ALL = (
    (_LEVEL, "Lens at eye height", "Put a laptop on books. Seen from below, lids hide the eyes."),
    (
        _WINDOW,
        "Your client right under the lens",
        "Move the window to the top of the screen, away from notes and your own picture: what lies close together "
        "cannot be told apart.",
    ),
    (
        _CLOSE,
        "An arm's length and a bit",
        "50 to 80 cm. The face fills a third of your tile; a small face gives the head's direction only.",
    ),
    (_LIGHT, "Light from the front", "A window or lamp behind the screen, none behind you."),
    (
        _FRAMING,
        "No automatic framing, no background filter",
        "A camera that follows you hides every lean. Record both people side by side, in the largest size.",
    ),
    (
        _ROOM,
        "Two chairs in one room",
        "One camera between you sees both faces at an angle, so less can be measured. Better: a camera in front of "
        "each of you, and two files.",
    ),
)

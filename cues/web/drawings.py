"""Drawings of our own in pages: SVG as pictures, because Streamlit takes SVG out of HTML."""

import base64
from html import escape


def as_picture(svg: str, told: str, style: str = "width:100%") -> str:
    """An <img> for st.html with a whole SVG document; `told` is its text alternative."""
    data = base64.b64encode(svg.encode()).decode()
    return f'<img src="data:image/svg+xml;base64,{data}" alt="{escape(told)}" style="{style}">'

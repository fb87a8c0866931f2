"""Files of a session to take away."""

from html import escape
from typing import TYPE_CHECKING

import streamlit as st

from cues.web.export_routes import FORMATS, export_address
from cues.web.report_file import report_address

if TYPE_CHECKING:
    from cues.web.views.session import Opened


def show(opened: "Opened") -> None:
    """A link for every format, with what it is for."""
    with st.expander("Take it out of the tool"):
        st.write(
            "Files for spreadsheets, statistics, video players, ELAN and BORIS. What is taken out is on record, and is "
            "no longer protected by this tool: keep it as you would keep the recording."
        )
        report = f'<a href="{report_address(opened.session.id)}" target="_self">report.pdf</a>'
        lines = [
            f"<li>{report}: the report to print; faces are hidden in its pictures unless each person agreed to show "
            "theirs</li>"
        ]
        lines += [
            f'<li><a href="{export_address(opened.session.id, what)}" target="_self">{escape(form.file_name)}</a>: '
            f"{escape(form.words)}</li>"
            for what, form in FORMATS.items()
            if opened.mine or not form.own
        ]
        st.html(f"<ul>{''.join(lines)}</ul>")

"""What every page carries unseen: it asks whether its sign-in still holds, and leaves where it does not.

It asks when somebody comes back to the tab, and every 20 s while it is in sight.
"""

from pathlib import Path

import streamlit as st

from cues.web.gate import SIGN_IN, SIGNED_IN

_KEY = "still-signed-in"
HIDDEN = f".st-key-{_KEY} {{display: none}}"
"""The style that keeps it out of the page's layout."""

_component = st.components.v2.component(
    "cues_still_signed_in",
    html="<span></span>",
    js=Path(__file__).with_suffix(".js").read_text(encoding="utf-8"),
)


def still_signed_in(uid: str) -> None:
    """Mounts it for the account that the page is made for."""
    with st.container(key=_KEY):
        _component(key=f"{_KEY}-asks", data={"address": SIGNED_IN, "signIn": SIGN_IN, "account": uid})

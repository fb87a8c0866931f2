"""The pages, as Streamlit runs them for every visit: who is signed in decides which there are."""

import streamlit as st

from cues.web import views
from cues.web.components.still_signed_in import HIDDEN, still_signed_in
from cues.web.views.addresses import SESSION, VIEWED
from cues.web.views.asking import forget_elsewhere
from cues.web.visiting import visitor

# Less empty room above, figures below one another, and small print that is dark enough to read.
_STYLE = f"""<style>
.stMainBlockContainer {{padding-top: 4.5rem; max-width: 61rem}}
h1 {{font-size: clamp(1.8rem, 5vw, 2.6rem) !important}}
[data-testid="stPageLink"] a {{padding-left: 0}}
h2 {{font-size: 1.55rem !important}} h3 {{font-size: 1.2rem !important}}
.stTable td {{white-space: nowrap; font-variant-numeric: tabular-nums}}
[data-testid="stCaptionContainer"] {{color: inherit; opacity: 0.8}}
{HIDDEN}
</style>"""


def site() -> None:
    """One page of the application."""
    st.set_page_config(page_title="Cues", layout="wide", initial_sidebar_state="collapsed")
    st.html(_STYLE)
    account = visitor()
    if account is None:
        st.title("Signed out")
        st.html('<a href="/sign-in" target="_self">Sign in again</a>, then go on where you were.')
        return
    still_signed_in(account.uid)
    page = st.navigation(views.pages_for(account), position="top")
    if page.url_path != SESSION:
        st.session_state.pop(VIEWED, None)  # whoever opens a session after this looks at it once more
    forget_elsewhere(page.url_path)
    page.run()


site()

"""A file that is being made, on a page: how far it is, then where it is fetched."""

import streamlit as st

from cues.web.made_files import Made, address, found
from cues.web.sentences import plain


def show_made(key: str, account_id: int) -> None:
    """The file whose token waits in the session state under `key`; nothing where none was asked for."""
    token = st.session_state.get(key)
    if token is None:
        return
    one = found(token, account_id)
    if one is not None and not one.whole and one.problem is None:
        _wait(token, account_id)
    elif one is not None and one.problem is not None:
        st.error(plain(one.problem))
    elif one is not None:
        _link(one)
    else:
        st.caption("The file was fetched, or is too old. Make it again if you need it once more.")


def _wait(token: str, account_id: int) -> None:
    @st.fragment(run_every=0.5)
    def looked_at() -> None:
        one = found(token, account_id)
        if one is None or one.whole or one.problem is not None:
            st.rerun()
        st.progress(min(one.share, 1.0), text="Making the file …")

    looked_at()


def _link(one: Made) -> None:
    megabytes = one.path.stat().st_size / 1e6 if one.path.exists() else 0.0
    size = f"{megabytes:.0f} MB" if megabytes >= 1 else "less than 1 MB"
    st.html(f'<a href="{address(one.work.token)}" target="_self" download>Download the file</a> ({size})')
    st.caption("The link works once, for an hour, and for you alone.")

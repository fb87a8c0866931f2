"""Before any session: a short test recording says for each cue whether it will work, and what to change first."""

import streamlit as st

from cues.jobs.probing import is_looked_at, portrait, read_probe
from cues.web.camera_guide import camera_guide
from cues.web.components.drop_zone import drop_zone
from cues.web.report import page_ink
from cues.web.running import SUFFIXES, check_folder
from cues.web.sentences import clock, plain
from cues.web.session_routes import check_portrait_address
from cues.web.views.verdicts import Row, first_change, verdict_line
from cues.web.visiting import visitor

_LARGEST = 500_000_000


def page() -> None:
    """The check, then the guide."""
    account = visitor()
    if account is None:
        return
    st.title("Check my setup")
    st.write(
        "Record about 20 seconds the way you will record your session, with somebody on the other end if you can, and "
        "drop it here. The recording is deleted as soon as it was looked at."
    )
    drop_zone(f"check-{account.id}", "", SUFFIXES, _LARGEST, 1, _come_in)
    folder = check_folder(account.id)
    found = read_probe(folder)
    if st.session_state.get("checking") and (found is None or is_looked_at(folder)):  # it ends by deleting
        _wait(account.id)
    elif found is not None:
        _result(account.id, found)
    st.header("Camera guide")
    st.html(camera_guide(page_ink()))


def _come_in() -> None:
    st.session_state["checking"] = True


def _wait(account_id: int) -> None:
    @st.fragment(run_every=1.0)
    def waiting() -> None:
        if is_looked_at(check_folder(account_id)):  # asked first: a look writes, then ends
            st.caption("Looking at it …")
        elif read_probe(check_folder(account_id)) is not None:
            st.session_state["checking"] = False
            st.rerun()
        else:
            st.warning("The look at your recording was broken off; drop it here again.")

    waiting()


def _result(account_id: int, found: Row) -> None:
    st.header("Your last test")
    if "problem" in found:
        st.error(plain(found["problem"]))
        return
    people = found["people"]
    st.info(first_change(found["first"], several=len(people) > 1))
    for person, column in zip(people, st.columns(max(len(people), 2)), strict=False):
        with column:
            path = portrait(check_folder(account_id), person["number"])
            if path.exists():
                address = check_portrait_address(person["number"], str(path.stat().st_mtime_ns))
                st.html(f'<img src="{address}" width="140" alt="Person {person["number"]}">')
            for verdict in person["verdicts"]:
                st.write(verdict_line(verdict))
    st.write(verdict_line(found["mirroring"]))
    for warning in found["warnings"]:
        st.caption(warning)
    st.caption(f"Looked at a recording of {clock(found['duration_s'])}.")

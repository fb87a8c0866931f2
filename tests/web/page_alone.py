"""One page of the application as a script of its own, for tests that count what it asks the database."""

import importlib
import os

import streamlit as st

from cues.web import views
from cues.web.visiting import visitor

account = visitor()
assert account is not None
st.navigation(views.pages_for(account))  # without it no page can link to another
importlib.import_module(f"cues.web.views.{os.environ['CUES_PAGE']}").page()

"""The report as a PDF, read back: its text as it was written, its tags, what stands for pictures; always the same."""

import io
from dataclasses import replace

import cv2
import numpy as np
import pytest
from pypdf import PdfReader

from cues.export.report_pdf import Minutes, Picture, Report, Said, report_pdf

MARKUP = '#eval("1") *b* _i_ @label $x^2$ \\\\ \\# [a](b) `c` <d> // no comment'
REPORT = Report(
    title=f"A session {MARKUP}",
    lines=["3 May 2026", "A recorded call"],
    sentences=[("Eye contact", "Your gaze was toward your client about **48 %** (46–48) of the time.")],
    how_to_read="Percentages are of the time that could be measured.",
    charts=[
        Minutes("Eye contact", "#2F7FB8", 100.0, [], [(50.0, 40.0, 60.0, 1.0), (None, None, None, 0.2)]),
        Minutes("Smiling", "#B8629A", 100.0, ["Minutes 1–2: no face was seen."], [(None, None, None, 0.0)] * 2),
    ],
    how_to_read_charts="A bar is a minute.",
    moments=[Picture("0:03", "Away for 5 s.", None, "No picture: a face could not be hidden for certain.")],
    how_to_read_moments="At most six.",
    comments=[Said("0:05", [("Eva", MARKUP), ("Ada", "long " * 800)])],
    reviewed=["Eva, of the episodes: agreed with 2."],
    not_measured=["It could not be told who is speaking."],
    with_care=["**Nobody is graded here.**"],
    measured=["Software: cues 0.1.0"],
)


@pytest.fixture(scope="module")
def made() -> bytes:
    return report_pdf(REPORT)


def text_of(data):
    return " ".join(" ".join(page.extract_text() for page in PdfReader(io.BytesIO(data)).pages).split())


def test_everything_that_is_said_is_there_and_markup_is_text(made):
    text = text_of(made)
    for words in (
        "Minute by minute",
        "0:03 Away for 5 s.",
        "a face could not be hidden for certain",
        "Eva:",
        "Reviewed",
    ):
        assert words in text, words
    assert text.count(" ".join(MARKUP.split())) == 2  # title and comment
    assert text.count("long") == 800
    assert "about 48 % (46–48)" in text and "**" not in text
    assert "Minutes 1–2: no face was seen." in text


def test_what_is_not_there_has_no_heading():
    text = text_of(report_pdf(replace(REPORT, comments=[], reviewed=[], moments=[])))
    assert "Comments" not in text and "Reviewed" not in text and "Moments" not in text


def test_it_is_tagged_for_readers_of_every_kind(made):
    document = PdfReader(io.BytesIO(made))
    root = document.trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"] and "/StructTreeRoot" in root
    assert root["/Lang"] == "en"
    assert document.metadata.title == REPORT.title
    assert b"pdfuaid:part>1<" in root["/Metadata"].get_data().replace(b" ", b"")
    kinds, alts = [], []
    waiting = [root["/StructTreeRoot"]]
    while waiting:
        node = waiting.pop().get_object()
        for child in node.get("/K", []) if isinstance(node.get("/K", []), list) else [node["/K"]]:
            child = child.get_object() if hasattr(child, "get_object") else child
            if isinstance(child, dict) and "/S" in child:
                kinds.append(child["/S"])
                alts += [child["/Alt"]] if "/Alt" in child else []
                waiting.append(child)
    assert {"/Title", "/H1", "/H2", "/P", "/L", "/Figure"} <= set(kinds)
    assert "Eye contact by minute. minute 1: 50 %, minute 2: not measured." in alts


def test_the_same_report_is_the_same_file(made):
    assert report_pdf(REPORT) == made


def test_a_picture_of_a_moment_is_in_it():
    jpeg = cv2.imencode(".jpg", np.random.default_rng(1).integers(0, 255, (90, 160, 3), np.uint8))[1].tobytes()
    moment = Picture("0:03", "Away for 5 s.", jpeg, "A face, hidden.")
    made = report_pdf(replace(REPORT, moments=[moment]))
    pictures = [image.image.size for page in PdfReader(io.BytesIO(made)).pages for image in page.images]
    assert (160, 90) in pictures

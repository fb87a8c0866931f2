"""Files that are damaged, hostile, or of something else: one sentence each, and nothing is written."""

import copy
import gzip
import json
import random
import re
from xml.etree import ElementTree

import pytest
from sqlalchemy import func, select

from cues.annotations.boris import boris, read_boris
from cues.annotations.comparing import previews
from cues.annotations.document import MOST_BYTES, AnnotationError
from cues.annotations.eaf import elan, read_eaf
from cues.annotations.reading import read_document
from cues.annotations.taking_over import take_over
from cues.errors import CuesError
from cues.library.models import KeptTierRow, VerdictRow, new_uid

MUTATIONS = 200  # of each format
TRAINEE_SMILE = "TIER[@TIER_ID='trainee smile']"


@pytest.fixture(scope="module")
def eva(tmp_path_factory, measured):
    from tests.annotations.conftest import make_place

    place = make_place(tmp_path_factory.mktemp("library"), measured)
    yield place
    place.library.close()


@pytest.fixture(scope="module")
def content(eva):
    return eva.content("eva")


def eaf(content, change):
    """A file of ELAN with a change to its tree."""
    root = ElementTree.fromstring(elan(content))
    change(root)
    return ElementTree.tostring(root)


def project(content, change):
    """A project of BORIS with a change to it."""
    said = json.loads(boris(content))
    change(said)
    return json.dumps(said).encode()


def slot_time(root, which, value):
    """Gives the first annotation's beginning or end in `trainee smile` another time; None for none."""
    annotation = root.find(f"{TRAINEE_SMILE}/ANNOTATION/ALIGNABLE_ANNOTATION")
    slot = root.find(f"TIME_ORDER/TIME_SLOT[@TIME_SLOT_ID='{annotation.get(f'TIME_SLOT_REF{which}')}']")
    if value is None:
        del slot.attrib["TIME_VALUE"]
    else:
        slot.set("TIME_VALUE", value)


def twice(root):
    tier = root.find(TRAINEE_SMILE)
    root.append(copy.deepcopy(tier))


def alone(root):
    """References that stand on each other alone."""
    tier = ElementTree.SubElement(root, "TIER", TIER_ID="words", LINGUISTIC_TYPE_REF="default-lt")
    for one, other in (("r1", "r2"), ("r2", "r1")):
        holder = ElementTree.SubElement(tier, "ANNOTATION")
        reference = ElementTree.SubElement(holder, "REF_ANNOTATION", ANNOTATION_ID=one, ANNOTATION_REF=other)
        ElementTree.SubElement(reference, "ANNOTATION_VALUE").text = "x"


WITH_DOCTYPE = b"""<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "bb"><!ENTITY c "&b;&b;"><!ENTITY x SYSTEM "file:///etc/passwd">]>
<ANNOTATION_DOCUMENT>&c;&x;</ANNOTATION_DOCUMENT>"""
NOT_ELAN = "no file of ELAN that can be read"
EAFS = {
    "empty": (lambda _: b"", NOT_ELAN),
    "no XML": (lambda _: b"\x00\xff\xfe hello", NOT_ELAN),
    "other XML": (lambda _: b"<svg xmlns='http://www.w3.org/2000/svg'/>", "no file of ELAN|no tier of this tool"),
    "cut off": (lambda c: elan(c)[:5000], NOT_ELAN),
    "unknown encoding": (lambda c: elan(c).replace(b"UTF-8", b"klingon"), NOT_ELAN),
    "entities": (lambda _: WITH_DOCTYPE, "declares a document type"),
    "entities, UTF-16": (lambda _: WITH_DOCTYPE.decode().encode("utf-16"), "declares a document type"),
    "deep": (lambda _: b"<a>" * 100_000 + b"</a>" * 100_000, "more in it than any session"),
    "too large": (lambda _: b"<a>" + b" " * MOST_BYTES, "more than 20 MB"),
    "negative": (lambda c: eaf(c, lambda r: slot_time(r, 1, "-5")), "trainee smile.*from -5 to"),
    "no number": (lambda c: eaf(c, lambda r: slot_time(r, 1, "NaN")), NOT_ELAN),
    "many digits": (lambda c: eaf(c, lambda r: slot_time(r, 2, "9" * 5000)), NOT_ELAN),
    "years": (lambda c: eaf(c, lambda r: slot_time(r, 2, "9" * 15)), "trainee smile.*from .* to 9"),
    "after the end": (lambda c: eaf(c, lambda r: slot_time(r, 2, "200000")), "the recording ends at 3:00"),
    "overlap": (lambda c: eaf(c, lambda r: slot_time(r, 2, "100000")), "two stretches that overlap at"),
    "ends first": (lambda c: eaf(c, lambda r: slot_time(r, 2, "1")), "trainee smile.*from .* to 1 ms"),
    "no length": (lambda c: eaf(c, lambda r: (slot_time(r, 1, "4000"), slot_time(r, 2, "4000"))), "has no length"),
    "no time": (lambda c: eaf(c, lambda r: slot_time(r, 1, None)), "“trainee smile” has an annotation without a time"),
    "circle": (lambda c: eaf(c, alone), "“words” has an annotation without a time"),
    "a tier twice": (lambda c: eaf(c, twice), "two of"),
    "many tiers": (
        lambda c: eaf(c, lambda r: [ElementTree.SubElement(r, "TIER", TIER_ID=f"t{k}") for k in range(1001)]),
        "more than 1000 tiers",
    ),
    "long name": (lambda c: eaf(c, lambda r: r.find(TRAINEE_SMILE).set("TIER_ID", "x" * 400)), "more than 300 char"),
}


def events(said):
    return said["observations"]["tool"]["events"]


def point(said):
    next(one for one in said["behaviors_conf"].values() if one["code"] == "smile")["type"] = "Point event"


def unpaired(said):
    events(said).remove(next(event for event in events(said) if event[2] == "smile"))


NOT_BORIS = "no project of BORIS that can be read"
BORISES = {
    "empty": (lambda _: b"", NOT_BORIS),
    "no JSON": (lambda _: b"{'a': 1}", NOT_BORIS),
    "deep": (lambda _: b"[" * 200_000, NOT_BORIS),
    "other JSON": (lambda _: b"[1, 2]", NOT_BORIS),
    "no version": (lambda c: project(c, lambda p: p.pop("project_format_version")), "no version of a BORIS project"),
    "old version": (lambda c: project(c, lambda p: p.update(project_format_version="4.0")), "has version 4.0"),
    "compressed": (lambda c: gzip.compress(boris(c)), "is compressed"),
    "too large": (lambda _: b" " * (MOST_BYTES + 1), "more than 20 MB"),
    "NaN": (lambda c: project(c, lambda p: events(p)[0].__setitem__(0, float("nan"))), "an event that cannot be read"),
    "negative": (lambda c: project(c, lambda p: events(p)[0].__setitem__(0, -1)), "an event at -1 s"),
    "years": (lambda c: project(c, lambda p: events(p)[0].__setitem__(0, 1e300)), "an event at 1e.300 s"),
    "no event": (lambda c: project(c, lambda p: events(p).append([])), "an event that cannot be read"),
    "a tree": (lambda c: project(c, lambda p: events(p).append([1, {}, [], {}, None])), "an event that cannot be read"),
    "unpaired": (lambda c: project(c, unpaired), "“smile” of trainee that begins at .* does not end"),
    "points": (lambda c: project(c, point), "“trainee smile” has something at .* that has no length"),
    "all at once": (
        lambda c: project(c, lambda p: events(p).extend([[7, "", "knock", "", str(k)] for k in range(60)])),
        "“knock” has more than 50 annotations at one time",
    ),
    "time offset": (
        lambda c: project(c, lambda p: p["observations"]["tool"].update({"time offset": 5})),
        "“tool” has a time offset",
    ),
    "nothing of ours": (
        lambda c: project(c, lambda p: (p["observations"].clear(), p["behaviors_conf"].clear())),
        "no tier of this tool",
    ),
}


def told(read, data, content):
    """The sentence that the one who brings the file in reads."""
    try:
        return previews(read(data), content)[0].problem
    except AnnotationError as problem:
        return str(problem)


@pytest.mark.parametrize(("made", "sentence"), EAFS.values(), ids=EAFS)
def test_a_file_of_elan_that_cannot_be_taken_in_gets_a_sentence(content, made, sentence):
    found = told(read_eaf, made(content), content)
    assert re.search(sentence, found) and found.endswith((".", "?")) and len(found) < 400


@pytest.mark.parametrize(("made", "sentence"), BORISES.values(), ids=BORISES)
def test_a_project_of_boris_that_cannot_be_taken_in_gets_a_sentence(content, made, sentence):
    found = told(read_boris, made(content), content)
    assert re.search(sentence, found) and found.endswith((".", "?")) and len(found) < 400


def test_annotations_without_a_time_of_their_own_lie_where_elan_shows_them(content):
    def change(root):
        order = root.find("TIME_ORDER")
        for name, time in (("x0", "1000"), ("x1", None), ("x2", None), ("x3", "4000")):
            ElementTree.SubElement(order, "TIME_SLOT", {"TIME_SLOT_ID": name} | ({"TIME_VALUE": time} if time else {}))
        parts = ElementTree.SubElement(root, "TIER", TIER_ID="parts", LINGUISTIC_TYPE_REF="default-lt")
        for k in range(3):
            slots = {"TIME_SLOT_REF1": f"x{k}", "TIME_SLOT_REF2": f"x{k + 1}"}
            holder = ElementTree.SubElement(parts, "ANNOTATION")
            made = ElementTree.SubElement(holder, "ALIGNABLE_ANNOTATION", {"ANNOTATION_ID": f"p{k}", **slots})
            ElementTree.SubElement(made, "ANNOTATION_VALUE").text = f"part {k}"
        words = ElementTree.SubElement(root, "TIER", TIER_ID="words", PARENT_REF="parts")
        for name, before in (("w1", "w0"), ("w0", None)):
            holder = ElementTree.SubElement(words, "ANNOTATION")
            said = {"ANNOTATION_ID": name, "ANNOTATION_REF": "p1"} | ({"PREVIOUS_ANNOTATION": before} if before else {})
            made = ElementTree.SubElement(holder, "REF_ANNOTATION", said)
            ElementTree.SubElement(made, "ANNOTATION_VALUE").text = name

    tiers = {tier.name: tier.marks for tier in read_eaf(eaf(content, change)).tiers}
    assert tiers["parts"] == ((1000, 2000, "part 0"), (2000, 3000, "part 1"), (3000, 4000, "part 2"))
    assert tiers["words"] == ((2000, 2500, "w0"), (2500, 3000, "w1"))


def test_a_file_is_read_by_its_ending(tmp_path, content):
    (tmp_path / "a.EAF").write_bytes(elan(content))
    (tmp_path / "a.boris").write_bytes(boris(content))
    assert [read_document(tmp_path / name).program for name in ("a.EAF", "a.boris")] == ["ELAN", "BORIS"]
    for name, sentence in (("a.txt", "end in .eaf or .boris"), ("gone.eaf", "not there any more")):
        with pytest.raises(AnnotationError, match=sentence):
            read_document(tmp_path / name)


ODD = (None, True, -1, 0, 1e308, 10**30, "", "x" * 500, "\u202e\x00", [], {}, [[]], {"a": {"b": []}}, "7.0", "trainee")


def mutated_json(data, draw):
    """One to three nodes replaced, removed or repeated."""
    said = json.loads(data)
    for _ in range(draw.randint(1, 3)):
        node = said
        while True:
            keys = list(node) if isinstance(node, dict) else list(range(len(node)))
            key = draw.choice(keys)
            if isinstance(node[key], dict | list) and node[key] and draw.random() < 0.75:
                node = node[key]
                continue
            break
        how = draw.randrange(3)
        if how == 0:
            node[key] = draw.choice(ODD)
        elif how == 1:
            del node[key]
        elif isinstance(node, list):
            node.insert(draw.randint(0, len(node)), copy.deepcopy(node[key]))
        else:
            node[draw.choice(("again", "0", "tool"))] = copy.deepcopy(node[key])
        if not said:
            break
    return json.dumps(said).encode()


def mutated_xml(data, draw):
    """One to three elements or attributes removed, repeated or changed."""
    root = ElementTree.fromstring(data)
    for _ in range(draw.randint(1, 3)):
        parent = draw.choice([one for one in root.iter() if len(one)])
        child = draw.choice(list(parent))
        how = draw.randrange(4)
        if how == 0:
            parent.remove(child)
        elif how == 1:
            parent.append(copy.deepcopy(child))
        elif child.attrib:
            name = draw.choice(list(child.attrib))
            if how == 2:
                del child.attrib[name]
            else:
                child.set(name, draw.choice(("", "-1", "1e9", "99999999999", "ts1", "a1", "trainee smile", "x" * 500)))
    return ElementTree.tostring(root)


def mutated_bytes(data, draw):
    """Bytes changed, cut out, or put in again elsewhere."""
    data = bytearray(data)
    for _ in range(draw.randint(1, 4)):
        at, length = draw.randrange(len(data)), draw.randint(1, 40)
        how = draw.randrange(3)
        if how == 0:
            data[at] = draw.randrange(256)
        elif how == 1:
            del data[at : at + length]
        else:
            data[at:at] = data[(other := draw.randrange(len(data))) : other + length]
    return bytes(data)


@pytest.mark.parametrize(
    ("write", "read", "mutated"),
    [(elan, read_eaf, mutated_xml), (boris, read_boris, mutated_json)],
    ids=["ELAN", "BORIS"],
)
def test_a_file_that_was_changed_anyhow_never_does_more_than_say_so(eva, content, write, read, mutated):
    draw, valid = random.Random(5), write(content)
    refused = taken = 0

    class TakenBack(Exception):
        pass

    for number in range(MUTATIONS):
        data = (mutated if number % 3 else mutated_bytes)(valid, draw)
        try:
            found = previews(read(data), content)
            with eva.writing() as db:
                take_over(db, eva.people["eva"], eva.id, found[0], "a", new_uid())
                raise TakenBack
        except TakenBack:
            taken += 1
        except CuesError as problem:
            refused += 1
            assert str(problem)
    assert refused > MUTATIONS / 10 and taken > MUTATIONS / 10  # both ways were walked
    with eva.library.reading() as db:
        assert db.scalar(select(func.count(VerdictRow.id))) == db.scalar(select(func.count(KeptTierRow.id))) == 0

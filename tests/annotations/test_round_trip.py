"""Out to an annotation program, corrected there, and back in: exactly what was corrected becomes verdicts."""

import json
import random
from dataclasses import replace

import pytest
from pympi import Elan

from cues.annotations.boris import boris, read_boris
from cues.annotations.comparing import previews
from cues.annotations.document import Document, checked
from cues.annotations.eaf import elan, read_eaf
from cues.annotations.taking_over import take_over
from cues.annotations.views import TOOL, laid, lanes_of
from cues.errors import CuesError
from cues.library.kept_tiers import Tier, keep_tiers, kept_tiers, remove_tier
from cues.library.models import new_uid
from cues.library.verdicts import give, undo, verdicts_of
from cues.review.verdicts import ADD, ADJUST, AGREE, DISAGREE, JUDGED, WITHDRAW, Verdict, reviewed_episodes
from tests.annotations.conftest import HOSTILE, make_place

WAYS = ((elan, read_eaf), (boris, read_boris))
BOTH = pytest.mark.parametrize(("write", "read"), WAYS, ids=["ELAN", "BORIS"])


class EafFile:
    """A file that is corrected with pympi."""

    read = staticmethod(read_eaf)

    def __init__(self, content, tmp_path):
        self.path = tmp_path / "session.eaf"
        self.path.write_bytes(elan(content))
        self.document = Elan.Eaf(str(self.path))

    def _tier(self, subject, kind, view):
        return f"{subject} {kind}" + (f" ({view})" if view else "")

    def remove(self, subject, kind, at, view=""):
        assert self.document.remove_annotation(self._tier(subject, kind, view), at) == 1

    def add(self, subject, kind, start, end, view="", text=""):
        name = self._tier(subject, kind, view) if subject else kind
        if name not in self.document.get_tier_names():
            self.document.add_tier(name)
        self.document.add_annotation(name, start, end, text)

    def data(self):
        self.document.to_file(str(self.path))
        return self.path.read_bytes()


class BorisFile:
    """A project that is corrected by its events."""

    read = staticmethod(read_boris)

    def __init__(self, content, tmp_path):  # noqa: ARG002
        self.project = json.loads(boris(content))

    def _events(self, view):
        return self.project["observations"][view or "tool"]["events"]

    def remove(self, subject, kind, at, view=""):
        events = self._events(view)
        of_lane = [e for e in events if e[1:3] == [subject, kind]]
        pairs = zip(of_lane[::2], of_lane[1::2], strict=True)
        [pair] = [pair for pair in pairs if pair[0][0] * 1000 < at < pair[1][0] * 1000]
        for event in pair:
            events.remove(event)

    def add(self, subject, kind, start, end, view="", text=""):
        codes = self.project["behaviors_conf"]
        if kind not in {one["code"] for one in codes.values()}:
            codes[str(len(codes))] = {"type": "State event", "code": kind}
        events = self._events(view)
        events += [[start / 1000, subject, kind, "", text, "NA"], [end / 1000, subject, kind, "", "", "NA"]]

    def data(self):
        for one in self.project["observations"].values():
            random.Random(1).shuffle(one["events"])  # BORIS sorts them; nothing here depends on it
        return json.dumps(self.project).encode()


FILES = pytest.mark.parametrize("corrected", [EafFile, BorisFile], ids=["ELAN", "BORIS"])


def episodes(content, subject, kind):
    person = {"trainee": 0, "client": 1}[subject]
    return [e for e in content.episodes if (e["person"], e["kind"]) == (person, kind)]


def about(episode):
    return tuple(episode[name] for name in ("person", "cue", "kind", "start", "end"))


def middle(episode):
    return round(500 * (episode["start"] + episode["end"]))


def ms(episode):
    return round(1000 * episode["start"]), round(1000 * episode["end"])


def given(place, name):
    with place.library.reading() as db:
        found = verdicts_of(db, place.people["ada"], place.id)
    return [v for one in found if one.account_id == place.people[name].id for v in one.verdicts]


def test_a_file_that_nobody_changed_changes_nothing(tmp_path, measured):
    """For everybody who may see something, with hostile names, verdicts of all kinds and tiers from elsewhere."""
    for seed, names in enumerate([("Eva", "Eva"), (HOSTILE, HOSTILE + " 2"), ("tool", "reviewed by tool) (x")]):
        place = make_place(tmp_path / str(seed), measured, names, files=("a&b.mp4", "%20 é.mp4"))
        draw = random.Random(seed)
        for name in ("eva", "tom"):
            shown = [e for e in place.content(name).episodes if (e["cue"], e["kind"]) in JUDGED]
            verdicts = []
            for episode in draw.sample(shown, 12):
                where = about(episode)
                moved = (where[3] + draw.uniform(-0.3, 0.3), where[4] + draw.uniform(-0.3, 0.3))
                moved = (max(moved[0], 0), max(moved[1], moved[0] + 0.01))
                verdicts.append(
                    draw.choice([Verdict(AGREE, *where), Verdict(DISAGREE, *where), Verdict(ADJUST, *where, *moved)])
                )
            for _ in range(4):  # also over one another and over what is there
                start = draw.uniform(0, 170)
                verdicts.append(Verdict(ADD, 0, "smile", "smile", start, start + draw.uniform(0.0001, 9)))
            points = tuple((draw.randrange(170_000), None, HOSTILE) for _ in range(3))
            stretches = tuple(sorted((k * 900, k * 900 + 1000, str(k)) for k in range(4)))
            kept = [Tier("", "", HOSTILE, points), Tier("coder 2", "dog", "smile", stretches), Tier("", "", "none", ())]
            with place.writing() as db:
                give(db, place.people[name], place.id, verdicts, "a")
                keep_tiers(db, place.people[name], place.id, checked(Document("", None, None, (), tuple(kept))).tiers)
        for name in ("ada", "eva", "tom"):
            content = place.content(name)
            for write, read in WAYS:
                found = previews(read(write(content)), content)
                assert {one.view for one in found} >= {TOOL}
                assert found[0].view == TOOL if name == "ada" else found[0].view.startswith("reviewed by")
                for one in found:
                    assert (one.problem, one.notes, one.kept) == ("", (), ()), (name, one)
                    assert one.verdicts == [] or one.view not in (TOOL, found[0].view), (name, one)
        place.library.close()


@FILES
def test_what_was_corrected_becomes_exactly_those_verdicts_and_what_is_unknown_is_kept(place, tmp_path, corrected):
    content = place.content("eva")
    smiles, looks = episodes(content, "trainee", "smile"), episodes(content, "client", "eye_contact")
    file = corrected(content, tmp_path)
    file.remove("trainee", "smile", middle(smiles[2]))
    start, end = ms(smiles[4])
    file.remove("trainee", "smile", middle(smiles[4]))
    file.add("trainee", "smile", start, end + 251)
    file.remove("client", "eye_contact", middle(looks[1]))
    first, last = ms(looks[1])
    file.add("client", "eye_contact", first + 100, last - 100)
    file.add("client", "back", 170_500, 171_900)
    file.add("", "my own tier", 1000, 2000, text="<b>said & done</b>")
    document = corrected.read(file.data())
    [found] = previews(document, content)
    wanted = {
        Verdict(DISAGREE, *about(smiles[2])),
        Verdict(ADJUST, *about(smiles[4]), smiles[4]["start"], (end + 251) / 1000),
        Verdict(ADJUST, *about(looks[1]), (first + 100) / 1000, (last - 100) / 1000),
        Verdict(ADD, 1, "forward_lean", "back", 170.5, 171.9),
    }
    assert (found.view, found.notes, set(found.verdicts)) == (TOOL, (), wanted)
    assert len(found.verdicts) == len(wanted)
    assert (
        sum(tier.untouched for tier in found.tiers if tier.lane[2] == "smile" and tier.lane[0] == 0) == len(smiles) - 2
    )
    own = Tier("", "", "my own tier", ((1000, 2000, "<b>said & done</b>"),))
    assert found.kept == (own,)

    uid = new_uid()
    for _ in range(2):  # a second click does nothing
        with place.writing() as db:
            take_over(db, place.people["eva"], place.id, found, "a", uid)
    assert set(given(place, "eva")) == wanted and len(given(place, "eva")) == 4
    content = place.content("eva")
    again = next(one for one in previews(document, content) if one.view == TOOL)
    assert again.verdicts == [] and again.kept == ()
    # Both programs get it back; nobody else does.
    for write, read in WAYS:
        assert own in read(write(content)).tiers
        for name in ("ada", "tom"):
            assert b"my own tier" not in write(place.content(name))
    with place.writing() as db:
        undo(db, place.people["eva"], place.id)
        assert kept_tiers(db, place.people["eva"], place.id) == [own]
        remove_tier(db, place.people["eva"], place.id, own.key)
        assert kept_tiers(db, place.people["eva"], place.id) == []
    assert given(place, "eva") == []


@FILES
def test_a_reviewers_own_tiers_say_how_they_see_it_from_now_on(place, tmp_path, corrected):
    smiles = episodes(place.content("eva"), "trainee", "smile")
    before = [
        Verdict(DISAGREE, *about(smiles[0])),
        Verdict(DISAGREE, *about(smiles[1])),
        Verdict(ADJUST, *about(smiles[2]), smiles[2]["start"] - 0.2, smiles[2]["end"]),
        Verdict(ADJUST, *about(smiles[3]), smiles[3]["start"], smiles[3]["end"] + 0.4),
        Verdict(ADD, 0, "smile", "smile", 172.0, 173.0),
        Verdict(ADD, 0, "smile", "smile", 175.0, 176.0),
    ]
    with place.writing() as db:
        give(db, place.people["eva"], place.id, before, "a")
    content, view = place.content("eva"), "reviewed by Eva"
    file = corrected(content, tmp_path)
    file.add("trainee", "smile", *ms(smiles[0]), view)  # refused before, and there after all
    file.remove("trainee", "smile", middle(smiles[2]), view)
    file.add("trainee", "smile", *ms(smiles[2]), view)  # as the tool has it, again
    file.remove("trainee", "smile", middle(smiles[3]), view)
    file.remove("trainee", "smile", 172_500, view)
    file.remove("trainee", "smile", 175_500, view)
    file.add("trainee", "smile", 175_100, 176_400, view)
    found = previews(corrected.read(file.data()), content)[0]
    assert found.notes == ()
    wanted = [
        Verdict(AGREE, *about(smiles[0])),
        Verdict(AGREE, *about(smiles[2])),
        Verdict(DISAGREE, *about(smiles[3])),
        Verdict(WITHDRAW, 0, "smile", "smile", 172.0, 173.0),
        Verdict(WITHDRAW, 0, "smile", "smile", 175.0, 176.0),
        Verdict(ADD, 0, "smile", "smile", 175.1, 176.4),
    ]
    assert found.view == view and len(found.verdicts) == len(wanted) and set(found.verdicts) == set(wanted)
    with place.writing() as db:
        take_over(db, place.people["eva"], place.id, found, "a", new_uid())
    content = place.content("eva")
    assert previews(corrected.read(file.data()), content)[0].verdicts == []
    # Where the tool's tiers are changed as well, the file's own come first, and it is said.
    file = corrected(content, tmp_path)
    for where in ("", view):
        file.remove("trainee", "smile", middle(smiles[5]), where)
    both = previews(corrected.read(file.data()), content)
    assert [one.view for one in both] == [view, TOOL]
    assert all(
        "both changed" in one.notes[0] and one.verdicts == [Verdict(DISAGREE, *about(smiles[5]))] for one in both
    )


def test_whatever_was_corrected_is_what_the_reviewer_sees_afterwards(place):
    """Drawn corrections of a reviewer's own tier, in any order in the file: their view is the file's then."""
    lane, view = ("trainee", "smile"), "reviewed by Eva"
    with place.writing() as db:
        give(db, place.people["eva"], place.id, [Verdict(ADD, 0, "smile", "smile", 178.0, 179.0)], "a")
    for seed in range(6):
        draw = random.Random(seed)
        content = place.content("eva")
        project = json.loads(boris(content))
        edges = sorted(draw.sample(range(0, 180_000), 24))
        wanted = list(zip(edges[::2], edges[1::2], strict=True))
        events = [e for e in project["observations"][view]["events"] if e[1:3] != list(lane)]
        drawn = [[t / 1000, *lane, "", "", "NA"] for span in wanted for t in span]
        draw.shuffle(drawn)
        project["observations"][view]["events"] = drawn + events
        [found] = [p for p in previews(read_boris(json.dumps(project).encode()), content) if p.view == view]
        with place.writing() as db:
            take_over(db, place.people["eva"], place.id, found, "a", new_uid())
        seen = reviewed_episodes(given(place, "eva"), content.episodes)
        rows = [(e["start"], e["end"]) for e in seen if (e["person"], e["kind"]) == (0, "smile")]
        told = list(laid(rows).values())
        assert all(
            abs(a - b) <= 1 for one, other in zip(told, wanted, strict=True) for a, b in zip(one, other, strict=True)
        )


def test_another_reviewers_tiers_may_be_taken_for_ones_own_and_are_nobodys_otherwise(place, tmp_path):
    smiles = episodes(place.content("eva"), "trainee", "smile")
    with place.writing() as db:
        give(db, place.people["eva"], place.id, [Verdict(DISAGREE, *about(smiles[0]))], "a")
    content = place.content("tom")
    tool, of_eva = previews(read_eaf(elan(content)), content)
    assert (tool.view, tool.verdicts, of_eva.view) == (TOOL, [], "reviewed by Eva")
    assert of_eva.verdicts == [Verdict(DISAGREE, *about(smiles[0]))]
    assert tool.kept == of_eva.kept == ()
    file = EafFile(content, tmp_path)
    file.add("trainee", "smile", *ms(smiles[0]), "reviewed by Bo")  # of another library
    tool, of_bo, _ = previews(read_eaf(file.data()), content)
    assert tool.kept == (Tier("", "", "trainee smile (reviewed by Bo)", ((*ms(smiles[0]), ""),)),)
    assert of_bo.kept == () and len(of_bo.verdicts) == len(smiles) - 1


@BOTH
def test_a_cue_that_is_not_shown_to_somebody_is_neither_read_nor_kept_for_them(place, write, read):
    document, content = read(write(place.content("eva"))), place.content("tom")
    with place.writing() as db:
        give(db, place.people["eva"], place.id, [Verdict(DISAGREE, *about(content.episodes[0]))], "a")
    [found] = previews(document, content)
    assert found.verdicts == [] and found.kept == ()
    assert ("trainee", "eye_contact") not in lanes_of(content)
    passed_over = next(note for note in found.notes if note.startswith("Passed over"))
    for name in ("trainee eye_contact", "client mutual_gaze", "trainee away_down"):
        assert f"“{name}”" in passed_over


def test_what_is_different_about_the_file_is_said(place, tmp_path):
    content = place.content("eva")

    def notes(document):
        return " ".join(previews(document, content)[0].notes)

    document = read_eaf(elan(content))
    assert notes(document) == ""
    assert "another session" in notes(replace(document, session="0" * 32))
    assert "another name" in notes(replace(document, session=None, media=("other.mp4",)))
    assert "computed again" in notes(replace(document, analysis="f" * 12))
    without = replace(document, tiers=tuple(t for t in document.tiers if t.name != "client smile"))
    assert notes(without) == "Not in the file, so nothing is said about it: “client smile”."
    file = EafFile(content, tmp_path)
    file.add("trainee", "away_down", 179_000, 179_500)
    file.add("", "comments", 50_000, 51_000, text="new")
    said = notes(read_eaf(file.data()))
    assert "“trainee away_down” is different in the file" in said and "Comments are different" in said
    with pytest.raises(CuesError, match="There is no tier of this tool in the file"):
        previews(replace(document, tiers=()), content)

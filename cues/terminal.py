"""A session in a terminal: the per-minute table, why figures are missing, what stands out.

The same lines are readable in a file: no colour carries a meaning, columns stand apart by spaces, and nothing
is wider than the console (80 columns where there is none). Words are those of the report: it describes, it
does not grade.
"""

import os
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cues.errors import CuesError
from cues.metrics.minutes import COVERAGE_REASON, MINUTE_S
from cues.metrics.session import SessionMetrics
from cues.metrics.summary import SETUP_WORDS, flags_by_words
from cues.probe_verdicts import CUES, VERDICTS, Verdict, named

if TYPE_CHECKING:
    from cues.probe import PersonProbe, Probe, SoundProbe  # brings the networks' runtime, which loads slowly

WIDE = 104
"""From this many columns on the coverages stand in the table as well."""

_GAZE_WORDS = {"facing": "facing the partner", "eye_contact": "gaze toward the partner's face"}

complaints = Console(stderr=True)

Row = dict[str, Any]


@contextmanager
def own_words() -> Iterator[None]:
    """Keeps what the networks' runtime writes to stderr, here and in worker processes, out of what a person is told."""
    sys.stderr.flush()
    before, theirs = sys.stderr, os.open(os.devnull, os.O_WRONLY)
    sys.stderr = os.fdopen(os.dup(2), "w", buffering=1, errors="backslashreplace")
    os.dup2(theirs, 2)
    os.close(theirs)
    try:
        yield
    finally:
        os.dup2(sys.stderr.fileno(), 2)
        sys.stderr.close()
        sys.stderr = before


@contextmanager
def told() -> Iterator[None]:
    """Turns errors into one sentence and an exit status: 2 for input that cannot be used, 130 for Ctrl-C."""
    try:
        yield
    except CuesError as error:
        complaints.print(f"[bold]{type(error).__name__.removesuffix('Error')}:[/bold]", end=" ")
        complaints.print(str(error), markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(2) from None
    except KeyboardInterrupt:
        complaints.print("Interrupted. What is finished is kept: the same command goes on from there.")
        raise typer.Exit(130) from None


def print_session(metrics: SessionMetrics, console: Console) -> None:
    """Prints the minutes of a session and what they say; `console` may be a terminal or a file."""
    summary, rows = metrics.summary, metrics.minutes.to_pylist()
    dash = "–" if "utf" in console.encoding.lower() else "-"
    for line in _heading(summary):
        _say(console, line)
    console.print()
    console.print(_minute_table(summary, rows, dash, console.width >= WIDE))
    _section(console, "", _legend(rows, dash))
    _section(console, "Not measured", _reasons(summary, rows))
    _section(console, "The whole session", _session_lines(summary, rows))
    _section(console, "What stands out", _standing_out(summary, rows))
    _section(console, "To keep in mind", [*summary["notes"], *_flag_lines(summary)])


def _say(console: Console, line: str, indent: str = "", style: str = "") -> None:
    """Prints a line, wrapped by words; a file gets no spaces at the ends of lines."""
    width = max(40, console.width)
    for part in textwrap.wrap(line, width, initial_indent=indent, subsequent_indent=indent):
        console.print(Text(part, style=style), highlight=False, soft_wrap=True)


def _section(console: Console, title: str, lines: list[str]) -> None:
    if lines:
        console.print()
        _say(console, title, style="bold")
    for line in lines:
        _say(console, line, "  " if title else "")


def _heading(summary: Row) -> list[str]:
    minutes, seconds = divmod(round(summary["duration_s"]), 60)
    lines = [f"{SETUP_WORDS[summary['setup']].capitalize()}, {minutes} min {seconds} s."]
    people = summary["people"]
    guessed = any(person["role_guessed"] for person in people)
    guess = "; taken to be so" if len(people) == 1 else "; who is the trainee is a guess (--trainee changes it)"
    lines.append(", ".join(_name(person) for person in people) + (guess if guessed else "") + ".")
    if summary["alignment"] is not None:
        offset, drift = (summary["alignment"][name] for name in ("offset_s", "drift_ppm"))
        lines.append(f"The second file's clock is {offset:+.2f} s off the first one's and drifts by {drift:.0f} ppm.")
    if summary["left_out"]:
        count = len(summary["left_out"])
        lines.append(f"Left out: {count} more {'person' if count == 1 else 'people'} in the recording.")
    return lines


def _name(person: Row) -> str:
    place = person.get("place")
    return person["role"].capitalize() + (f" ({place})" if place and place != "only" else "")


def _head_only(person: Row) -> bool:
    return "facing" in person["cues"]


def _columns(person: Row) -> list[tuple[str, str, str]]:
    """(heading, figure, coverage) of one person's columns."""
    gaze = (
        ("facing\npartner %", "facing_pct", "facing_coverage")
        if _head_only(person)
        else ("eye\ncontact %", "eye_contact_pct", "eye_contact_coverage")
    )
    return [
        gaze,
        ("lean\n%", "lean_forward_pct", "lean_coverage"),
        ("smile\n%", "smile_pct", "smile_coverage"),
    ]


def _minute_table(summary: Row, rows: list[Row], dash: str, wide: bool) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 1), header_style="bold")
    table.add_column("\n\nmin", justify="right", no_wrap=True)
    for person in summary["people"]:
        for k, (heading, _, _) in enumerate(_columns(person)):
            over = person["role"].capitalize() if k == 0 else ""
            table.add_column(f"{over}\n{heading}", justify="right", no_wrap=True, min_width=12 if k == 0 else 5)
            if wide:
                table.add_column("\nseen\n%", justify="right", no_wrap=True)
    together = "facial_mirroring" in summary
    if together:
        table.add_column("\nshared smiles\n(by chance)", justify="right", no_wrap=True)
    for minute in range(1, summary["minutes"] + 1):
        here = {row["person"]: row for row in rows if row["minute"] == minute}
        cells = [str(minute)]
        for person in summary["people"]:
            row = here[person["person"]]
            for _, figure, coverage in _columns(person):
                low_coverage = (row.get(coverage) or 0) < summary["parameters"]["quality"]["coverage_good"]
                cells.append(_figure(row, figure, "~" if low_coverage else "", dash))
                if wide:
                    cells.append(f"{100 * (row.get(coverage) or 0):.0f}")
        if together:
            cells.append(_shared(here[summary["people"][0]["person"]], dash))
        table.add_row(*cells)
    return table


def _figure(row: Row, figure: str, mark: str, dash: str) -> str:
    """63 (60-66), with the mark of low coverage before it; a dash where there is no figure."""
    value, low, high = (row.get(name) for name in (figure, f"{figure}_low", f"{figure}_high"))
    if value is None:
        return dash
    bar = figure in ("eye_contact_pct", "facing_pct") and low is not None and high is not None
    return f"{mark}{value:.0f}" + (f" ({low:.0f}-{high:.0f})" if bar else "")


def _shared(row: Row, dash: str) -> str:
    if row.get("shared_smiles_led") is None:
        return dash
    count = row["shared_smiles_led"] + row["shared_smiles_followed"] + row["shared_smiles_simultaneous"]
    expected = row["shared_smiles_expected"]
    chance = f" ({expected:.1f})" if expected is not None else ""
    return f"{count}{chance}{'*' if row['mirroring_stands_out'] == 'yes' else ' '}"


def _legend(rows: list[Row], dash: str) -> list[str]:
    lines = [
        "Per cent of the measured time; in brackets how far the figure moves with the target and the thresholds.",
        f"{dash} not measured, ~ measured for less than three quarters of the minute.",
    ]
    last = rows[-1]["end_s"] - rows[-1]["start_s"]
    if last < MINUTE_S:
        lines.append(f"Minute {rows[-1]['minute']} is {last:.0f} s long.")
    if any(row.get("mirroring_stands_out") == "yes" for row in rows):
        lines.append("* shared smiling stands out from the other minutes.")
    return lines


def _reasons(summary: Row, rows: list[Row]) -> list[str]:
    """Each reason once, with whom and when it concerns."""
    found: dict[tuple[str, str], list[int]] = {}
    for person in summary["people"]:
        cues = [
            ("facing_why" if _head_only(person) else "eye_contact_why", _columns(person)[0][1], "facing"),
            ("lean_why", "lean_forward_pct", "lean"),
            ("smile_why", "smile_pct", "smile"),
        ]
        if person is summary["people"][0]:
            cues.append(("mirroring_why", "shared_smiles_led", "shared smiles"))
        for column, figure, label in cues:
            label = "eye contact" if column == "eye_contact_why" else label
            who = label if column == "mirroring_why" else f"{person['role']}, {label}"
            for row in rows:
                if row["person"] == person["person"] and row.get(column) and row.get(figure) is None:
                    why = row[column]
                    if why.startswith(COVERAGE_REASON):
                        why = "Measured in less than half of the minute."
                    found.setdefault((who, why), []).append(row["minute"])
        if _head_only(person):
            why = person["cues"]["eye_contact"]["why"]
            found[f"{person['role']}, eye contact", why] = list(range(1, summary["minutes"] + 1))
    return [f"{who.capitalize()}{_when(minutes, summary['minutes'])}: {why}" for (who, why), minutes in found.items()]


def _when(minutes: list[int], count: int) -> str:
    """in minutes 1-3, 7; nothing when it is all of them."""
    if len(minutes) == count:
        return ""
    parts = np.split(np.array(minutes), np.flatnonzero(np.diff(minutes) > 1) + 1)
    told = ", ".join(f"{part[0]}-{part[-1]}" if len(part) > 1 else f"{part[0]}" for part in parts)
    return f" in minute{'s' if len(minutes) > 1 else ''} {told}"


def _session_lines(summary: Row, rows: list[Row]) -> list[str]:
    """A sentence per person and cue; what has no figure for one reason shares a sentence."""
    lines = []
    for person in summary["people"]:
        gaze = "facing" if _head_only(person) else "eye_contact"
        leaning = "leaning forward" if summary["setup"] == "shared_room" else "moved closer to the camera"
        told = (
            (gaze, f"{gaze}_pct", _GAZE_WORDS[gaze]),
            ("lean", "lean_forward_pct", leaning),
            ("smile", "smile_pct", "smiling"),
        )
        missing: dict[str, list[str]] = {}
        for cue, figure, words in told:
            found = person["cues"][cue]
            figures = found["figures"] or found.get("while_shown")
            if figures is None:
                missing.setdefault(found["why"], []).append(words)
                continue
            low, high = (figures.get(f"{figure}_{side}") for side in ("low", "high"))
            bar = f" ({low:.0f}-{high:.0f})" if low is not None and high is not None else ""
            shown = " while shown" if found["figures"] is None else ""
            lines.append(
                f"{person['role'].capitalize()}, {words}: about {figures[figure]:.0f} %{bar} of the measured "
                f"time{shown}, in {found['valid_minutes']} of {summary['minutes']} minutes."
            )
        above = {value for row in rows for name, value in row.items() if name.endswith("_why")}
        lines += [
            f"{person['role'].capitalize()}, {', '.join(words)}: no figure. {'' if why in above else why}".rstrip()
            for why, words in missing.items()
        ]
    return lines + _together_lines(summary) + _talk_lines(summary)


def _talk_lines(summary: Row) -> list[str]:
    """How much each spoke, and eye contact while listening and while speaking; or why it is not known."""
    if summary["speaking"]["why"] is not None:
        return [f"Who is speaking: no figure. {summary['speaking']['why']}"]
    lines = []
    for person in summary["people"]:
        talk = person["cues"]["talk"]["figures"]
        if talk is None:
            continue
        line = f"{person['role'].capitalize()}, speaking: about {talk['talk_pct']:.0f} % of the time"
        eyes = person["cues"]["eye_contact"]["figures"] or {}
        told = [(state, eyes.get(f"eye_contact_{state}_pct")) for state in ("listening", "speaking")]
        if all(value is not None for _, value in told):
            line += "; eye contact " + ", ".join(f"{value:.0f} % while {state}" for state, value in told)
        lines.append(line + ".")
    return lines


def _together_lines(summary: Row) -> list[str]:
    found = summary.get("facial_mirroring")
    if found is None:
        return []
    smiles = found["shared_smiles"]
    count = smiles["mirrored"] + smiles["simultaneous"]
    line = f"Shared smiles: {count}"
    if smiles["expected_by_chance"] is None:
        line += "; the recording is too short to say how many chance gives."
    elif found["session"] is None:
        line += f"; about {smiles['expected_by_chance']:.0f} expected by chance."
    else:
        differs = smiles["p"] < summary["parameters"]["mirroring"]["stands_out_p"]
        line += f"; about {smiles['expected_by_chance']:.0f} expected by chance: "
        line += "more than chance alone gives." if differs else "no clear difference."
    lines = [line]
    if found["session"] is not None:
        test = found["session"]
        low, high = test["interval"]
        lines.append(
            f"Smiling together: {test['z']:.1f} ({low:.1f} to {high:.1f}) standard deviations from what the "
            f"same two people give out of step (p = {test['p']:.3f}). {found['leader']['reason']}"
        )
    elif found["why"]:
        lines.append(f"Smiling together: no figure. {found['why']}")
    lines.append("Sadness and concern are not measured.")
    return lines


def _standing_out(summary: Row, rows: list[Row]) -> list[str]:
    """Minutes that differ from the person's own median by more than sampling noise explains (METHOD 5.3)."""
    threshold = summary["parameters"]["quality"]["minute_difference_pp"]
    lines = []
    for person in summary["people"]:
        labels = ("facing the partner" if _head_only(person) else "eye contact", "lean", "smiling")
        for label, (_, figure, _) in zip(labels, _columns(person), strict=True):
            whole = [r for r in rows if r["person"] == person["person"] and r["end_s"] - r["start_s"] == MINUTE_S]
            values = {r["minute"]: r[figure] for r in whole if r[figure] is not None}
            if len(values) < summary["parameters"]["quality"]["min_valid_minutes"]:
                continue
            usual = float(np.median(list(values.values())))
            far = sorted(values, key=lambda minute: -abs(values[minute] - usual))[:3]
            named = [f"{values[m]:.0f} % in minute {m}" for m in sorted(far) if abs(values[m] - usual) > threshold]
            if named:
                lines.append(f"{person['role'].capitalize()}, {label}: {', '.join(named)}; usually {usual:.0f} %.")
    minutes = summary.get("facial_mirroring", {}).get("minutes_that_stand_out", [])
    if minutes:
        lines.append(f"Shared smiling: minute{'s' if len(minutes) > 1 else ''} {', '.join(map(str, minutes))}.")
    return lines


def _flag_lines(summary: Row) -> list[str]:
    said = flags_by_words(summary)
    return [f"{' and '.join(filter(None, who))}{': ' if any(who) else ''}{words}" for words, who in said.items()]


def print_probe(probe: "Probe", console: Console) -> None:
    """Prints what a short look at a recording says; `console` may be a terminal or a file."""
    info = probe.info
    minutes, seconds = divmod(round(info.duration), 60)
    steady = "steady" if info.frame_rate_steady else "unsteady; the true times are used"
    _say(console, f"{probe.file}: {SETUP_WORDS[probe.setup]}, {minutes} min {seconds} s.")
    _say(console, f"Looked at {probe.looked_s:.0f} s spread over it.")
    facts = [
        f"Picture: {info.width} x {info.height} pixels, {info.frame_rate:.1f} a second ({steady}).",
        _sound_line(probe.sound),
    ]
    if probe.stretches > 1:
        facts.append(f"The layout changes: {probe.stretches} stretches.")
    _section(console, "The recording", facts)
    _section(console, "People, from left to right", [_person_line(person) for person in probe.people])
    if sum(person.measured for person in probe.people) > 2 or not all(p.measured for p in probe.people):
        _say(console, "--people takes these numbers, as --people 1,2.", "  ")
    several = len(probe.people) > 1
    _section(console, "What will be measurable", [_verdict_line(v, several) for v in probe.verdicts])
    _section(console, "To keep in mind", list(probe.warnings))
    first = probe.first
    change = "Nothing in the picture." if first is None or first.change is None else first.change
    if first is not None and first.person is not None and several:
        change = named(first.person, change)
    _section(console, "The first thing to change", [change])


def _sound_line(sound: "SoundProbe") -> str:
    if not sound.streams:
        return "Sound: none."
    if sound.level_db is None or sound.speech is None:
        return "Sound: cannot be read."
    heard = f"speech in {100 * sound.speech:.0f} % of the time" if sound.speech else "no speech heard"
    count = "" if sound.streams == 1 else f"{sound.streams} streams, "
    return f"Sound: {count}{sound.level_db:.0f} dB at its louder moments, {heard}."


def _person_line(person: "PersonProbe") -> str:
    name = f"{person.number}" + (f" ({person.place})" if person.place != "only" else "")
    found = f"found in {100 * person.found:.0f} % of the looks"
    if not person.measured:
        return f"{name}: {found}, face {person.face_px:.0f} pixels; would be left out."
    if not person.found:
        return f"{name}: no face could be read."
    turn = "from the front"
    if abs(person.yaw_deg) >= 10:
        turn = f"turned {abs(person.yaw_deg):.0f} degrees to the {'right' if person.yaw_deg > 0 else 'left'}"
    light = {None: "light good", "behind": "light from behind", "dim": "too little light"}[person.light_problem]
    shown = "" if person.shown > 0.995 else f", in the layout {100 * person.shown:.0f} % of the time"
    return (
        f"{name}: {found}{shown}, face {person.face_px:.0f} pixels, irises {person.iris_px:.0f} apart, "
        f"{turn}, sharpness {person.sharpness:.0f}, {light}."
    )


def _verdict_line(verdict: Verdict, several: bool) -> str:
    who = f"Person {verdict.person}, " if verdict.person is not None and several else ""
    change = f" {verdict.change}" if verdict.change else ""
    line = f"{who}{CUES[verdict.cue]}: {VERDICTS[verdict.verdict]}. {verdict.why}{change}"
    return line[0].upper() + line[1:]

"""What the figures of a session say, in sentences: each carries its coverage, none claims an intent.

Conventions
-----------
`summary` is the content of session.json, `rows` the minutes as dicts (null is None), both as `write_results` wrote
them. Sentences are Markdown with bold figures. Numbers are rounded to whole per cent: more would
promise more than was measured. `mine`: whoever reads is the trainee, and is told "you".
"""

import re
from collections.abc import Sequence
from dataclasses import asdict
from itertools import pairwise
from typing import Any

from cues.metrics.minutes import COVERAGE_REASON
from cues.metrics.summary import SETUP_WORDS, flags_by_words
from cues.parameters import Parameters

Row = dict[str, Any]


def head_only(person: Row) -> bool:
    """Only the direction of this person's head could be measured, not of the eyes."""
    return "facing" in person["cues"]


def recorded(summary: Row, names: Sequence[str]) -> str:
    """Setup, length and files of the recording; `names`: what the files were called when they were uploaded."""
    minutes, seconds = divmod(round(summary["duration_s"]), 60)
    length = f"{minutes} min {seconds} s" if minutes else f"{seconds} s"
    files = ", ".join(f"`{name.replace('`', '')}`" for name in names)
    return " · ".join(part for part in (SETUP_WORDS[summary["setup"]].capitalize(), length, files) if part)


def guessed(summary: Row) -> bool:
    """Nobody said yet which of the two is the trainee."""
    return len(summary["people"]) == 2 and any(person["role_guessed"] for person in summary["people"])


def who_is_who(summary: Row, mine: bool = False) -> str:
    """Where the trainee and the client are, whether that was guessed, and who was left out."""
    people = summary["people"]
    if len(people) == 1:
        line = f"The person in the picture is taken to be {'you' if mine else 'the trainee'}."
    else:
        places = {person["role"]: _place(person) for person in people}
        names = {role: f"{'your' if mine else 'the'} {role} is" for role in places}
        if mine:
            names["trainee"] = "you are"
        line = ", ".join(f"{names[role]} {place}" for role, place in sorted(places.items(), reverse=True))
        line = line[0].upper() + line[1:] + "."
        if guessed(summary):
            line += " Who is the trainee is a guess."
    if summary["left_out"]:
        count = len(summary["left_out"])
        line += f" Left out: {count} more {'person' if count == 1 else 'people'} in the recording."
    return line


def eye_contact(summary: Row, person: Row, mine: bool = False) -> str:
    """Where one person's gaze, or head, was turned over the session."""
    partner, whose = partner_of(summary, person, mine), _whose(person, mine)
    name = "facing" if head_only(person) else "eye_contact"
    cue = person["cues"][name]
    figures = cue["figures"] or cue.get("while_shown")
    if figures is None:
        lead = {
            "confirm": f"It is not settled which place is {partner}, so there is no percentage.",
            "not_separable": f"The gaze was toward the screen; {partner} cannot be told from what is beside.",
        }
        why = cue["why"] or ""
        return f"{lead.get(cue.get('state', ''), f'No figure for {_who(person, mine)}.')} {why}".strip()
    amount, where = _amount(figures, f"{name}_pct"), _coverage(summary, person, cue)
    if head_only(person):
        return (
            f"{whose} head was turned toward {partner} {amount} of the time{where}. The irises could not be "
            "read well enough: where the eyes looked is not known."
        )
    split = _split(figures, name)
    return (
        f"{whose} gaze was toward {partner} {amount} of the time{where}.{split} Looking down counts as away; notes and "
        "thinking look the same."
    )


def lean(summary: Row, person: Row, mine: bool = False) -> str:
    """How much one person was nearer than in their own usual posture."""
    cue, who = person["cues"]["lean"], _who(person, mine)
    figures = cue["figures"] or cue.get("while_shown")
    if figures is None:
        return f"No figure for {who}. {cue['why'] or ''}".strip()
    room = summary["setup"] == "shared_room"
    towards = "leaned toward the partner (experimental)" if room else "moved closer to the camera"
    times = ""
    if figures["lean_episodes"]:
        count, longest = figures["lean_episodes"], f"{figures['lean_longest_s']:.0f} s"
        times = f": once, for {longest}" if count == 1 else f": {count} times, the longest {longest}"
    lead = f"{who[0].upper()}{who[1:]} had {towards} {_amount(figures, 'lean_forward_pct')} of the time"
    usual = f"Compared with {'your' if who == 'you' else 'their'} own usual posture."
    return f"{lead}{_coverage(summary, person, cue)}{times}. {usual}"


def smiling(summary: Row, person: Row, mine: bool = False) -> str:
    """How much one person smiled."""
    cue, who = person["cues"]["smile"], _who(person, mine)
    figures = cue["figures"] or cue.get("while_shown")
    if figures is None:
        return f"No figure for {who}. {cue['why'] or ''}".strip()
    count = figures["smile_count"]
    times = f": {'once' if count == 1 else f'{count} times'}" if count else ""
    lead = f"{who[0].upper()}{who[1:]} smiled {_amount(figures, 'smile_pct')} of the time"
    return f"{lead}{_coverage(summary, person, cue)}{times}."


def shared_smiles(summary: Row, rows: list[Row], mine: bool = False) -> str:
    """Smiles that belong together, with what chance alone gives; of one person, their smiles."""
    found = summary.get("facial_mirroring")
    if found is None:
        alone = smiling(summary, summary["people"][0], mine)
        return f"{alone} Shared smiles need two people in the recording."
    smiles = found["shared_smiles"]
    count = smiles["mirrored"] + smiles["simultaneous"]
    line = f"**{count}** shared smile{'' if count == 1 else 's'}"
    if smiles["expected_by_chance"] is None:
        line += "; the recording is too short to say how many chance alone gives."
    else:
        line += f"; about **{smiles['expected_by_chance']:.0f}** expected by chance"
        if found["session"] is None:
            line += f". No more is claimed: {_lowered(found['why'])}" if found["why"] else "."
        elif smiles["p"] is not None and smiles["p"] < summary["parameters"]["mirroring"]["stands_out_p"]:
            line += ": more than chance alone gives."
        else:
            line += ": no clear difference."
    first = summary["people"][0]["person"]
    measured = [row for row in rows if row["person"] == first and row.get("shared_smiles_led") is not None]
    count, total = len(measured), summary["minutes"]
    line += f" Both faces could be read in {f'{count} of {total}' if count < total or total == 1 else f'all {total}'}"
    line += f" minute{'s' if total > 1 else ''}."
    return line + " Sadness and concern are not measured."


def conversation(summary: Row, person: Row, mine: bool = False) -> str:
    """How much one person said, in what turns, and how soon they answered."""
    cue, who = person["cues"]["talk"], _who(person, mine)
    figures = cue["figures"]
    if figures is None:
        return f"Who is speaking is not known. {cue['why'] or ''}".strip()
    named = who[0].upper() + who[1:]
    share = (
        "" if figures["talk_share_pct"] is None else f"; of all that was said, about {figures['talk_share_pct']:.0f} %"
    )
    line = f"{named} spoke about **{figures['talk_pct']:.0f} %** of the time{share}."
    turns = figures["talk_turns"]
    if turns and figures["talk_longest_s"] is not None:
        count = "one turn, of" if turns == 1 else f"{turns} turns, the longest"
        line += f" {count[0].upper()}{count[1:]} {figures['talk_longest_s']:.0f} s."
    if figures["talk_pause_s"] is not None:
        delay = ", the network's delay included" if summary["setup"] in ("split_screen", "two_files") else ""
        whose = "your" if who == "you" else "their"
        line += f" The pause before {whose} answers was mostly about {figures['talk_pause_s']:.1f} s{delay}."
    if figures["talk_overlap_pct"] and round(figures["talk_overlap_pct"]):
        line += f" Both spoke at once for about {figures['talk_overlap_pct']:.0f} % of the time."
    known = summary["speaking"]["attributed_share"]
    if known < 0.95:
        line += f" For {100 * (1 - known):.0f} % of the speech it could not be told whose it was."
    return line


def places_looked_at(summary: Row, person: Row) -> str:
    """The question that is open where the partner's place is not settled; else ""."""
    if person["cues"]["eye_contact"].get("state") != "confirm" or not person["candidates"]:
        return ""
    places = [place_looked_at(summary, person, at) for at in person["candidates"]]
    partner, one = partner_of(summary, person), len(places) == 1
    question = f"Is it {partner}?" if one else f"Which one is {partner}?"
    return (
        f"The {person['role']} often looked at {'this place' if one else f'{len(places)} places'}: "
        f"{'; '.join(places)}. {question} Say it below, under Corrections."
    )


def place_looked_at(summary: Row, person: Row, place: Row) -> str:
    """Where one of the places is, and how often it was looked at."""
    zero = partner_of(summary, person) if summary["setup"] == "shared_room" else "the lens"
    return f"{_direction(place, zero)} (near it {100 * place['mass']:.0f} % of the time)"


def reasons(rows: list[Row], figure: str, why: str) -> list[str]:
    """Why minutes of one person have no `figure`, each reason once with the minutes it concerns; empty when all
    have one."""
    found: dict[str, list[int]] = {}
    for row in rows:
        if row.get(figure) is None:
            reason = row.get(why) or "Not measured."
            if reason.startswith(COVERAGE_REASON):
                reason = "Measured in less than half of the minute."
            found.setdefault(reason, []).append(row["minute"])
    return [f"{_minutes(minutes, len(rows))}: {_lowered(reason)}" for reason, minutes in found.items()]


def flags(summary: Row) -> list[str]:
    """What limits the figures of the whole session, each once, with whom it concerns."""
    lines = []
    for words, who in flags_by_words(summary).items():
        named = " and ".join(filter(None, who)).capitalize()
        lines.append(f"{named}: {_lowered(words)}" if named else words)
    return [*summary["notes"], *lines]


def changed_parameters(summary: Row) -> list[str]:
    """Parameters of this session that differ from the ones this version would use."""
    now: dict[str, Any] = asdict(Parameters())
    lines = []
    for group, values in summary["parameters"].items():
        for name, value in values.items():
            usual = now.get(group, {}).get(name)
            plain = list(usual) if isinstance(usual, tuple) else usual
            if value != plain:
                told = "unknown to this version" if usual is None else f"usually {plain}"
                lines.append(f"`{group}.{name}` = {value} ({told})")
    return lines


def corrected(summary: Row) -> list[str]:
    """What a person corrected after the analysis, in the order in which it was done."""
    roles = {person["person"]: f"the {person['role']}" for person in summary["people"]}
    lines = []
    for entry in summary["corrections"]:
        who = roles.get(entry.get("person"), "one person")
        lines.append(
            {
                "trainee": f"Who is the trainee was said: {who}.",
                "target": f"The partner's place was said for {who}.",
                "swap": f"The two people were exchanged from {clock(entry.get('from_s', 0))} on.",
                "neutral": f"A neutral posture was named for {who}.",
                "people": "Whom to measure was chosen.",
                "voice": f"Whose voice is on channel {int(entry.get('channel', 0)) + 1} of the sound was said: {who}.",
            }[entry["kind"]]
        )
    return lines


def clock(seconds: float) -> str:
    """3:07, as a player shows it."""
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}:{rest:02d}"


def spans(minutes: list[int]) -> str:
    """1–3, 7 of ascending minutes."""
    parts: list[list[int]] = [minutes[:1]]
    for before, minute in pairwise(minutes):
        if minute == before + 1:
            parts[-1].append(minute)
        else:
            parts.append([minute])
    return ", ".join(f"{part[0]}–{part[-1]}" if len(part) > 1 else f"{part[0]}" for part in parts)


def _minutes(minutes: list[int], count: int) -> str:
    if len(minutes) == count:
        return "All minutes" if count > 1 else "The one minute"
    return f"Minute{'s' if len(minutes) > 1 else ''} {spans(minutes)}"


def _amount(figures: Row, name: str) -> str:
    low, high = (figures.get(f"{name}_{side}") for side in ("low", "high"))
    bar = f" ({low:.0f}–{high:.0f})" if low is not None and high is not None and round(low) != round(high) else ""
    return f"about **{figures[name]:.0f} %**{bar}"


def _split(figures: Row, name: str) -> str:
    """While listening 49 %, while speaking 41 %."""
    listening, speaking = (figures.get(f"{name}_{state}_pct") for state in ("listening", "speaking"))
    if listening is None or speaking is None:
        return ""
    return f" While listening about **{listening:.0f} %**, while speaking **{speaking:.0f} %**."


def _coverage(summary: Row, person: Row, cue: Row) -> str:
    """, in the 8 of 10 minutes that could be measured"""
    shown = ""
    if cue["figures"] is None:
        share = f"{100 * person['shown_share']:.0f} % of the recording"
        shown = f" in which the {person['role']} is in the picture ({share})"
    count, total = cue["valid_minutes"], summary["minutes"]
    if count == total:
        return f"{shown}, with all {total} minutes measured"
    return f"{shown}, in the {count} of {total} minutes that could be measured"


def _whose(person: Row, mine: bool) -> str:
    return "Your" if _who(person, mine) == "you" else f"The {person['role']}'s"


def _who(person: Row, mine: bool) -> str:
    return "you" if mine and person["role"] == "trainee" else f"the {person['role']}"


def partner_of(summary: Row, person: Row, mine: bool = False) -> str:
    """What this person looks at when looking at the other one: the client's picture, or face."""
    if len(summary["people"]) == 1:
        return "the partner's likely place"
    other = (
        f"{'your' if mine else 'the'} client's" if person["role"] == "trainee" else "your" if mine else "the trainee's"
    )
    return f"{other} {'face' if summary['setup'] == 'shared_room' else 'picture'}"


def _place(person: Row) -> str:
    place = person["place"]
    if place in ("left", "right"):
        return f"on the {place}"
    return f"in the {place} file" if place in ("first", "second") else f"in the {place}"


def _direction(place: Row, zero: str) -> str:
    """In a room angles are counted from the partner's face, else from the lens."""
    h = f"{abs(place['h']):.0f}° {'right' if place['h'] >= 0 else 'left'}"
    return f"{h} in the picture and {abs(place['v']):.0f}° {'above' if place['v'] >= 0 else 'below'} {zero}"


def _lowered(words: str) -> str:
    """A sentence behind a colon."""
    return words[:1].lower() + words[1:]


def plain(text: Any) -> str:
    """Text that people wrote, as it is written inside Markdown. An invisible sign (U+2060) keeps what looks like a web
    address from becoming a link, which no escape does."""
    unlinked = re.sub(r"(?<=:)(?=//)|(?<=www)(?=\.)", "\u2060", str(text), flags=re.IGNORECASE)
    return "".join(f"\\{sign}" if sign in "\\`*_{}[]()#+-.!|$<>~:" else sign for sign in unlinked)

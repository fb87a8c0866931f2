"""What a file of an annotation program says, whichever program it was: its tiers, of which session and media they are.

Such a file comes from elsewhere. Everything in it is bounded, nothing that it refers to is opened, and whatever is
wrong with it becomes one sentence for who brought it in.
"""

from dataclasses import dataclass, replace

from cues.annotations.views import by_time, clean
from cues.errors import CuesError
from cues.library.kept_tiers import MOST_MARKS, MOST_TIERS, Tier

MOST_BYTES = 20_000_000
MOST_ELEMENTS = 1_000_000
DAY_MS = 24 * 3600 * 1000
_LONGEST_NAME, _LONGEST_TEXT = 300, 20_000
_MOST_TIERS, _MOST_MARKS = 2 * MOST_TIERS, 2 * MOST_MARKS  # what one person keeps, and as much again of the tool's


class AnnotationError(CuesError):
    """A file of an annotation program cannot be taken in; the sentence is for who brought it."""


@dataclass(frozen=True)
class Document:
    """program: ELAN or BORIS. session, analysis: of which it says it is, None where it says nothing. media: names of
    the files it is about. Of ELAN the name of a tier says all.

    Of BORIS a tier has the events of one observation (`Tier.view`, "" for the tool's), subject and behaviour, and
    there is none where there are no events. So that this can be told from what is not in the file at all: observations
    that it has, subjects and states that it defines.
    """

    program: str
    session: str | None
    analysis: str | None
    media: tuple[str, ...]
    tiers: tuple[Tier, ...]
    observations: tuple[str, ...] = ()
    subjects: frozenset[str] = frozenset()
    states: frozenset[str] = frozenset()


def checked(document: Document) -> Document:
    """The document, where it holds no more than a session can, with texts that both programs can hold. Raises
    AnnotationError."""
    marks = sum(len(tier.marks) for tier in document.tiers)
    if len(document.tiers) > _MOST_TIERS or marks > _MOST_MARKS:
        raise AnnotationError(f"The file has more than {_MOST_TIERS} tiers or {_MOST_MARKS} annotations.")
    tiers = []
    for tier in document.tiers:
        if any(len(name) > _LONGEST_NAME for name in tier.key):
            raise AnnotationError(f"A name in the file has more than {_LONGEST_NAME} characters.")
        if any(len(text) > _LONGEST_TEXT for _, _, text in tier.marks):
            raise AnnotationError(f"The tier “{tier.name}” has a text of more than {_LONGEST_TEXT} characters.")
        texts = [(start, end, clean(text, keep_lines=True)) for start, end, text in tier.marks]
        view, subject, name = map(clean, tier.key)
        tiers.append(Tier(view, subject, name, tuple(sorted(texts, key=by_time))))
    return replace(document, tiers=tuple(tiers))

"""What a guide's text says of itself: title, edition, issuing body, validity. Guesses, for a person to correct."""

from __future__ import annotations

from bot.types import SourceText


def guess(source: SourceText) -> dict[str, str]:
    """Guessed values of the fields of a Guide; a field that the text is silent on is missing."""
    return {}

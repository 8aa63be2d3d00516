"""Finding commands by a few letters."""

from __future__ import annotations


def fuzzy_score(query: str, text: str) -> float | None:
    """How well `query` fits `text`; None where its letters are not in it in this order. Larger is better.

    Letters at the start of words and in a row count most, so that 'ex' finds 'Export' before 'Next', and 'bl' finds
    'Match levels to the scene' by its words.
    """
    wanted, there = query.casefold().replace(" ", ""), text.casefold()
    if not wanted:
        return 0.0
    best = None
    for start in (index for index, letter in enumerate(there) if letter == wanted[0]):
        score, last = 0.0, start - 1
        for letter in wanted:
            found = there.find(letter, last + 1)
            if found < 0:
                score = -1.0
                break
            starts_word = found == 0 or not there[found - 1].isalnum()
            follows = found == last + 1 and last >= start
            score += 3.0 if starts_word else 2.0 if follows else 0.2
            last = found
        if score >= 0.0:
            score -= 0.01 * len(there) + 0.02 * start
            best = score if best is None else max(best, score)
    return best

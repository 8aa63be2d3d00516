"""What an object may be called: guesses of a recogniser, and who named it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated
from typing import Final
from typing import Literal

from sounddesk.domain.limits import NotEmpty
from sounddesk.domain.limits import Range

NamedBy = Literal["user", "number", "guess"]
MOST_GUESSES: Final = 3
"""How many guesses an object keeps: the best and two that a key takes instead."""


@dataclass(frozen=True, kw_only=True)
class NameGuess:
    """One thing that an object may be.

    Attributes:
        name: such as 'dog'.
        prompt: words for its sound, such as 'a dog barking'.
        confidence: share of such guesses that are right, 0 to 1.

    Raises:
        ValueError: a blank name, or a confidence out of range.
    """

    name: NotEmpty
    prompt: str
    confidence: Annotated[float, Range(0.0, 1.0)]

    def __post_init__(self) -> None:
        if not self.name.strip():
            raise ValueError(f"name of a guess is {self.name!r}: give it words")
        if not 0.0 <= self.confidence <= 1.0:
            raise ValueError(f"confidence in {self.name!r} is {self.confidence:g}: choose from 0 to 1")

    @property
    def percent(self) -> str:
        """The confidence as it is shown, such as '93 %'."""
        return f"{round(100 * self.confidence)} %"


@dataclass(frozen=True, kw_only=True)
class RecognisedObject:
    """What a recogniser says of an object.

    Attributes:
        guesses: most confident first.
        least_confidence: below it the best guess is no name.

    Example:
        >>> dog = NameGuess(name="dog", prompt="a dog barking", confidence=0.9)
        >>> RecognisedObject(guesses=(dog,), least_confidence=0.6).name
        NameGuess(name='dog', prompt='a dog barking', confidence=0.9)
        >>> RecognisedObject(guesses=(dog,), least_confidence=0.95).name is None
        True
    """

    guesses: Sequence[NameGuess]
    least_confidence: float

    @property
    def name(self) -> NameGuess | None:
        """The best guess where it is confident enough to be the object's name."""
        best = self.guesses[0] if self.guesses else None
        return None if best is None or best.confidence < self.least_confidence else best

"""Terms of weights, and the one line that says them in the provenance of exported files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from typing import Literal

from sounddesk.domain.limits import NotEmpty

CommercialUse = Literal["yes", "no", "conditional"]

_USE: Final = {"yes": "paid work allowed", "no": "no paid work", "conditional": "paid work under conditions"}


@dataclass(frozen=True, kw_only=True)
class Licence:
    """Terms of the weights.

    Attributes:
        name: full name, as people know it.
        commercial: whether the weights may be used for paid work.
        spdx: SPDX identifier where one exists.
        note: conditions in one or two sentences.
        url: text of the licence.
    """

    name: NotEmpty
    commercial: CommercialUse
    spdx: str | None = None
    note: str = ""
    url: str | None = None


def licence_line(licence: Licence) -> str:
    """Name or SPDX identifier, and whether the sounds may be used for paid work.

    Example:
        >>> licence_line(Licence(name="MIT License", spdx="MIT", commercial="yes"))
        'MIT (paid work allowed)'
    """
    return f"{licence.spdx or licence.name} ({_USE[licence.commercial]})"

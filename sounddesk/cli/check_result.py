"""One line of `sounddesk doctor`."""

from __future__ import annotations

from dataclasses import asdict
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class CheckResult:
    """The result of one check.

    Attributes:
        section: heading it stands under, e.g. 'libraries of the system'.
        name: what was checked.
        value: what was found, for a reader.
        ok: whether it serves.
        required: whether rendering needs it; a window's or player's library is not.
        needed_for: what does not work without it; empty where `ok`.
        remedy: the command or step that mends it; empty where `ok`.
    """

    section: str
    name: str
    value: str
    ok: bool = True
    required: bool = False
    needed_for: str = ""
    remedy: str = ""

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

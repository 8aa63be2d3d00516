"""How an object was selected in the image: clicks, box, mask file, automatically, or derived."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from typing import Any
from typing import Final
from typing import Literal
from typing import cast
from typing import get_args

from sounddesk.domain.json_fields import FieldError
from sounddesk.domain.json_fields import Fields
from sounddesk.domain.mask import Box

SelectionHow = Literal["clicks", "box", "mask_file", "auto", "whole", "complement", "union"]

_PIXEL_LIMIT: Final = 2**31 - 1


@dataclass(frozen=True, kw_only=True)
class Click:
    """One click at pixel (x, y): on the object, or (`positive` False) on what does not belong to it."""

    x: int
    y: int
    positive: bool = True


@dataclass(frozen=True, kw_only=True)
class Selection:
    """How an object was selected.

    Attributes:
        how: 'clicks', 'box' or 'mask_file' by the user; 'auto' proposed by a segmenter; 'whole' the full image;
            'complement' what the other objects leave over; 'union' the objects of a blend together.
        clicks: in their order; at least one for 'clicks', and allowed beside a box.
        box: the box, for 'box'.
        mask_file: path as given, for 'mask_file'.
        extra: keys of newer versions, kept as read.

    Raises:
        ValueError: what `how` needs is missing.
    """

    how: SelectionHow
    clicks: tuple[Click, ...] = ()
    box: Box | None = None
    mask_file: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.how == "clicks" and not any(click.positive for click in self.clicks):
            raise ValueError("selection by clicks has no click on the object: give at least one")
        if self.how == "box" and (self.box is None or self.box.width < 1 or self.box.height < 1):
            raise ValueError("selection by box has no box of at least one pixel: give left, top, right, bottom")
        if self.how == "mask_file" and not self.mask_file:
            raise ValueError("selection by mask file names no file: give its path")

    def to_json(self) -> dict[str, Any]:
        data: dict[str, Any] = {"how": self.how}
        if self.clicks:
            data["clicks"] = [[click.x, click.y, int(click.positive)] for click in self.clicks]
        if self.box is not None:
            data["box"] = [self.box.left, self.box.top, self.box.right, self.box.bottom]
        if self.mask_file is not None:
            data["mask_file"] = self.mask_file
        return {**data, **self.extra}

    @classmethod
    def from_json(cls, fields: Fields, *, allow_unknown: bool = False) -> Selection:
        """Read back what `to_json` wrote.

        Raises:
            FieldError: naming the key.
        """
        how = cast(SelectionHow, fields.choice("how", get_args(SelectionHow)))
        try:
            return cls(
                how=how,
                clicks=_read_clicks(fields) if "clicks" in fields else (),
                box=_read_box(fields) if "box" in fields else None,
                mask_file=fields.text("mask_file") if "mask_file" in fields else None,
                extra=fields.rest(allowed=allow_unknown),
            )
        except FieldError:
            raise
        except ValueError as error:
            raise FieldError(f"{fields.place('how')} is {how!r}, but {error}") from None


@dataclass(frozen=True, kw_only=True)
class ObjectSpec:
    """One object as the user wrote it: its name, and how it is selected."""

    name: str
    selection: Selection


def _read_clicks(fields: Fields) -> tuple[Click, ...]:
    rows, keys = fields.rows("clicks")
    clicks = []
    for key in keys:
        x, y, positive = rows.wholes(key, low=0, high=_PIXEL_LIMIT, n=3)
        if positive > 1:
            raise FieldError(f"{rows.place(key)} ends in {positive}: expected 1 (on the object) or 0 (off it)")
        clicks.append(Click(x=x, y=y, positive=bool(positive)))
    return tuple(clicks)


def _read_box(fields: Fields) -> Box:
    left, top, right, bottom = fields.wholes("box", low=0, high=_PIXEL_LIMIT, n=4)
    return Box(left=left, top=top, right=right, bottom=bottom)

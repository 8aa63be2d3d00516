"""The measures of `sounddesk evaluate`: one entry each, registered in the measure's own module.

Subcommands and their help follow from the entries, and the manual's table of commands must tell of each. `--help` reads
them all, so a measure's module imports what is heavy inside its functions.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field
from pathlib import Path
from typing import Any
from typing import Final
from typing import Literal
from typing import Protocol

from sounddesk.domain.preset import PRESETS
from sounddesk.domain.registry import Registry

OptionKind = Literal["flag", "path", "names", "text", "number", "whole number"]


@dataclass(frozen=True, kw_only=True)
class MeasureOption:
    """An option of a measure; the measure gets its value under the flag's name, '-' as '_'.

    Attributes:
        flag: '--takes'; without dashes it has no flag on the command line, and stands for its place there.
        help: for `--help`; a default is added to it.
        kind: what is read; 'names' is a list separated by commas, given as a tuple.
        repeated: whether it may be given several times; the value is a list then, None without any.
        default_text: how the help names the default, where the value does not say it; '' for nothing.
        check: raises ValueError for a value that cannot be used, naming it and the remedy.
    """

    flag: str
    help: str
    kind: OptionKind = "text"
    metavar: str | None = None
    default: Any = None
    default_text: str | None = None
    choices: tuple[str, ...] | None = None
    required: bool = False
    repeated: bool = False
    check: Callable[[Any], None] | None = None

    @property
    def keyword(self) -> str:
        return self.flag.removeprefix("--").replace("-", "_")


class Result(Protocol):
    """What a measure found out, as it tells it itself."""

    def line(self) -> str: ...

    def to_json(self) -> dict[str, Any]: ...


class DetailedResult(Result, Protocol):
    """One that has more to tell than a line."""

    def details(self) -> Sequence[str]: ...


@dataclass(frozen=True, kw_only=True)
class MeasureReport:
    """Result of a measure.

    Attributes:
        line: the result in one line.
        document: the same as a JSON document.
        details: further lines of the result.
        notes: what the user should know besides, e.g. where files went.
    """

    line: str
    document: Mapping[str, Any]
    details: Sequence[str] = ()
    notes: Sequence[str] = ()

    @classmethod
    def of(cls, result: Result) -> MeasureReport:
        """What a result tells of itself, without notes."""
        return cls(line=result.line(), document=result.to_json())

    @classmethod
    def with_details(cls, result: DetailedResult) -> MeasureReport:
        """The same with the further lines of the result."""
        return cls(line=result.line(), document=result.to_json(), details=result.details())


@dataclass(frozen=True, kw_only=True)
class MeasureEntry:
    """A measure that `sounddesk evaluate` offers.

    Attributes:
        name: of the subcommand.
        summary: what it finds out, as a question or a phrase without its final mark.
        measure: called with the folder of pictures or None and, by keyword, `progress`, `cancel`, the values of
            `options` and, where it takes pictures, `bundle`, `seed`, `backgrounds` and `device`. Raises BadInputError
            or OutputError for what the user can correct, EngineError for the rest, and Cancelled.
        known_kinds_only: pictures of kinds that the bundle does not know are skipped and counted.
        takes_pictures: whether it measures a bundle on pictures at all.
        takes_bundle: whether it measures a bundle without pictures; `bundle` and `device` are given then.
        instead_of_pictures: flag of the option that may be given instead of the pictures; `measure` then gets None for
            them. '' where there is none.
        options: beside those that all measures have.
        when_cancelled: what is said after a stop; '' for nothing.
    """

    name: str
    summary: str
    measure: Callable[..., MeasureReport]
    known_kinds_only: bool = True
    takes_pictures: bool = True
    takes_bundle: bool = False
    instead_of_pictures: str = ""
    options: tuple[MeasureOption, ...] = field(default=())
    when_cancelled: str = ""

    @property
    def description(self) -> str:
        """The summary as a sentence."""
        mark = "?" if self.summary.startswith(("does ", "how ", "which ")) else "."
        return f"{self.summary[0].upper()}{self.summary[1:]}{mark}"

    @property
    def usage(self) -> str:
        """The command with its required options."""
        needed = [
            f"{each.flag} {each.metavar}" if each.flag.startswith("--") else f"{each.metavar} ..."
            for each in self.options
            if each.required
        ]
        if self.takes_pictures:
            needed.insert(0, f"{self.instead_of_pictures or '--pictures'} FOLDER")
        return " ".join(["sounddesk evaluate", self.name, *needed])


MEASURES: Final[Registry[MeasureEntry]] = Registry("measure", package="sounddesk.evaluation.measures")


def in_range(name: str, least: int, most: int | None = None) -> Callable[[int], None]:
    """A check of a whole number."""
    wanted = f"{least} or more" if most is None else f"from {least} to {most}"

    def check(value: int) -> None:
        if value < least or (most is not None and value > most):
            raise ValueError(f"{name} is {value}: choose {wanted}")

    return check


def folder_option(
    flag: str, text: str, *, required: bool = False, default: Path | None = None, default_text: str | None = None
) -> MeasureOption:
    """An option that names a folder; `text` is its help."""
    return MeasureOption(
        flag=flag,
        help=text,
        kind="path",
        metavar="FOLDER",
        required=required,
        default=default,
        default_text=default_text,
    )


def prepared_set_option(text: str = "a set that 'sounddesk train prepare starter' built") -> MeasureOption:
    """--reference: the recordings and pictures that a bundle was made of, and others of the same kinds."""
    return folder_option("--reference", text, default=Path("starter-data"))


def seed_option(text: str) -> MeasureOption:
    """--seed, and what follows from it."""
    return MeasureOption(flag="--seed", help=text, kind="whole number", default=0, check=in_range("seed", 0))


def photograph_split_option() -> MeasureOption:
    """Which of the photographs of a folder."""
    return MeasureOption(
        flag="--split",
        help="only the photographs of this split in their photographs.csv",
        choices=("tune", "validation", "test"),
        default="",
        default_text="all",
    )


def scenes_option(default: int) -> MeasureOption:
    """How many scenes are composed."""
    return MeasureOption(
        flag="--scenes", help="how many", kind="whole number", default=default, check=in_range("scenes", 1)
    )


def photograph_options() -> tuple[MeasureOption, ...]:
    """Which photographs, and whose networks: --photographs, --split and --bundle."""
    return (
        folder_option(
            "--photographs", "holds photographs with labelme's or COCO's outlines beside them", required=True
        ),
        photograph_split_option(),
        MeasureOption(flag="--bundle", help="name or folder of a bundle", default="starter"),
    )


def preset_option() -> MeasureOption:
    """How takes are made."""
    return MeasureOption(flag="--preset", help="how takes are made", choices=PRESETS, default="fast")


def seconds_option(seconds: float) -> MeasureOption:
    """How long takes are, with this default."""
    return MeasureOption(
        flag="--seconds", help="length of each take", kind="number", default=seconds, check=_check_seconds
    )


def take_options(seconds: float) -> tuple[MeasureOption, ...]:
    """How takes are made and judged: --preset, --seconds (with this default) and --classifier."""
    return (
        preset_option(),
        seconds_option(seconds),
        MeasureOption(
            flag="--classifier",
            help="a sound classifier of your own kinds",
            kind="path",
            metavar="FOLDER",
            check=_check_classifier,
        ),
    )


def recording_options() -> tuple[MeasureOption, ...]:
    """What a bundle is compared with: --reference, --split and --recordings."""
    return (
        prepared_set_option(
            "real recordings: KIND/*.flac (or WAV, OGG, AIFF) of anyone's, or a set that 'sounddesk train prepare "
            "starter' built"
        ),
        MeasureOption(
            flag="--split",
            help="which part of such a set",
            choices=("train", "validation", "test", "all"),
            default_text="test",
        ),
        MeasureOption(
            flag="--recordings",
            help="at most so many, spread over the kinds",
            kind="whole number",
            default_text="all",
            check=in_range("recordings", 8),
        ),
    )


def _check_seconds(seconds: float) -> None:
    from sounddesk.engine.specs import check_seconds

    check_seconds(seconds)


def _check_classifier(folder: Path) -> None:
    if not (folder / "config.json").is_file():
        raise ValueError(f"{folder} is no sound classifier: name the folder 'export/classifier' of its training run")

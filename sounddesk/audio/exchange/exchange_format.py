"""Kinds of project file for other programs, by name.

A kind is a module of this package that registers its entry; the export dialog, help texts, checks of settings and one
contract test follow from it.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any
from typing import Final

from sounddesk.audio.exchange.exchange_model import ExchangeTrack
from sounddesk.audio.placed_clip import Sound
from sounddesk.domain.errors import MissingPackageError
from sounddesk.domain.project import Project
from sounddesk.domain.registry import Registry


@dataclass(frozen=True, kw_only=True)
class ExchangeJob:
    """One project file to write.

    Attributes:
        path: of the file, which does not exist yet.
        tracks: the lanes of `project` with their clips.
        samples_of: a take's samples at 48 kHz.
        title: of the project.
        comment: for the metadata: provenance and licences, a line each.
        media_folder: where the media lie, relative to the file, for formats that play files beside them.
        between: called before each long part; what it raises ends the writing.
    """

    path: Path
    project: Project
    tracks: tuple[ExchangeTrack, ...]
    samples_of: Callable[[str], Sound | None]
    title: str
    comment: str
    media_folder: str
    between: Callable[[], None]


@dataclass(frozen=True, kw_only=True)
class ExchangeFormat:
    """One kind of project file.

    Attributes:
        name: as presets, projects and the command line say it.
        label: as a person reads it.
        suffix: with the dot.
        programs: that read it, for help texts.
        write: makes the file. Raises OSError.
        plays_media: the file plays raw takes in a folder beside it; otherwise the sound is in the file.
        module, package: what it needs, as it is imported and as it is called; empty where nothing is.
        extra: of sounddesk, that installs the package.
        order: place in menus and help texts, smaller first.
    """

    name: str
    label: str
    suffix: str
    programs: str
    write: Callable[[ExchangeJob], None]
    plays_media: bool
    module: str = ""
    package: str = ""
    extra: str = ""
    order: int = 100

    def require(self) -> Any:
        """The package that the format needs; None where it needs none. Raises: MissingPackageError."""
        if not self.module:
            return None
        try:
            return import_module(self.module)
        except ImportError:
            raise MissingPackageError(
                f"{self.package} is not installed",
                remedy=f"pip install 'sounddesk[{self.extra}]', or export without {self.label}",
            ) from None


EXCHANGE_FORMATS: Final[Registry[ExchangeFormat]] = Registry("project file format", package="sounddesk.audio.exchange")


def exchange_formats() -> tuple[ExchangeFormat, ...]:
    """All kinds, in the order of menus and help texts."""
    return tuple(sorted(EXCHANGE_FORMATS, key=operator.attrgetter("order")))

"""`release.json`: what a release consists of. It lies beside the artefacts; nothing fetches it.

Written by `packaging/release.py`, read where the user asks whether a release that she got is newer.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated
from typing import Final
from typing import Literal

from packaging.version import Version

from sounddesk.domain.limits import NotEmpty
from sounddesk.domain.limits import Range
from sounddesk.domain.limits import Sha256
from sounddesk.storage.codec import load
from sounddesk.storage.text_formats import FieldError

Standing = Literal["newer", "same", "older"]

_MOST_QUOTED: Final = 40


@dataclass(frozen=True, kw_only=True)
class Artefact:
    """One file of a release.

    Attributes:
        name: of the file, without folders.
        bytes: its length.
        sha256: its hash.
    """

    name: NotEmpty
    bytes: Annotated[int, Range(0, 2**50)]
    sha256: Sha256


@dataclass(frozen=True, kw_only=True)
class Release:
    """A release.

    Attributes:
        version: as Python's packages count, e.g. '0.2.0' or '0.2.0rc1'.
        date: of the build, e.g. '2026-11-30'.
        artefacts: its files.
    """

    schema_version: Literal[1]
    version: NotEmpty
    date: NotEmpty
    artefacts: tuple[Artefact, ...] = ()

    def standing(self, installed: str) -> Standing:
        """Whether this release is newer than the version `installed`.

        Raises:
            FieldError: one of the two is no version.

        Example:
            >>> Release(schema_version=1, version="0.10.0", date="2026-11-30").standing("0.9.1")
            'newer'
        """
        here, there = _version(installed), _version(self.version)
        return "newer" if there > here else "older" if there < here else "same"


def read_release(path: Path) -> Release:
    """The release that a file describes; keys of later versions are ignored.

    Raises:
        FieldError: it is no such file.
        OSError: it cannot be read.
    """
    return load(Release, path, unknown="ignore")


def _version(text: str) -> Version:
    try:
        return Version(text)
    except ValueError:
        # `InvalidVersion`, or a number of thousands of digits.
        raise FieldError(f"version is {text[:_MOST_QUOTED]!r}: expected one like '0.2.0'") from None

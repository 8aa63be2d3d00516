"""Which add-on for graphics cards was installed into the app without Python: one small file in the user's data folder.

Light to import, since the app looks for that file before anything else at every start.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from typing import Literal

from sounddesk.domain.limits import NotEmpty
from sounddesk.domain.limits import Sha256
from sounddesk.storage.path_text import user_data_folder

_NAME: Final = "graphics-card-addon.json"


@dataclass(frozen=True, kw_only=True)
class TorchRuntime:
    """What a build of torch fits to.

    Attributes:
        torch: its version with the build behind it, e.g. '2.13.0+cu130'.
        python: major and minor version of Python, e.g. '3.11'.
        platform: system and processor, e.g. 'linux-x86_64'.
    """

    torch: NotEmpty
    python: NotEmpty
    platform: NotEmpty

    def __str__(self) -> str:
        return f"torch {self.torch} for Python {self.python} on {self.platform}"

    def fits(self, other: TorchRuntime) -> bool:
        """Whether one can stand in for the other: all the same but the build.

        Example:
            >>> here = TorchRuntime(torch="2.13.0+cpu", python="3.11", platform="linux-x86_64")
            >>> here.fits(TorchRuntime(torch="2.13.0+cu130", python="3.11", platform="linux-x86_64"))
            True
        """
        mine, others = ((each.torch.partition("+")[0], each.python, each.platform.lower()) for each in (self, other))
        return mine == others


@dataclass(frozen=True, kw_only=True)
class AddonRecord:
    """An add-on whose files were all checked.

    Attributes:
        folder: where the user keeps it.
        manifest_sha256: of its manifest, which names every file.
        runtime: which torch it holds.
    """

    schema_version: Literal[1]
    folder: Path
    manifest_sha256: Sha256
    runtime: TorchRuntime


def record_path() -> Path:
    """Where the record is, if there is one."""
    return user_data_folder() / _NAME


def read_record() -> AddonRecord | None:
    """The record; None where no add-on was installed. Raises: FieldError, OSError."""
    from sounddesk.storage.codec import load

    path = record_path()
    return load(AddonRecord, path, unknown="ignore") if path.is_file() else None


def write_record(record: AddonRecord) -> None:
    """Keep the record in place of an earlier one. Raises: OutputError."""
    from sounddesk.storage.atomic_file import translate_os_errors
    from sounddesk.storage.atomic_file import write_file
    from sounddesk.storage.codec import encode

    path = record_path()
    with translate_os_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    write_file(path, (json.dumps(encode(record), indent=1, ensure_ascii=False) + "\n").encode())

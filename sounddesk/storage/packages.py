"""Packages of Debian, npm and PyPI, fetched by their ordinary clients and pinned by version and hash.

Packages come through `apt-get download` and `dpkg-deb -x`, `npm pack` and `pip download`. A folder that already holds
them unpacked is used as it is, so what needs them works without network and without these clients.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import tarfile
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from typing import Literal

from sounddesk.domain.errors import BadInputError

_HASH_BLOCK_BYTES: Final = 1 << 20
_FETCH_TIMEOUT_S: Final = 3600

PackageRegistry = Literal["debian", "npm", "pypi"]


class PackageError(BadInputError):
    """A package that is described wrongly, cannot be fetched, or is not what was pinned."""


@dataclass(frozen=True, kw_only=True)
class Package:
    """One package as it is pinned.

    Attributes:
        name: in its registry, e.g. '@scope/name'.
        sha256: of the file that the client downloads.
        client_options: added to the client's command, e.g. for a wheel of another Python.
    """

    name: str
    registry: PackageRegistry
    version: str
    sha256: str
    client_options: tuple[str, ...] = ()

    @property
    def folder(self) -> str:
        """Name of the folder that holds the package unpacked."""
        return re.sub(r"[^A-Za-z0-9.+_-]+", "-", self.name).strip("-")


class PackageCache:
    """Packages in a folder, fetched at first use.

    Args:
        folder: holds `trees/PACKAGE` (unpacked) and `archives` (as downloaded).
        fetch: whether what is missing may be downloaded.
    """

    def __init__(self, folder: Path, *, fetch: bool = True) -> None:
        # The clients that fetch and unpack run in this folder, so a relative one would mean another place to them.
        self._folder = folder.resolve()
        self._fetch = fetch

    def tree(self, package: Package) -> Path:
        """The folder of the unpacked package. Raises: PackageError."""
        tree = self._folder / "trees" / package.folder
        if not tree.is_dir():
            if not self._fetch:
                raise PackageError(f"{tree} is missing; put the unpacked package {package.name} there")
            self._unpack(package, tree)
        return tree

    def _unpack(self, package: Package, tree: Path) -> None:
        archive = self._archive(package)
        tree.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=tree.parent) as scratch:
            # Unpacked beside its place and renamed, so a half-unpacked tree never counts.
            target = Path(scratch) / "tree"
            target.mkdir()
            if package.registry == "debian":
                _run(["dpkg-deb", "-x", str(archive), str(target)], cwd=tree.parent)
            elif package.registry == "pypi":
                with zipfile.ZipFile(archive) as wheel:
                    wheel.extractall(target)
            else:
                with tarfile.open(archive) as packed:
                    # Python before 3.11.4 has no filters; the archive is the one whose sha256 is pinned.
                    if hasattr(tarfile, "data_filter"):
                        packed.extraction_filter = tarfile.data_filter
                    packed.extractall(target)
            target.rename(tree)

    def _archive(self, package: Package) -> Path:
        folder = self._folder / "archives"
        folder.mkdir(parents=True, exist_ok=True)
        for path in sorted(folder.iterdir()):
            if path.is_file() and file_sha256(path) == package.sha256:
                return path
        before = set(folder.iterdir())
        _run(_download_command(package), cwd=folder)
        for path in sorted(set(folder.iterdir()) - before):
            digest = file_sha256(path)
            if digest == package.sha256:
                return path
            raise PackageError(
                f"{path.name} has sha256 {digest}, expected {package.sha256}; the package changed, "
                f"so check it and its licences again before you pin the new hash"
            )
        raise PackageError(f"nothing was downloaded for {package.name} {package.version}")


def _download_command(package: Package) -> list[str]:
    pinned = {"debian": "=", "npm": "@", "pypi": "=="}[package.registry].join((package.name, package.version))
    command = {
        "debian": ["apt-get", "download"],
        "npm": ["npm", "pack"],
        "pypi": ["pip", "download", "--no-deps", "--only-binary", ":all:"],
    }[package.registry]
    return [*command, *package.client_options, pinned]


def file_sha256(path: Path) -> str:
    """Hash of a file in hexadecimal, read in blocks."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_HASH_BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


def _run(command: list[str], *, cwd: Path) -> None:
    if shutil.which(command[0]) is None:
        raise PackageError(
            f"{command[0]} is not installed, so packages cannot be fetched here; "
            f"unpack them elsewhere and give that folder as the sources folder"
        )
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=_FETCH_TIMEOUT_S, check=False)
    if done.returncode != 0:
        raise PackageError(f"'{' '.join(command)}' failed: {done.stderr.strip() or done.stdout.strip()}")

"""Puts the licences of all that is in the frozen app into its folder `licences`, with the places of the sources.

    python packaging/frozen/notices.py FROZEN --toc FILE --libraries FILE --table FILE

FILE of `--toc` is PyInstaller's list of what it collected (COLLECT-00.toc), of `--libraries` the JSON of pip-licenses.
Must be run by the Python that the app was frozen with. A library that nobody knows ends it with an error: it needs an
entry in `native_libraries.toml`.
"""

from __future__ import annotations

import argparse
import ast
import importlib.metadata
import json
import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib
from dataclasses import dataclass
from dataclasses import field
from pathlib import Path
from typing import Any
from typing import Final

import jinja2

HERE: Final = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]
from publisher import publisher  # noqa: E402
from unused_libraries import UNUSED  # noqa: E402

ROOT: Final = HERE.parents[1]
TEXTS: Final = ROOT / "packaging" / "licences"
# Libraries that unused_libraries.py replaces are smaller than this then.
_EMPTY_BYTES: Final = 64_000
_REPLACED: Final = tuple(name for _, names in UNUSED.values() for name in names)
_IS_LICENCE: Final = re.compile(r"(?i)(licen[cs]e|copying|notice|authors|3rd.?party|third.?party)[^/]*$")
_NO_TEXT: Final = (".py", ".pyc", ".pyi", ".so", ".html")
_LIBRARY: Final = re.compile(r"\.(so|dylib|dll)(\.|$)", re.IGNORECASE)
# Make the app, and are not in it.
_TOOLS: Final = (
    "altgraph", "pyinstaller-hooks-contrib", "pip", "setuptools", "pip-licenses", "prettytable", "wcwidth",
)  # fmt: skip
# PyInstaller's own program begins the app; its licence has an exception for that.
_LICENCES: Final = {
    "pyinstaller": "GPL-2.0-or-later WITH Bootloader-exception",
    "segment-anything": "Apache-2.0",
}


@dataclass
class Collected:
    """What lies in the app, by origin.

    Attributes:
        wheels: file names of libraries that wheels bring along.
        system: packages of the system, by name.
        unknown: files of neither.
    """

    wheels: set[str] = field(default_factory=set)
    system: set[str] = field(default_factory=set)
    unknown: set[str] = field(default_factory=set)


def collected(toc: Path, *, packages: Path) -> Collected:
    """Sort the libraries of PyInstaller's list by where they came from."""
    found = Collected()
    python = Path(sys.base_prefix).resolve()
    for _, source, kind in ast.literal_eval(toc.read_text(encoding="utf-8"))[0]:
        path = Path(source)
        if kind not in ("BINARY", "EXTENSION") or not _LIBRARY.search(path.name):
            continue
        if path.is_relative_to(packages):
            is_empty = path.name.startswith(_REPLACED) and path.stat().st_size < _EMPTY_BYTES
            if _is_brought_along(path.relative_to(packages)) and not is_empty:
                found.wheels.add(path.name)
        elif not path.resolve().is_relative_to(python):
            package = _system_package(path)
            (found.system if package else found.unknown).add(package or path.name)
    return found


def _is_brought_along(path: Path) -> bool:
    """Whether a library in a wheel is one of others: in a folder for such, and no module of Python's."""
    folder = path.parent.as_posix()
    return folder.endswith((".libs", "_soundfile_data", "Qt/lib")) or path.name.startswith("libgomp")


def _system_package(path: Path) -> str:
    """The Debian package that a file of the system belongs to; '' where that cannot be told."""
    if shutil.which("dpkg-query") is None:
        return ""
    # Where /lib is a link to /usr/lib, the system may know the file by either name.
    bare = str(path.resolve()).removeprefix("/usr")
    for each in (path, path.resolve(), bare, f"/usr{bare}"):
        said = subprocess.run(["dpkg-query", "-S", str(each)], capture_output=True, text=True, check=False).stdout
        if said:
            return said.partition(":")[0].split(",")[0]
    return ""


def entries_of(names: set[str], table: dict[str, Any]) -> tuple[list[dict[str, Any]], list[str]]:
    """The table's entries of libraries by their files' names, and the names that no entry has."""
    used, unknown = [], set(names)
    for entry in table["library"]:
        its = {name for name in names if name.startswith(tuple(entry["names"]))}
        unknown -= its
        if its:
            used.append(entry)
    return used, sorted(unknown)


def copy_texts(folder: Path) -> None:
    """Every licence, notice and list of authors that the libraries bring along, and Python's and the program's own."""
    for distribution in importlib.metadata.distributions():
        name = distribution.metadata["Name"]
        if name.lower() in _TOOLS:
            continue
        for file in distribution.files or ():
            path = Path(str(distribution.locate_file(file)))
            if _IS_LICENCE.search(file.as_posix()) and not file.name.endswith(_NO_TEXT) and path.is_file():
                below = [part for part in file.parts if part not in ("..", "licenses") and ".dist-info" not in part]
                target = folder / "libraries" / name / "_".join(below)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, target)
    shutil.copytree(TEXTS, folder / "texts")
    (folder / "sounddesk").mkdir()
    for path in (ROOT / "LICENSE", ROOT / "REUSE.toml", *(ROOT / "LICENSES").glob("*.txt")):
        shutil.copyfile(path, folder / "sounddesk" / path.name)
    for place in (Path(sysconfig.get_paths()["stdlib"]), Path(sys.base_prefix)):
        if (place / "LICENSE.txt").is_file():
            shutil.copyfile(place / "LICENSE.txt", folder / "libraries" / "Python.txt")


def copy_system_texts(packages: set[str], folder: Path) -> list[str]:
    """What the system says of its packages' licences; the packages that it says nothing of."""
    missing = []
    for package in sorted(packages):
        source = Path("/usr/share/doc") / package / "copyright"
        if not source.is_file():
            missing.append(package)
            continue
        (folder / "system").mkdir(exist_ok=True)
        shutil.copyfile(source, folder / "system" / f"{package}.txt")
    return missing


def page(libraries: list[dict[str, str]], found: Collected, table: dict[str, Any]) -> str:
    """The page that leads through the folder, as Markdown. Raises: SystemExit, a library has no entry."""
    used, unknown = entries_of(found.wheels, table)
    if unknown:
        raise SystemExit(f"no entry in native_libraries.toml: {', '.join(unknown)}")
    names = {each["Name"] for each in libraries}
    parts = [*used, *(each for each in table["package"] if each["name"] in names)]
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, keep_trailing_newline=True, autoescape=False)
    return environment.from_string((HERE / "licences.md.j2").read_text(encoding="utf-8")).render(
        version=next(each["Version"] for each in libraries if each["Name"] == "sounddesk"),
        strong=[each["title"] for each in parts if each["licence"].startswith("GPL-2.0")],
        parts=parts,
        places=table["source"],
        libraries=libraries,
        system=sorted(found.system),
        homepage=publisher().homepage,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("frozen", type=Path)
    parser.add_argument("--toc", type=Path, required=True)
    parser.add_argument("--libraries", type=Path, required=True)
    parser.add_argument("--table", type=Path, help="where the page goes, too")
    options = parser.parse_args()
    libraries = [each for each in json.loads(options.libraries.read_bytes()) if each["Name"].lower() not in _TOOLS]
    for each in libraries:
        each["License"] = _LICENCES.get(each["Name"], each["License"])
    if unknown := [each["Name"] for each in libraries if each["License"] == "UNKNOWN"]:
        raise SystemExit(f"licence not known: {', '.join(unknown)}")
    found = collected(options.toc, packages=Path(sysconfig.get_paths()["purelib"]))
    folder: Path = options.frozen / "licences"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    copy_texts(folder)
    missing = copy_system_texts(found.system, folder)
    if found.unknown or missing:
        raise SystemExit(f"no licence found of {', '.join(sorted(found.unknown) + missing)}")
    table = tomllib.loads((HERE / "native_libraries.toml").read_text(encoding="utf-8"))
    text = page(libraries, found, table)
    (folder / "README.md").write_text(text, encoding="utf-8")
    if options.table is not None:
        options.table.write_text(text, encoding="utf-8")
    texts = sum(1 for path in folder.rglob("*") if path.is_file())
    print(f"{len(libraries)} of Python, {len(found.wheels)} in them, {len(found.system)} of the system; {texts} texts")


if __name__ == "__main__":
    main()

"""One command from a clean checkout to a folder with all artefacts of this machine's system.

    pip install '.[docs,release,film,movie]' && python packaging/release.py --out FOLDER [--only STEP ...]
        [--torch REQUIREMENT] [--torch-index URL] [--homepage URL] [--any-tree]

Steps, in order: sdist and wheel, the environment that is frozen, licences and SBOM, frozen app, smoke test, installers
of this system, site, changelog. A step whose tools are missing is skipped and says so; one that fails ends with exit
code 1, after the others that do not need it. `report.md` tells what was done and tested, `SHA256SUMS` and
`release.json` name every file.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime as dt
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from dataclasses import field
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
FROZEN: Final = ROOT / "packaging" / "frozen"
MAX_COMPRESSED_MB: Final = 450.0


class SkippedError(Exception):
    """A step cannot be done on this machine; the message says why."""


@dataclass
class Release:
    """What the steps share.

    Attributes:
        out: folder of the artefacts; `work`, beside it, is for what is made on the way.
        options: of the command line.
        version: of the sdist, once it is built.
        python: of the environment that is frozen.
        lines: of the report, a row for each step by its name.
    """

    out: Path
    options: argparse.Namespace
    version: str = ""
    python: Path | None = None
    lines: dict[str, str] = field(default_factory=dict)

    @property
    def work(self) -> Path:
        folder = self.out.with_name(f"{self.out.name}-work")
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    @property
    def frozen(self) -> Path:
        return self.work / "frozen" / "sounddesk"

    def sdist(self) -> Path:
        return next(self.out.glob("sounddesk-*.tar.gz"))


def run(*command: str | Path, cwd: Path = ROOT, **settings: object) -> str:
    """Run a command to its end; what it printed. Raises: RuntimeError."""
    ended = subprocess.run(
        [str(each) for each in command], check=False, capture_output=True, text=True, cwd=cwd, **settings
    )  # type: ignore[call-overload]
    if ended.returncode:
        raise RuntimeError(
            f"{' '.join(map(str, command))} ended with {ended.returncode}:\n{(ended.stdout + ended.stderr)[-3000:]}"
        )
    return str(ended.stdout + ended.stderr)


def build(release: Release) -> str:
    """The sdist, and the wheel made of it."""
    older = [path.name for path in release.out.glob("*.whl")]
    if older:
        raise RuntimeError(f"{release.out} holds {', '.join(older)}: choose another --out")
    run(sys.executable, "-m", "build", "--outdir", release.out, ROOT)
    wheel = next(release.out.glob("*.whl"))
    release.version = wheel.name.split("-")[1]
    # W002: files that are doubles of each other, as empty __init__ files are.
    run(sys.executable, "-m", "check_wheel_contents", "--ignore", "W002", wheel)
    return f"{wheel.name} ({megabytes(wheel)}), built from the sdist; its contents checked"


def environment(release: Release) -> str:
    """The sdist installed into a fresh environment, and its command run there."""
    folder = release.work / "environment"
    shutil.rmtree(folder, ignore_errors=True)
    options = release.options
    index = ["--index", options.torch_index] if options.torch_index else []
    run(sys.executable, FROZEN / "environment.py", folder, "--sdist", release.sdist(), "--torch", options.torch, *index)
    release.python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    said = run(release.python.with_name("sounddesk"), "--version")
    demo_folder = release.work / "demo"
    shutil.rmtree(demo_folder, ignore_errors=True)
    run(release.python.with_name("sounddesk"), "demo", "--quiet", "--out", demo_folder)
    return f"{said.strip()} installed from the sdist; its demo renders"


def licences(release: Release) -> str:
    """REUSE, the list of the libraries' licences, and the SBOM."""
    assert release.python is not None
    run(sys.executable, "-m", "reuse", "lint")
    listed = run(release.python, "-m", "piplicenses", "--from=mixed", "--format=json", "--with-urls")
    (release.work / "libraries.json").write_text(listed, encoding="utf-8")
    bom = release.out / f"sounddesk-{release.version}.cdx.json"
    run(
        sys.executable,
        "-m",
        "cyclonedx_py",
        "environment",
        release.python,
        "--pyproject",
        ROOT / "pyproject.toml",
        "--mc-type",
        "application",
        "--output-reproducible",
        "--of",
        "JSON",
        "-o",
        bom,
    )
    return f"REUSE compliant; SBOM {bom.name}"


def freeze(release: Release) -> str:
    """The app without Python, and the table of what it weighs."""
    assert release.python is not None
    icons = release.work / "icons"
    run(sys.executable, ROOT / "packaging" / "icons" / "draw.py", "--out", icons)
    run(
        release.python,
        "-m",
        "PyInstaller",
        "--noconfirm",
        "--log-level",
        "WARN",
        "--workpath",
        release.work / "pyinstaller",
        "--distpath",
        release.work / "frozen",
        FROZEN / "sounddesk.spec",
        # From the checkout, its own package would be taken for the installed one, which has the resources.
        cwd=release.work,
        env={**os.environ, "SOUNDDESK_ICONS": str(icons), "PYTHONSAFEPATH": "1"},
    )
    noticed = run(
        release.python,
        FROZEN / "notices.py",
        release.frozen,
        "--toc",
        release.work / "pyinstaller" / "sounddesk" / "COLLECT-00.toc",
        "--libraries",
        release.work / "libraries.json",
        "--homepage",
        release.options.homepage,
        "--table",
        release.out / "licences.md",
    )
    if not (release.frozen / "_internal" / "sounddesk" / "_resources" / "starter").is_dir():
        raise RuntimeError("the frozen app holds no starter bundle")
    run(release.python, FROZEN / "finish.py", release.frozen, "--table", release.out / "size.md")
    return f"{(release.out / 'size.md').read_text(encoding='utf-8').splitlines()[0]} Licences: {noticed.strip()}"


def smoke(release: Release) -> str:
    """The frozen app in a clean root, where one can be made; else in an environment without PATH."""
    if not release.frozen.exists():
        raise SkippedError("nothing is frozen")
    report = release.out / "smoke.json"
    can_make_root = (
        sys.platform == "linux" and hasattr(os, "geteuid") and os.geteuid() == 0 and shutil.which("debootstrap")
    )
    root = ["--root", release.work / "root"] if can_make_root else []
    demo_folder = release.work / "demo"
    addon = ["--addon", release.options.addon] if release.options.addon else []
    run(
        sys.executable,
        FROZEN / "smoke.py",
        release.frozen,
        *root,
        "--report",
        report,
        "--screenshot",
        release.out / "window.png",
        *addon,
        *(["--installed", demo_folder] if demo_folder.exists() else []),
    )
    told = json.loads(report.read_text(encoding="utf-8"))
    return f"in {told['where']}: " + "; ".join(f"{name}: {result}" for name, result in told["results"].items())


def installers(release: Release) -> str:
    """What this system installs: tarball and .deb, a setup program, or a disk image."""
    if not release.frozen.exists():
        raise SkippedError("nothing is frozen")
    if sys.platform == "linux":
        run(
            sys.executable,
            ROOT / "packaging" / "linux" / "assemble.py",
            "--frozen",
            release.frozen,
            "--out",
            release.out,
            "--version",
            release.version,
            "--homepage",
            release.options.homepage,
            "--preset",
            str(release.options.preset),
        )
        made = [*release.out.glob("*.tar.xz"), *release.out.glob("*.deb")]
    elif sys.platform == "win32":
        compiler = shutil.which("iscc")
        if compiler is None:
            raise SkippedError("Inno Setup (iscc) is not installed")
        script = ROOT / "packaging" / "windows" / "sounddesk.iss"
        run(
            compiler,
            f"/DVersion={release.version}",
            f"/DFrozen={release.frozen}",
            f"/DIcons={release.work / 'icons'}",
            f"/O{release.out}",
            script,
        )
        made = list(release.out.glob("*-setup.exe"))
    else:
        run(
            "bash",
            ROOT / "packaging" / "macos" / "package.sh",
            release.frozen.with_suffix(".app"),
            release.out,
            release.version,
        )
        made = list(release.out.glob("*.dmg"))
    too_large = [path.name for path in made if path.stat().st_size > MAX_COMPRESSED_MB * 1e6]
    if too_large:
        raise RuntimeError(f"over {MAX_COMPRESSED_MB:g} MB: {', '.join(too_large)}")
    return ", ".join(f"{path.name} ({megabytes(path)})" for path in made)


def site(release: Release) -> str:
    """The manual as a site, without warnings and dead links."""
    folder = release.work / "site"
    shutil.rmtree(folder, ignore_errors=True)
    run(
        sys.executable,
        "-m",
        "mkdocs",
        "build",
        "--strict",
        "--config-file",
        ROOT / "packaging" / "site" / "mkdocs.yml",
        "--site-dir",
        folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "NO_MKDOCS_2_WARNING": "1"},
    )
    loads = re.compile(r'<(?:script|link|img)[^>]+(?:src|href)="https?:')
    if elsewhere := [page.name for page in folder.rglob("*.html") if loads.search(page.read_text(encoding="utf-8"))]:
        raise RuntimeError(f"pages load something from elsewhere: {', '.join(elsewhere[:5])}")
    checked = "links were not checked: linkchecker is not installed"
    if shutil.which("linkchecker"):
        said = run("linkchecker", "--no-status", "--ignore-url", "^(https?|mailto):", folder / "index.html")
        checked = next(line for line in said.splitlines() if line.startswith("That's it"))
    shutil.make_archive(str(release.out / f"sounddesk-{release.version}-site"), "zip", folder)
    return f"built without warnings; {checked}"


def changelog(release: Release) -> str:
    """The entries since the last release; the checkout stays as it is."""
    text = run(sys.executable, "-m", "towncrier", "build", "--draft", "--version", release.version)
    text = text[text.index("## ") :] if "## " in text else text
    (release.out / "CHANGELOG.md").write_text(text, encoding="utf-8")
    return f"{text.count(chr(10) + '- ')} entries"


STEPS: Final[dict[str, Callable[[Release], str]]] = {
    "build": build,
    "environment": environment,
    "licences": licences,
    "freeze": freeze,
    "smoke": smoke,
    "installers": installers,
    "site": site,
    "changelog": changelog,
}


def megabytes(path: Path) -> str:
    return f"{path.stat().st_size / 1e6:.1f} MB"


def artefacts(folder: Path) -> list[dict[str, object]]:
    """Name, length and hash of every artefact, by name."""
    files = [
        path for path in sorted(folder.iterdir()) if path.is_file() and path.name not in ("SHA256SUMS", "release.json")
    ]
    return [
        {"name": path.name, "bytes": path.stat().st_size, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
        for path in files
    ]


def describe(folder: Path, *, version: str, date: str) -> None:
    """Write `SHA256SUMS`, as sha256sum checks it, and `release.json`, as `sounddesk doctor --release` reads it."""
    listed = artefacts(folder)
    sums = "".join(f"{each['sha256']}  {each['name']}\n" for each in listed)
    (folder / "SHA256SUMS").write_text(sums, encoding="utf-8")
    told = {"schema_version": 1, "version": version, "date": date, "artefacts": listed}
    (folder / "release.json").write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--only", nargs="+", choices=STEPS, default=list(STEPS), help="steps to do; default: all")
    parser.add_argument("--torch", default="torch", help="requirement of the CPU build, e.g. torch==2.13.0")
    parser.add_argument("--torch-index", help="package index with CPU builds of torch")
    parser.add_argument("--homepage", default="https://sounddesk.example", help="where the site will be")
    parser.add_argument("--addon", type=Path, help="folder of packaging/addon.py, for the smoke test")
    parser.add_argument("--preset", type=int, default=6, help="of xz; 1 for a quick trial")
    parser.add_argument("--any-tree", action="store_true", help="also from a checkout with changes")
    options = parser.parse_args()
    changes = run("git", "status", "--porcelain")
    if changes and not options.any_tree:
        parser.error(f"the checkout has changes: commit them, or give --any-tree\n{changes}")
    release = Release(options.out.resolve(), options)
    release.out.mkdir(parents=True, exist_ok=True)
    _resume(release)
    failed = False
    for name in [each for each in STEPS if each in options.only]:
        began = time.monotonic()
        try:
            outcome, said = "done", STEPS[name](release)
        except SkippedError as reason:
            outcome, said = "skipped", str(reason)
        except (AssertionError, OSError, RuntimeError, StopIteration) as error:
            outcome, said, failed = "FAILED", f"{type(error).__name__}: {error}", True
        print(f"{name}: {outcome} in {time.monotonic() - began:.0f} s: {said}", flush=True)
        told = said.replace("\n", " ").replace("|", "/")
        release.lines[name] = f"| {name} | {outcome} | {told} |"
    commit = run("git", "rev-parse", "HEAD").strip()
    date = dt.datetime.now(tz=dt.UTC).date().isoformat()
    where = f"{sys.platform}, Python {sys.version.split()[0]}"
    head = f"# sounddesk {release.version}\n\n{date}, commit {commit}, {where}.\n\n"
    table = "\n".join(
        [
            "| step | outcome | what |",
            "|---|---|---|",
            *(release.lines[name] for name in STEPS if name in release.lines),
        ]
    )
    (release.out / "report.md").write_text(head + table + "\n", encoding="utf-8")
    describe(release.out, version=release.version, date=date)
    return 1 if failed else 0


def _resume(release: Release) -> None:
    """Take up what an earlier run with other steps left in the folder."""
    with contextlib.suppress(StopIteration):
        release.version = next(release.out.glob("*.whl")).name.split("-")[1]
    report = release.out / "report.md"
    for line in report.read_text(encoding="utf-8").splitlines() if report.exists() else ():
        name = line.removeprefix("| ").partition(" |")[0]
        if name in STEPS and name not in release.options.only:
            release.lines[name] = line
    for name in ("bin/python", "Scripts/python.exe"):
        if (release.work / "environment" / name).exists():
            release.python = release.work / "environment" / name


if __name__ == "__main__":
    sys.exit(main())

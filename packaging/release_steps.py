"""The steps of a release. Each takes what the ones before it left, and tells in a sentence what it did."""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from publisher import publisher

HERE: Final = Path(__file__).resolve().parent
ROOT: Final = HERE.parent
FROZEN: Final = HERE / "frozen"
MAX_COMPRESSED_MB: Final = 450.0
# Where its installer puts it, without a word in PATH.
_INNO_SETUP: Final = r"C:\Program Files (x86)\Inno Setup 6"


class SkippedError(Exception):
    """A step cannot be done on this machine; the message says why."""


@dataclass
class Release:
    """What the steps share.

    Attributes:
        out: folder of the artefacts; `work`, beside it, is for what is made on the way.
        options: of the command line.
    """

    out: Path
    options: argparse.Namespace

    @property
    def version(self) -> str:
        """Of the wheel; "" before it is built."""
        return next((path.name.split("-")[1] for path in self.out.glob("*.whl")), "")

    @property
    def python(self) -> Path:
        """Of the environment that is frozen."""
        return self.work / "environment" / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")

    @property
    def work(self) -> Path:
        folder = self.out.with_name(f"{self.out.name}-work")
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    @property
    def frozen(self) -> Path:
        return self.work / "frozen" / "sounddesk"

    def has_made(self, step: str) -> bool:
        """Whether what a step leaves in the work folder is there still."""
        made = {"environment": self.python, "freeze": self.frozen}.get(step)
        return made is None or made.exists()

    def sdist(self) -> Path:
        return next(self.out.glob("sounddesk-*.tar.gz"))


def run(*command: str | Path, cwd: Path = ROOT, **settings: object) -> str:
    """Run a command to its end; what it printed. Raises: RuntimeError."""
    ended = subprocess.run(
        [str(each) for each in command],
        check=False,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        cwd=cwd,
        **settings,
    )  # type: ignore[call-overload]
    if ended.returncode:
        raise RuntimeError(
            f"{' '.join(map(str, command))} ended with {ended.returncode}:\n{(ended.stdout + ended.stderr)[-3000:]}"
        )
    return str(ended.stdout + ended.stderr)


def build(release: Release) -> str:
    """The sdist, and the wheel made of it."""
    for path in (*release.out.glob("*.whl"), *release.out.glob("*.tar.gz")):
        # Of a run that was stopped meanwhile: what an earlier version made is refused before any step.
        path.unlink()
    run(sys.executable, "-m", "build", "--outdir", release.out, ROOT)
    wheel = next(release.out.glob("*.whl"))
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
    said = run(release.python.with_name("sounddesk"), "--version")
    demo_folder = release.work / "demo"
    shutil.rmtree(demo_folder, ignore_errors=True)
    run(release.python.with_name("sounddesk"), "demo", "--quiet", "--out", demo_folder)
    return f"{said.strip()} installed from the sdist; its demo renders"


def licences(release: Release) -> str:
    """REUSE, the list of the libraries' licences, and the SBOM."""
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
        "--table",
        release.out / "licences.md",
    )
    if not (release.frozen / "_internal" / "sounddesk" / "_resources" / "starter").is_dir():
        raise RuntimeError("the frozen app holds no starter bundle")
    run(release.python, FROZEN / "finish.py", release.frozen, "--table", release.out / "size.md")
    if sys.platform == "darwin":
        # The app bundle has files of its own. Not tried yet.
        run(release.python, FROZEN / "finish.py", release.frozen.with_suffix(".app"))
    return f"{(release.out / 'size.md').read_text(encoding='utf-8').splitlines()[0]} Licences: {noticed.strip()}"


def smoke(release: Release) -> str:
    """The frozen app in a clean root, where one can be made; else in an environment without PATH."""
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
        )
        made = [*release.out.glob("*.tar.xz"), *release.out.glob("*.deb")]
    elif sys.platform == "win32":
        compiler = shutil.which("iscc", path=os.pathsep.join((os.environ["PATH"], _INNO_SETUP)))
        if compiler is None:
            raise SkippedError("Inno Setup (iscc) is not installed")
        script = ROOT / "packaging" / "windows" / "sounddesk.iss"
        run(
            compiler,
            f"/DVersion={release.version}",
            f"/DFrozen={release.frozen}",
            f"/DIcons={release.work / 'icons'}",
            f"/DHomepage={publisher().homepage}",
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
            release.work / "icons" / "project.icns",
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


def megabytes(path: Path) -> str:
    return f"{path.stat().st_size / 1e6:.1f} MB"


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
# The steps that a step stands on; all of them have the name of the version from the first.
NEEDS: Final[dict[str, tuple[str, ...]]] = {
    "build": (),
    "environment": ("build",),
    "licences": ("environment",),
    "freeze": ("environment", "licences"),
    "smoke": ("freeze",),
    "installers": ("freeze",),
    "site": ("build",),
    "changelog": ("build",),
}
# The options that make a step another one.
SETTINGS: Final[dict[str, tuple[str, ...]]] = {"environment": ("torch", "torch_index"), "smoke": ("addon",)}

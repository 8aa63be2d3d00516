"""Makes the Linux artefacts out of the frozen app: a tarball with install script, and a .deb.

    python packaging/linux/assemble.py --frozen FOLDER --out FOLDER --version VERSION [--homepage URL]

`share/` holds what a desktop reads (launcher, metainfo, file type, icons); both artefacts carry the same.
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import re
import shutil
import string
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from PIL import Image

HERE: Final = Path(__file__).resolve().parent
ROOT: Final = HERE.parents[1]
APP_ID: Final = "org.sounddesk.sounddesk"
# Reserved by RFC 2606; whoever publishes names the real one.
PLACEHOLDER_HOMEPAGE: Final = "https://sounddesk.example"
SCREENSHOTS: Final = ("desk", "desk_light", "export")
# What the frozen app takes from the system, as Debian calls it: glibc, and what a GPU driver or X brings along.
DEPENDS: Final = ("libc6 (>= 2.36)", "libegl1", "libgl1", "libfontconfig1", "libdbus-1-3")

sys.path.insert(0, str(ROOT / "packaging" / "icons"))


def debian_version(version: str) -> str:
    """A version of ours as Debian sorts it: development versions before the release that they lead to.

    >>> debian_version("0.1.0.dev12+gabc"), debian_version("1.2.0rc1"), debian_version("1.2.0")
    ('0.1.0~dev12+gabc', '1.2.0~rc1', '1.2.0')
    """
    return re.sub(r"\.?(dev|a|b|rc)(?=\d)", r"~\1", version, count=1)


def metainfo(version: str, *, homepage: str, date: str, note: str) -> str:
    """The AppStream file of this release; the sizes of the screenshots are those of the manual's pictures."""
    template = string.Template((HERE / f"{APP_ID}.metainfo.xml.in").read_text(encoding="utf-8"))
    sizes = {}
    for name in SCREENSHOTS:
        with Image.open(ROOT / "resources" / "manual" / f"{name}.webp") as picture:
            sizes[f"{name}_width"], sizes[f"{name}_height"] = picture.size
    kind = "development" if "~" in debian_version(version) else "stable"
    return template.substitute(
        sizes,
        homepage=homepage.rstrip("/"),
        # AppStream sorts versions as Debian does.
        version=debian_version(version),
        date=date,
        kind=kind,
        release_note=note,
    )


def write_share(folder: Path, version: str, *, homepage: str, date: str) -> None:
    """`applications`, `metainfo`, `mime`, `icons` and `doc` below `folder`."""
    import draw

    for place in ("applications", "metainfo", "mime/packages", "doc/sounddesk"):
        (folder / place).mkdir(parents=True, exist_ok=True)
    shutil.copy(HERE / f"{APP_ID}.desktop", folder / "applications")
    shutil.copy(HERE / f"{APP_ID}.mime.xml", folder / "mime" / "packages" / f"{APP_ID}.xml")
    note = (
        "Opens on Linux without Python."
        if "~" in debian_version(version)
        else f"sounddesk {version}: see the changelog."
    )
    (folder / "metainfo" / f"{APP_ID}.metainfo.xml").write_text(
        metainfo(version, homepage=homepage, date=date, note=note), encoding="utf-8"
    )
    draw.draw_hicolor(folder / "icons")
    shutil.copy(ROOT / "LICENSE", folder / "doc" / "sounddesk" / "LICENSE")
    shutil.copy(ROOT / "REUSE.toml", folder / "doc" / "sounddesk")


def make_tarball(frozen: Path, share: Path, out: Path, version: str, *, preset: int) -> Path:
    """`sounddesk-VERSION-linux-x86_64.tar.xz`: one folder with the app, `share` and the two scripts."""
    name = f"sounddesk-{version}-linux-{os.uname().machine}"
    made = out / f"{name}.tar.xz"
    with tempfile.TemporaryDirectory(dir=out) as temporary:
        top = Path(temporary) / name
        top.mkdir()
        (top / "sounddesk").symlink_to(frozen)
        (top / "share").symlink_to(share)
        for script in ("install.sh", "uninstall.sh"):
            shutil.copy(HERE / script, top)
        shutil.copy(HERE / "README.txt", top)
        # Links inside the app stay links; only ours are followed.
        for link in ("sounddesk", "share"):
            target = (top / link).readlink()
            (top / link).unlink()
            _link_tree(target, top / link)
        command = ["tar", "--sort=name", "--owner=0", "--group=0", "--numeric-owner", "-C", temporary, "-cf", "-", name]
        with made.open("wb") as file, subprocess.Popen(command, stdout=subprocess.PIPE) as packing:
            subprocess.run(["xz", "-T0", f"-{preset}"], stdin=packing.stdout, stdout=file, check=True)
        if packing.returncode:
            raise RuntimeError(f"tar ended with {packing.returncode}")
    return made


def make_deb(frozen: Path, share: Path, out: Path, version: str, *, preset: int) -> Path:
    """`sounddesk_VERSION_amd64.deb`: the app in /usr/lib/sounddesk, its two commands in /usr/bin."""
    architecture = subprocess.run(
        ["dpkg", "--print-architecture"], capture_output=True, text=True, check=True
    ).stdout.strip()
    made = out / f"sounddesk_{debian_version(version)}_{architecture}.deb"
    with tempfile.TemporaryDirectory(dir=out) as temporary:
        root = Path(temporary)
        root.chmod(0o755)
        _link_tree(frozen, root / "usr" / "lib" / "sounddesk")
        shutil.copytree(share, root / "usr" / "share")
        (root / "usr" / "bin").mkdir()
        for name in ("sounddesk", "sounddesk-desk"):
            (root / "usr" / "bin" / name).symlink_to(f"../lib/sounddesk/{name}")
        (root / "usr" / "share" / "doc" / "sounddesk" / "copyright").write_text(_copyright(), encoding="utf-8")
        size_kb = sum(path.lstat().st_size for path in root.rglob("*")) // 1024
        control = root / "DEBIAN" / "control"
        control.parent.mkdir()
        control.write_text(
            f"Package: sounddesk\nVersion: {debian_version(version)}\nArchitecture: {architecture}\n"
            f"Maintainer: The sounddesk authors <authors@sounddesk.example>\nInstalled-Size: {size_kb}\n"
            f"Depends: {', '.join(DEPENDS)}\nRecommends: libportaudio2, xdg-desktop-portal\n"
            "Section: sound\nPriority: optional\n"
            "Description: one sound per object of an image, exported as stems\n"
            " Open a still, select what should sound, and get one sound for each object: to place,\n"
            " mix and export for a DAW. A small model is included; nothing is downloaded.\n",
            encoding="utf-8",
        )
        for path in root.rglob("*"):
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)
        subprocess.run(
            ["dpkg-deb", "--root-owner-group", "-Zxz", f"-z{preset}", "--build", str(root), str(made)], check=True,
            stdout=subprocess.DEVNULL,
        )  # fmt: skip
    return made


def _copyright() -> str:
    return (
        "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\nUpstream-Name: sounddesk\n\n"
        "Files: *\nCopyright: The sounddesk authors, and those of the libraries\nLicense: GPL-3.0-or-later\n"
        " The package as a whole: see /usr/share/common-licenses/GPL-3. sounddesk's own code is under Apache-2.0.\n"
        "Comment: /usr/lib/sounddesk/licences has the licence of every part, and the places of the sources;\n"
        " REUSE.toml beside this file names the licences of data by path.\n"
    )


def _link_tree(source: Path, target: Path) -> None:
    """The tree as hard links, so that a gigabyte is not copied for every artefact."""

    def link(one: str, other: str) -> None:
        try:
            os.link(one, other, follow_symlinks=False)
        except OSError:
            shutil.copy2(one, other, follow_symlinks=False)

    shutil.copytree(source, target, symlinks=True, copy_function=link)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frozen", type=Path, required=True, help="folder that PyInstaller made")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--version", required=True)
    parser.add_argument("--homepage", default=PLACEHOLDER_HOMEPAGE)
    parser.add_argument("--preset", type=int, choices=range(10), default=6, help="of xz: 1 is quick, 6 and 9 are small")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    date = dt.datetime.now(tz=dt.UTC).date().isoformat()
    with tempfile.TemporaryDirectory(dir=options.out) as temporary:
        share = Path(temporary) / "share"
        write_share(share, options.version, homepage=options.homepage, date=date)
        for made in (
            make_tarball(options.frozen.resolve(), share, options.out, options.version, preset=options.preset),
            make_deb(options.frozen.resolve(), share, options.out, options.version, preset=options.preset),
        ):
            print(f"{made}  {made.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()

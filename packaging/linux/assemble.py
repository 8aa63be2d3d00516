"""Makes the Linux artefacts out of the frozen app: a tarball with install script, and a .deb.

    python packaging/linux/assemble.py --frozen FOLDER --out FOLDER --version VERSION

`share/` holds what a desktop reads (launcher, metainfo, file type, icons); both artefacts carry the same. What is made
on the way lies beside the frozen app, and an artefact gets its name when it is whole.
"""

from __future__ import annotations

import argparse
import datetime as dt
import email.utils
import gzip
import os
import platform
import re
import shutil
import string
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final
from xml.etree import ElementTree as ET

from PIL import Image

HERE: Final = Path(__file__).resolve().parent
ROOT: Final = HERE.parents[1]
APP_ID: Final = "org.sounddesk.sounddesk"
SCREENSHOTS: Final = ("desk", "desk_light", "export")
# What is frozen needs the glibc that it was frozen with, or a newer one.
_GLIBC: Final = platform.libc_ver()[1]
# What it takes from the system, as Debian calls it: that, and what a GPU driver or X brings along.
DEPENDS: Final = (f"libc6 (>= {_GLIBC})", "libegl1", "libgl1", "libfontconfig1", "libdbus-1-3")
# Of xz: some 394 MB in 3 minutes of a core, level 6 takes 12 for 369 MB. Whoever has a tar has an xz to unpack with.
_XZ_LEVEL: Final = 1
# Of Zstandard: 437.5 MB in 33 s of a core, and dpkg unpacks it in seconds. Every dpkg beside a glibc of 2.35 knows it.
_ZSTD_LEVEL: Final = 9
# A package must name somebody; the domain is reserved for what does not exist (RFC 2606).
_NO_CONTACT: Final = "nobody@sounddesk.invalid"

sys.path[:0] = [str(ROOT / "packaging"), str(ROOT / "packaging" / "icons")]
from publisher import Publisher  # noqa: E402
from publisher import publisher  # noqa: E402


def debian_version(version: str) -> str:
    """A version of ours as Debian sorts it: development versions before the release that they lead to.

    >>> debian_version("0.1.0.dev12+gabc"), debian_version("1.2.0rc1"), debian_version("1.2.0")
    ('0.1.0~dev12+gabc', '1.2.0~rc1', '1.2.0')
    """
    return re.sub(r"\.?(dev|a|b|rc)(?=\d)", r"~\1", version, count=1)


def metainfo(version: str, *, homepage: str, date: str, note: str) -> str:
    """The AppStream file of this release; the sizes of the screenshots are those of the manual's pictures.

    Without a homepage it has no addresses, and no screenshots, which lie there.
    """
    template = string.Template((HERE / f"{APP_ID}.metainfo.xml.in").read_text(encoding="utf-8"))
    sizes = {}
    for name in SCREENSHOTS:
        with Image.open(ROOT / "resources" / "manual" / f"{name}.webp") as picture:
            sizes[f"{name}_width"], sizes[f"{name}_height"] = picture.size
    kind = "development" if "~" in debian_version(version) else "stable"
    text = template.substitute(
        sizes,
        homepage=homepage,
        # AppStream sorts versions as Debian does.
        version=debian_version(version),
        date=date,
        kind=kind,
        release_note=note,
    )
    if homepage:
        return text
    root = ET.fromstring(text)
    for element in (*root.findall("url"), *root.findall("screenshots")):
        root.remove(element)
    return ET.tostring(root, encoding="utf-8", xml_declaration=True).decode()


def write_share(folder: Path, version: str, *, by: Publisher, date: str) -> None:
    """`applications`, `metainfo`, `mime`, `icons`, `man` and `doc` below `folder`."""
    import draw

    for place in ("applications", "metainfo", "mime/packages", "man/man1", "doc/sounddesk"):
        (folder / place).mkdir(parents=True, exist_ok=True)
    shutil.copy(HERE / f"{APP_ID}.desktop", folder / "applications")
    shutil.copy(HERE / f"{APP_ID}.mime.xml", folder / "mime" / "packages" / f"{APP_ID}.xml")
    for name in ("sounddesk", "sounddesk-desk"):
        page = gzip.compress((HERE / "sounddesk.1").read_bytes(), mtime=0)
        (folder / "man" / "man1" / f"{name}.1.gz").write_bytes(page)
    note = (
        "Opens on Linux without Python."
        if "~" in debian_version(version)
        else f"sounddesk {version}: see the changelog."
    )
    (folder / "metainfo" / f"{APP_ID}.metainfo.xml").write_text(
        metainfo(version, homepage=by.homepage, date=date, note=note), encoding="utf-8"
    )
    draw.draw_hicolor(folder / "icons")
    shutil.copy(ROOT / "LICENSE", folder / "doc" / "sounddesk" / "LICENSE")
    shutil.copy(ROOT / "REUSE.toml", folder / "doc" / "sounddesk")


def make_tarball(frozen: Path, share: Path, out: Path, version: str) -> Path:
    """`sounddesk-VERSION-linux-x86_64.tar.xz`: one folder with the app, `share` and the two scripts."""
    name = f"sounddesk-{version}-linux-{os.uname().machine}"
    made = out / f"{name}.tar.xz"
    with tempfile.TemporaryDirectory(dir=frozen.parent) as temporary:
        new = Path(temporary) / made.name
        top = Path(temporary) / name
        top.mkdir()
        (top / "sounddesk").symlink_to(frozen)
        (top / "share").symlink_to(share)
        for script in ("install.sh", "uninstall.sh"):
            shutil.copy(HERE / script, top)
        readme = string.Template((HERE / "README.txt").read_text(encoding="utf-8"))
        (top / "README.txt").write_text(readme.substitute(glibc=_GLIBC), encoding="utf-8")
        # Links inside the app stay links; only ours are followed.
        for link in ("sounddesk", "share"):
            target = (top / link).readlink()
            (top / link).unlink()
            _link_tree(target, top / link)
        command = ["tar", "--sort=name", "--owner=0", "--group=0", "--numeric-owner", "-C", temporary, "-cf", "-", name]
        with new.open("wb") as file, subprocess.Popen(command, stdout=subprocess.PIPE) as packing:
            subprocess.run(["xz", "-T0", f"-{_XZ_LEVEL}"], stdin=packing.stdout, stdout=file, check=True)
        if packing.returncode:
            raise RuntimeError(f"tar ended with {packing.returncode}")
        shutil.move(new, made)
    return made


def make_deb(frozen: Path, share: Path, out: Path, version: str, *, by: Publisher, date: str) -> Path:
    """`sounddesk_VERSION_amd64.deb`: the app in /usr/lib/sounddesk, its two commands in /usr/bin."""
    architecture = subprocess.run(
        ["dpkg", "--print-architecture"], capture_output=True, text=True, check=True
    ).stdout.strip()
    made = out / f"sounddesk_{debian_version(version)}_{architecture}.deb"
    with tempfile.TemporaryDirectory(dir=frozen.parent) as temporary:
        new = Path(temporary) / made.name
        root = Path(temporary) / "root"
        root.mkdir()
        root.chmod(0o755)
        _link_tree(frozen, root / "usr" / "lib" / "sounddesk")
        shutil.copytree(share, root / "usr" / "share")
        (root / "usr" / "bin").mkdir()
        for name in ("sounddesk", "sounddesk-desk"):
            (root / "usr" / "bin" / name).symlink_to(f"../lib/sounddesk/{name}")
        doc = root / "usr" / "share" / "doc" / "sounddesk"
        (doc / "copyright").write_text(_copyright(date), encoding="utf-8")
        (doc / "changelog.gz").write_bytes(gzip.compress(_changelog(version, by=by, date=date).encode(), mtime=0))
        size_kb = sum(path.lstat().st_size for path in root.rglob("*")) // 1024
        control = root / "DEBIAN" / "control"
        control.parent.mkdir()
        control.write_text(
            f"Package: sounddesk\nVersion: {debian_version(version)}\nArchitecture: {architecture}\n"
            f"Maintainer: {_maintainer(by)}\nInstalled-Size: {size_kb}\n"
            f"{f'Homepage: {by.homepage}{chr(10)}' if by.homepage else ''}"
            f"Depends: {', '.join(DEPENDS)}\nRecommends: libportaudio2, xdg-desktop-portal\n"
            "Section: sound\nPriority: optional\n"
            "Description: one sound per object of an image, exported as stems\n"
            " Open a still, select what should sound, and get one sound for each object: to\n"
            " place, mix and export for a DAW. A small model is included; nothing is\n"
            " downloaded.\n",
            encoding="utf-8",
        )
        for path in root.rglob("*"):
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)
        subprocess.run(
            ["dpkg-deb", "--root-owner-group", "-Zzstd", f"-z{_ZSTD_LEVEL}", "--build", str(root), str(new)],
            check=True, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        shutil.move(new, made)
    return made


def _maintainer(by: Publisher) -> str:
    return f"The sounddesk authors <{by.contact or _NO_CONTACT}>"


def _changelog(version: str, *, by: Publisher, date: str) -> str:
    """As Debian writes one, of the package; what changed for users is told by the app's own."""
    day = email.utils.format_datetime(dt.datetime.fromisoformat(date).replace(tzinfo=dt.UTC))
    changes = "  * See CHANGELOG.md of the release."
    return f"sounddesk ({debian_version(version)}) unstable; urgency=low\n\n{changes}\n\n -- {_maintainer(by)}  {day}\n"


def _copyright(date: str) -> str:
    return (
        "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\nUpstream-Name: sounddesk\n\n"
        f"Files: *\nCopyright: {date[:4]} The sounddesk authors, and those of the libraries\n"
        "License: GPL-3.0-or-later\n"
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
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    date = dt.datetime.now(tz=dt.UTC).date().isoformat()
    frozen, by = options.frozen.resolve(), publisher()
    with tempfile.TemporaryDirectory(dir=frozen.parent) as temporary:
        share = Path(temporary) / "share"
        write_share(share, options.version, by=by, date=date)
        made = [make_tarball(frozen, share, options.out, options.version)]
        if shutil.which("dpkg-deb"):
            made.append(make_deb(frozen, share, options.out, options.version, by=by, date=date))
        else:
            print("no .deb: dpkg-deb is not installed")
    for path in made:
        print(f"{path}  {path.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()

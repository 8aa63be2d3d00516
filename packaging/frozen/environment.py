"""Makes the environment that the app is frozen from: sounddesk from its sdist, a CPU build of torch, PyInstaller.

    python packaging/frozen/environment.py FOLDER --sdist FILE [--torch REQUIREMENT] [--index URL]

Where CPU builds of torch come from is the builder's pip configuration, or `--index` (the CPU index of PyTorch's
download site). On macOS and Windows the package index has them. A CUDA build is refused: it would weigh gigabytes.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).resolve().parent
# What the app offers to people without Python: timelines, film, movies, listening studies.
EXTRAS: Final = "otio,aaf,film,movie,study"
# A look at torch from inside the environment.
_LOOK: Final = "import torch; print(torch.__version__, torch.version.cuda)"
_PACKAGES: Final = "import sysconfig; print(sysconfig.get_paths()['purelib'])"


def torchvision_of(torch: str) -> str:
    """The requirement of the torchvision that was released with a version of torch.

    >>> torchvision_of("2.13.0+cpu")
    'torchvision==0.28.*'
    """
    major, minor, *_ = torch.partition("+")[0].split(".")
    if major != "2":
        raise SystemExit(f"torch is {torch}: which torchvision goes with it is not known here")
    return f"torchvision==0.{int(minor) + 15}.*"


def make(folder: Path, sdist: Path, *, torch: str, index: str | None) -> Path:
    """Fill `folder` with the environment; its Python."""
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")

    def pip(*arguments: str) -> None:
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", *arguments], check=True)

    def ask(code: str) -> list[str]:
        return subprocess.run([str(python), "-c", code], capture_output=True, text=True, check=True).stdout.split()

    from_index = ["--index-url", index] if index else []
    pip(*from_index, torch)
    version, cuda = ask(_LOOK)
    if cuda != "None":
        raise SystemExit(f"torch {version} is a CUDA build: name the index of CPU builds with --index")
    pip(*from_index, "--no-deps", torchvision_of(version))
    packages = Path(ask(_PACKAGES)[0])
    if sys.platform == "linux" and not _loads_operators(python):
        _drop_operators(packages)
    pip(f"{sdist}[{EXTRAS}]", "pyinstaller>=6.11", "pip-licenses>=5.0")
    if sys.platform == "linux":
        subprocess.run([sys.executable, str(HERE / "unused_libraries.py"), str(packages)], check=True)
    return python


def _loads_operators(python: Path) -> bool:
    looked = subprocess.run([str(python), "-c", "import torchvision"], capture_output=True, check=False)
    return looked.returncode == 0


def _drop_operators(packages: Path) -> None:
    """Take out a CUDA build's operators, and let the rest be imported without (see torchvision_operators.py)."""
    for library in (packages / "torchvision").glob("*.so"):
        library.unlink()
    shutil.rmtree(packages / "torchvision.libs", ignore_errors=True)
    shutil.copy(HERE / "torchvision_operators.py", packages)
    (packages / "torchvision_operators.pth").write_text("import torchvision_operators\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sdist", type=Path, required=True)
    parser.add_argument("--torch", default="torch", help="requirement, e.g. torch==2.13.0")
    parser.add_argument("--index", help="index with CPU builds")
    options = parser.parse_args()
    print(make(options.folder, options.sdist, torch=options.torch, index=options.index))


if __name__ == "__main__":
    main()

"""Makes the add-on for graphics cards: a CUDA build of torch as a folder that 'sounddesk addon install' checks.

    python packaging/addon.py WHEELS --out FOLDER --version VERSION

WHEELS holds what pip downloads for the CUDA build of the torch that was frozen, e.g. of 2.13.0:

    pip download --only-binary :all: --dest WHEELS --index-url URL torch==2.13.0

Of these the wheels of torch, Triton and NVIDIA's libraries are taken; what else torch needs is in the app. Run it with
the Python that the app is frozen with: its bytecode comes along. NVIDIA's licences lie in the folder, as their wheels
have them; whoever passes the add-on on is bound by them. No add-on was built on a graphics card or tried with one yet:
a folder made of the processor's wheel in the same way was.
"""

from __future__ import annotations

import argparse
import compileall
import hashlib
import json
import platform
import py_compile
import re
import shutil
import sys
import zipfile
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).resolve().parent
TAKEN: Final = re.compile(r"(torch|triton|pytorch_triton|nvidia_\w+|cuda_\w+)-")
_BLOCK_BYTES: Final = 1 << 20

sys.path.insert(0, str(HERE / "frozen"))
from left_out import is_left_out  # noqa: E402


def taken_wheels(folder: Path) -> tuple[list[Path], str]:
    """The wheels that go into the add-on, and the version of torch among them.

    Raises:
        SystemExit: there is no torch, or more than one of a name.
    """
    wheels = [path for path in sorted(folder.glob("*.whl")) if TAKEN.match(path.name)]
    names = [path.name.split("-")[0] for path in wheels]
    if names.count("torch") != 1 or len(set(names)) != len(names):
        raise SystemExit(f"{folder} must hold one wheel of torch, and one of each of the others: {', '.join(names)}")
    version = next(path.name.split("-")[1] for path in wheels if path.name.startswith("torch-"))
    return wheels, version.replace("%2B", "+")


def unpack(wheels: list[Path], out: Path) -> None:
    """What an app needs of the wheels, with bytecode that Python takes without a look at times."""
    for wheel in wheels:
        with zipfile.ZipFile(wheel) as archive:
            for name in archive.namelist():
                # As in the app: no headers, no static libraries. Data of wheels would go beside the libraries.
                if not is_left_out(name) and ".data/" not in name:
                    archive.extract(name, out)
    compileall.compile_dir(
        out, maxlevels=50, quiet=2, workers=1, stripdir=str(out),
        invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
    )  # fmt: skip


def manifest(folder: Path, *, torch: str, version: str) -> dict[str, object]:
    """What `addon.json` says (`sounddesk.engine.torch_addon.AddonManifest`)."""
    files = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            digest = hashlib.sha256()
            with path.open("rb") as file:
                while block := file.read(_BLOCK_BYTES):
                    digest.update(block)
            files[path.relative_to(folder).as_posix()] = {"sha256": digest.hexdigest(), "bytes": path.stat().st_size}
    runtime = {
        "torch": torch,
        "python": f"{sys.version_info.major}.{sys.version_info.minor}",
        "platform": f"{sys.platform}-{platform.machine().lower()}",
    }
    return {"schema_version": 1, "runtime": runtime, "made_for": version, "files": files}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("wheels", type=Path, help="folder of wheels")
    parser.add_argument("--out", type=Path, required=True, help="folder of the add-on, which must not exist")
    parser.add_argument("--version", required=True, help="of sounddesk that it is made for")
    options = parser.parse_args()
    wheels, torch = taken_wheels(options.wheels)
    options.out.mkdir(parents=True)
    try:
        unpack(wheels, options.out)
        told = manifest(options.out, torch=torch, version=options.version)
        text = json.dumps(told, indent=1) + "\n"
        (options.out / "addon.json").write_text(text, encoding="utf-8")
    except BaseException:
        shutil.rmtree(options.out)
        raise
    print(f"{options.out}: torch {torch}, {len(wheels)} wheels")
    print(f"SHA-256 of its addon.json, to publish: {hashlib.sha256(text.encode()).hexdigest()}")


if __name__ == "__main__":
    main()

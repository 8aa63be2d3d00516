"""From download to first sound: unpack the Linux tarball, install it, render the demo; at most 60 s on 2 cores.

    python -m benchmarks.first_sound sounddesk-VERSION-linux-x86_64.tar.xz

In a folder of its own that is removed afterwards: nothing of the user's is read or written. Exits with 1 over the
floor.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

FLOOR_S = 60.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tarball", type=Path)
    tarball = parser.parse_args().tarball.resolve()
    with tempfile.TemporaryDirectory(dir=tarball.parent) as temporary:
        home = Path(temporary) / "home"
        home.mkdir()
        environment = {"HOME": str(home), "PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}
        began = time.perf_counter()
        last = began

        def step(name: str, *command: str | Path) -> None:
            nonlocal last
            subprocess.run(
                [str(each) for each in command], env=environment, cwd=temporary, check=True, stdout=subprocess.DEVNULL
            )
            now = time.perf_counter()
            print(f"{name}: {now - last:.1f} s", flush=True)
            last = now

        step("unpack", "tar", "-xf", tarball)
        step("install", "sh", next(Path(temporary).glob("sounddesk-*/install.sh")))
        step("render the demo", home / ".local" / "bin" / "sounddesk", "demo", "--quiet", "--out", home / "demo")
        sounds = sorted(path.name for path in (home / "demo").glob("*.wav"))
        total = last - began
        print(f"first sound after {total:.1f} s (floor {FLOOR_S:g} s): {', '.join(sounds)}")
        return 0 if sounds and total <= FLOOR_S else 1


if __name__ == "__main__":
    sys.exit(main())

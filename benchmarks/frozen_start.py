"""How long until the frozen window's first frame, against that of an installation; at most 1.5 times as long.

    python -m benchmarks.frozen_start FROZEN --python PYTHON [--runs 5]

FROZEN is the app's folder, PYTHON that of the environment that it was frozen from. Both windows are opened in turn on
an Xvfb of this script's own, each once before it counts; what is taken is the time from the start of the process to a
visible window, the median of the runs. Exits with 1 over the floor.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

FLOOR = 1.5
DISPLAY = ":98"
LIMIT_S = 120.0


def seconds_to_window(command: list[str], home: Path) -> float:
    """Start a window, wait until it is visible, and end it. Raises: RuntimeError."""
    environment = {"HOME": str(home), "PATH": os.environ["PATH"], "DISPLAY": DISPLAY, "LC_ALL": "C.UTF-8"}
    search = ["xdotool", "search", "--onlyvisible", "--name", "sounddesk"]
    began = time.perf_counter()
    process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    try:
        while subprocess.run(search, env=environment, capture_output=True).returncode:
            if process.poll() is not None or time.perf_counter() - began > LIMIT_S:
                raise RuntimeError(f"{command[0]} shows no window")
            time.sleep(0.02)
        return time.perf_counter() - began
    finally:
        process.terminate()
        process.wait(30)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("frozen", type=Path)
    parser.add_argument("--python", type=Path, required=True)
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    commands = {
        "installed": [str(options.python), "-m", "sounddesk", "desk"],
        "frozen": [str(options.frozen / "sounddesk-desk")],
    }
    server = subprocess.Popen(
        ["Xvfb", DISPLAY, "-screen", "0", "1280x800x24", "-nolisten", "tcp"], stderr=subprocess.DEVNULL
    )
    try:
        time.sleep(1.5)
        with tempfile.TemporaryDirectory() as temporary:
            taken: dict[str, list[float]] = {name: [] for name in commands}
            for number in range(options.runs + 1):
                for name, command in commands.items():
                    home = Path(temporary) / name
                    home.mkdir(exist_ok=True)
                    took = seconds_to_window(command, home)
                    # The first one reads from the disk.
                    if number:
                        taken[name].append(took)
    finally:
        server.terminate()
        server.wait(10)
    medians = {name: statistics.median(values) for name, values in taken.items()}
    for name, values in taken.items():
        print(f"{name}: {medians[name]:.2f} s ({', '.join(f'{each:.2f}' for each in values)})")
    ratio = medians["frozen"] / medians["installed"]
    print(f"frozen / installed: {ratio:.2f} (floor {FLOOR})")
    return 0 if ratio <= FLOOR else 1


if __name__ == "__main__":
    sys.exit(main())

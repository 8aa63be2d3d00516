"""Wall time of `sounddesk --help`, and whether torch was imported on the way.

python -m benchmarks.help_time [--runs 10]
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence

HEAVY = ("torch", "torchvision", "diffusers", "transformers", "timm", "cv2", "scipy")
PROBE = """
import sys
from sounddesk.cli.main import main
try:
    main(["--help"])
except SystemExit:
    pass
print("loaded:", *[name for name in {heavy!r} if name in sys.modules], file=sys.stderr)
"""


def main(arguments: Sequence[str] | None = None) -> None:
    arguments_of = argparse.ArgumentParser(description=__doc__)
    arguments_of.add_argument("--runs", type=int, default=10)
    options = arguments_of.parse_args(arguments)
    times = []
    for _ in range(options.runs):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-m", "sounddesk", "--help"], check=True, stdout=subprocess.DEVNULL)
        times.append(time.perf_counter() - start)
    loaded = heavy_imports()
    print(
        f"--help: median {statistics.median(times):.3f} s, best {min(times):.3f} s of {options.runs} runs; "
        f"heavy imports: {', '.join(loaded) or 'none'}"
    )


def heavy_imports() -> list[str]:
    """Which of `HEAVY` are in memory after the help was printed."""
    probe = [sys.executable, "-c", PROBE.format(heavy=HEAVY)]
    done = subprocess.run(probe, check=True, capture_output=True, text=True)
    return done.stderr.splitlines()[-1].removeprefix("loaded:").split()


if __name__ == "__main__":
    main(sys.argv[1:])

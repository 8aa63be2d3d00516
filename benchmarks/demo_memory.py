"""Peak memory and time of `sounddesk demo` as a process of its own (resident set, as the system counts it).

python -m benchmarks.demo_memory [--seconds 10]
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import psutil

POLL_S = 0.02


def main(arguments: Sequence[str] | None = None) -> None:
    arguments_of = argparse.ArgumentParser(description=__doc__)
    arguments_of.add_argument("--seconds", type=float, default=10.0)
    options = arguments_of.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "demo"
        command = [
            sys.executable,
            "-m",
            "sounddesk",
            "demo",
            "--out",
            str(out),
            "--seconds",
            f"{options.seconds:g}",
            "--quiet",
        ]
        peak_bytes, elapsed_s, exit_code = peak_memory(command)
        files = len(list(out.glob("*"))) if out.is_dir() else 0
    if exit_code != 0:
        raise SystemExit(f"'sounddesk demo' ended with exit code {exit_code}: no figure")
    print(f"demo: peak memory {peak_bytes / 2**30:.2f} GiB, {elapsed_s:.1f} s for {options.seconds:g} s, {files} files")


def peak_memory(command: Sequence[str]) -> tuple[int, float, int]:
    """Run a command: (largest resident set in bytes, seconds, exit code).

    The system's own high-water mark where it keeps one, else the largest of samples every `POLL_S`.
    """
    start = time.perf_counter()
    process = psutil.Popen(list(command))
    peak = 0
    while process.poll() is None:
        try:
            peak = max(peak, _resident_bytes(process))
        except psutil.Error:
            break
        time.sleep(POLL_S)
    return peak, time.perf_counter() - start, int(process.wait())


def _resident_bytes(process: psutil.Process) -> int:
    status = Path(f"/proc/{process.pid}/status")
    if status.exists():
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    memory = process.memory_info()
    return int(getattr(memory, "peak_wset", memory.rss))


if __name__ == "__main__":
    main(sys.argv[1:])

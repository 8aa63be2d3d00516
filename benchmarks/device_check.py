"""What has to hold on a device, in one call: networks, precisions, memory plans, cancelling, training, speed.

    python -m benchmarks.device_check --out device_check.json

It compares the device with the CPU in float32 on the same requests, with random weights at AudioLDM s's real size where
no bundle is named, so it needs no download. One JSON and a table come out; what fails is named and the exit code is 1.
Checks that a CPU cannot make are listed as skipped. Against diffusers' own pipeline see `benchmarks.audioldm_parity`.

A card may be lent for minutes only: each check is told as soon as it has ended, the JSON is written anew after it, and
what has not begun after `--minutes` is skipped. The longest ones, compiling and training, come last.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import sys
import tempfile
import time
from collections.abc import Callable
from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from functools import partial
from pathlib import Path
from typing import Any
from typing import Final

import numpy as np
import numpy.typing as npt
import torch

from benchmarks.common import shapes_request
from benchmarks.device_networks import Check
from benchmarks.device_networks import NetworkChecks
from benchmarks.device_networks import training_check
from sounddesk.domain.errors import Cancelled
from sounddesk.engine.bundles.bundle import Bundle
from sounddesk.engine.bundles.memory_plan import MemoryPlan
from sounddesk.engine.bundles.paper_bundles import random_bundle
from sounddesk.engine.device import DevicePolicy
from sounddesk.engine.device import choose_device
from sounddesk.engine.session import EngineSession
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.tasks import Progress
from sounddesk.engine.types import SamplingSettings

# Largest difference of a condition (a unit vector) from the CPU's in float32, by precision.
TOLERANCES: Final = {torch.float32: 1e-3, torch.bfloat16: 0.05, torch.float16: 0.02}
PLANS: Final[tuple[MemoryPlan, ...]] = ("keep", "offload", "sequential")
# Two renders in one precision differ by no more than this share of the peak.
_SAME_SOUND: Final = 1e-2
_STEPS: Final = 4
STATES: Final = ("passed", "failed", "skipped")

Row = dict[str, Any]


class Checks:
    """One bundle on one device; every check gives a row: name, state ('passed', 'failed', 'skipped'), figures."""

    def __init__(self, bundle: Bundle, policy: DevicePolicy, *, seconds: float, objects: int) -> None:
        self._bundle = bundle
        self._policy = policy
        self._seconds = seconds
        self._objects = objects
        sampling = SamplingSettings(preset="paper", steps=_STEPS)
        self._one = shapes_request(1, seconds=seconds, seeds=[1], sampling=sampling)
        self._many = replace(self._one, takes=tuple(replace(self._one.takes[0], seed=seed) for seed in range(objects)))
        self._networks = NetworkChecks(bundle, policy, seconds=seconds)

    @cached_property
    def _condition(self) -> npt.NDArray[np.float32]:
        """What precisions are compared with: the CPU's in float32. Made at its first use, so that it fails there."""
        with EngineSession(self._bundle, choose_device("cpu"), memory="keep") as session:
            return session.condition(self._one.image, self._one.takes[0]).condition

    @cached_property
    def _sound(self) -> npt.NDArray[np.float32]:
        """What memory plans are compared with: the device's in float32, all networks kept."""
        float32 = replace(self._policy, network_dtype=torch.float32)
        with EngineSession(self._bundle, float32, memory="keep") as session:
            return session.generate(self._one)[0].waveform

    def checks(self) -> list[Check]:
        """Name and check, in the order in which they are made."""
        return [
            *((f"precision {dtype}".replace("torch.", ""), partial(self.precision, dtype)) for dtype in TOLERANCES),
            *((f"memory plan {plan}", partial(self.plan, plan)) for plan in PLANS),
            ("cancel within a step", self.cancel),
            ("out of memory, then smaller", self.out_of_memory),
            (f"one object and {self._objects}", self.batch),
            *self._networks.checks(),
            ("training, stopped and resumed", self.training),
        ]

    def rows(self, *, minutes: float = math.inf) -> Iterator[Row]:
        """A row for every check when it has ended; one that raises has failed, and the others go on.

        Args:
            minutes: from now; what has not begun by then is skipped.
        """
        begin = time.perf_counter()
        for name, check in self.checks():
            start = time.perf_counter()
            if start - begin >= 60 * minutes:
                yield {"name": name, "state": "skipped", "why": f"{minutes:g} minutes were over"}
                continue
            try:
                row = check()
            # Whatever a driver raises is what this script is there to find.
            except Exception as error:  # noqa: BLE001
                row = {"state": "failed", "error": f"{type(error).__name__}: {error}"[:300]}
            yield {"name": name, **row, "seconds": round(time.perf_counter() - start, 2)}
            if self._policy.device.type == "cuda":
                with contextlib.suppress(RuntimeError):
                    torch.cuda.empty_cache()

    def precision(self, dtype: torch.dtype) -> Row:
        """The condition and a render in one precision."""
        with EngineSession(self._bundle, replace(self._policy, network_dtype=dtype), memory="keep") as session:
            condition = session.condition(self._one.image, self._one.takes[0]).condition
            sound = session.generate(self._one)[0].waveform
        difference = float(np.abs(condition - self._condition).max())
        ok = difference <= TOLERANCES[dtype] and bool(np.isfinite(sound).all())
        return _row(ok, condition_difference=difference, tolerance=TOLERANCES[dtype], peak=float(np.abs(sound).max()))

    def plan(self, plan: MemoryPlan) -> Row:
        """The same sound where networks wait elsewhere, and the memory that it takes at most."""
        device = self._policy.device
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(device)
        float32 = replace(self._policy, network_dtype=torch.float32)
        with EngineSession(self._bundle, float32, memory=plan) as session:
            sound = session.generate(self._one)[0].waveform
        difference = float(np.abs(sound - self._sound).max() / max(np.abs(self._sound).max(), 1e-9))
        # Offloading computes in half precision on a card, as the manual says.
        same = difference <= (_SAME_SOUND if plan != "offload" else 1.0)
        peak = torch.cuda.max_memory_allocated(device) if device.type == "cuda" else None
        return _row(same and bool(np.isfinite(sound).all()), difference=difference, peak_bytes=peak)

    def cancel(self) -> Row:
        """A cancel in the second step ends the render before the fourth."""
        cancel, reached = CancelToken(), []

        def on_progress(report: Progress) -> None:
            if report.stage == "denoise":
                reached.append(report.done)
                if report.done >= 2:
                    cancel.cancel()

        with EngineSession(self._bundle, self._policy, memory="keep") as session:
            try:
                session.generate(self._one, on_progress=on_progress, cancel=cancel)
            except Cancelled:
                return _row(max(reached) <= 3, last_step=max(reached))
        return _row(False, last_step=max(reached))

    def out_of_memory(self) -> Row:
        """With little memory a batch is retried in smaller parts, and sounds the same."""
        device = self._policy.device
        if device.type != "cuda":
            return {"state": "skipped", "why": "only a graphics card's memory can be bounded"}
        with EngineSession(self._bundle, self._policy, memory="keep") as session:
            free = [take.waveform for take in session.generate(self._many)]
            used = torch.cuda.memory_allocated(device)
            torch.cuda.reset_peak_memory_stats(device)
            total = torch.cuda.get_device_properties(device).total_memory
            torch.cuda.empty_cache()
            torch.cuda.set_per_process_memory_fraction(min(1.0, 1.3 * used / total + 0.004), device)
            try:
                bounded = [take.waveform for take in session.generate(self._many)]
            finally:
                torch.cuda.set_per_process_memory_fraction(1.0, device)
        difference = max(float(np.abs(one - other).max()) for one, other in zip(free, bounded, strict=True))
        return _row(difference <= _SAME_SOUND, difference=difference)

    def training(self) -> Row:
        """Some steps of fine-tuning, with a run that is stopped and goes on."""
        with tempfile.TemporaryDirectory(prefix="sounddesk-") as scratch:
            return training_check(self._bundle, self._policy, Path(scratch), seconds=self._seconds)

    def batch(self) -> Row:
        """Seconds for one object and for several at once, the networks loaded."""
        with EngineSession(self._bundle, self._policy, memory="keep") as session:
            session.generate(self._one)
            times = []
            for request in (self._one, self._many):
                start = time.perf_counter()
                session.generate(request)
                times.append(time.perf_counter() - start)
        return _row(True, one_s=times[0], many_s=times[1], times_as_long=times[1] / times[0])


def _row(ok: bool, **figures: float | None) -> Row:
    return {
        "state": "passed" if ok else "failed",
        **{key: value for key, value in figures.items() if value is not None},
    }


def check(
    bundle: Bundle,
    *,
    device: str,
    seconds: float,
    objects: int,
    minutes: float = math.inf,
    on_row: Callable[[dict[str, Any]], None] = lambda document: None,
) -> dict[str, Any]:
    """All checks of a bundle on a device ('auto', 'cpu', 'cuda:0'), as a JSON-ready document.

    Args:
        minutes: what has not begun by then is skipped.
        on_row: given the document as far as it is known, after each check.
    """
    policy = choose_device(device)
    card = torch.cuda.get_device_name(policy.device) if policy.device.type == "cuda" else "no graphics card"
    document: dict[str, Any] = {
        "device": str(policy.device),
        "card": card,
        "torch": torch.__version__,
        "bundle": bundle.name,
        "bundle_sha256": bundle.sha256,
        "checks": [],
        "passed": False,
    }
    for row in Checks(bundle, policy, seconds=seconds, objects=objects).rows(minutes=minutes):
        document["checks"].append(row)
        on_row(document)
    document["passed"] = all(row["state"] != "failed" for row in document["checks"])
    return document


def table(document: dict[str, Any]) -> str:
    """The document for a reader."""
    rows = document["checks"]
    counts = ", ".join(f"{sum(row['state'] == state for row in rows)} {state}" for state in STATES)
    return "\n".join(
        [f"{document['device']} ({document['card']}), {document['bundle']}: {counts}", "", *map(row_text, rows)]
    )


def row_text(row: Row) -> str:
    """One check in a line."""
    others = {key: value for key, value in row.items() if key not in ("name", "state")}
    figures = ", ".join(
        f"{key} {value:.4g}" if isinstance(value, float) else f"{key} {value}" for key, value in others.items()
    )
    return f"{row['state']:8} {row['name']:32} {figures}"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bundle", type=Path, metavar="FOLDER", help="default: random weights at the size of paper-s")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--objects", type=int, default=8)
    parser.add_argument("--minutes", type=float, default=math.inf, help="begin no check after so many minutes")
    parser.add_argument("--out", type=Path, default=Path("device_check.json"))
    options = parser.parse_args(arguments)

    def on_row(document: dict[str, Any]) -> None:
        options.out.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
        print(row_text(document["checks"][-1]), flush=True)

    with tempfile.TemporaryDirectory(prefix="sounddesk-") as scratch:
        named = options.bundle
        bundle = random_bundle("paper-s", Path(scratch) / "paper-s") if named is None else Bundle.open(named)
        document = check(
            bundle,
            device=options.device,
            seconds=options.seconds,
            objects=options.objects,
            minutes=options.minutes,
            on_row=on_row,
        )
    options.out.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    print(f"\n{table(document)}")
    return 0 if document["passed"] else 1


if __name__ == "__main__":
    sys.exit(main())

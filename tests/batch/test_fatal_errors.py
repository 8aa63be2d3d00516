"""What ends a whole batch ends it in the same words and with the same exit code, however many workers there are."""

from __future__ import annotations

import re
import shutil
import time
from dataclasses import replace
from pathlib import Path

import pytest

from sounddesk.batch.executors.local import LocalExecutor
from sounddesk.batch.options import BatchOptions
from sounddesk.batch.run import render_settings
from sounddesk.batch.run import run_batch
from sounddesk.cli.exit_codes import exit_code_of
from sounddesk.domain.errors import SounddeskError
from sounddesk.engine.tasks import CancelToken
from tests.batch.conftest import run


def with_damaged_weights(options: BatchOptions) -> None:
    weights = max(Path(options.bundle).rglob("*.safetensors"), key=lambda path: path.stat().st_size)
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)


def with_missing_weights(options: BatchOptions) -> None:
    max(Path(options.bundle).rglob("*.safetensors"), key=lambda path: path.stat().st_size).unlink()


def with_full_disk(options: BatchOptions) -> None:
    pass


@pytest.mark.slow
@pytest.mark.parametrize("breaks", [with_damaged_weights, with_missing_weights, with_full_disk])
def test_two_workers_tell_a_fatal_error_as_one_does(
    options: BatchOptions, tmp_path: Path, breaks: object, request: pytest.FixtureRequest
) -> None:
    bundle = tmp_path / "bundle"
    shutil.copytree(options.bundle, bundle)
    options = replace(options, bundle=str(bundle))
    if breaks is with_full_disk:
        options = replace(options, out=request.getfixturevalue("small_disk") / "out", seconds=2.0)
    breaks(options)  # type: ignore[operator]
    with pytest.raises(SounddeskError) as alone:
        run(options)
    shutil.rmtree(options.out, ignore_errors=True)
    executor = LocalExecutor(render_settings(options), workers=2)
    with pytest.raises(SounddeskError) as pooled:
        run_batch(options, on_progress=lambda _: None, cancel=CancelToken(), executor=executor)
    assert type(pooled.value) is type(alone.value)
    # Whichever worker comes to it first names its own frame.
    first, second = (re.sub(r"/f_\d", "/f_N", str(each.value)) for each in (alone, pooled))
    assert first == second
    assert exit_code_of(pooled.value) == exit_code_of(alone.value) == 3
    # The other worker is gone as well.
    until = time.monotonic() + 5
    while executor.pids() and time.monotonic() < until:
        time.sleep(0.05)
    assert executor.pids() == []

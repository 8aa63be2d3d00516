"""`sounddesk models test`: two seconds of sound, looked at."""

from __future__ import annotations

import argparse
from typing import Any

from sounddesk.cli.console import Console
from sounddesk.domain.errors import EngineError
from sounddesk.engine.tasks import CancelToken


def self_test(options: argparse.Namespace, *, console: Console, cancel: CancelToken) -> dict[str, Any]:
    """Carry out `sounddesk models test`. Raises: EngineError, where a check does not hold."""
    return report_self_test(options.name, device=options.device, console=console, cancel=cancel)


def report_self_test(bundle: str, *, device: str, console: Console, cancel: CancelToken) -> dict[str, Any]:
    """Test a bundle and say how it went. Raises: EngineError, where a check does not hold."""
    from sounddesk.engine.self_test import run_self_test

    result = run_self_test(bundle, device=device, on_progress=console.progress, cancel=cancel)
    if not result.passed:
        raise EngineError(f"{result.line()}: verify its parts with 'sounddesk models verify' and install them again")
    console.say(result.line())
    return {"self_test": {"passed": True, "peak": result.peak, "seconds": result.seconds, **dict(result.checks)}}

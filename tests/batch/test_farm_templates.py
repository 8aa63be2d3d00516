"""The farm templates call a command that exists, with shards that fit together."""

from __future__ import annotations

import argparse
import importlib.util
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from sounddesk.cli.batch import configure

FOLDER = Path(__file__).parent.parent.parent / "packaging" / "batch"


def parsed(command: list[str]) -> argparse.Namespace:
    """The arguments as `sounddesk batch` reads them."""
    assert command[:2] == ["sounddesk", "batch"]
    parser = argparse.ArgumentParser(allow_abbrev=False, exit_on_error=False)
    configure(parser)
    return parser.parse_args(command[2:])


def filled(text: str, values: dict[str, Any]) -> str:
    return re.sub(r"\{\{([A-Za-z.]+)\}\}", lambda match: str(values[match[1]]), text)


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_slurm_makes_shards_of_the_array(tmp_path: Path) -> None:
    command = tmp_path / "sounddesk"
    command.write_text('#!/bin/bash\nprintf "%s\\n" sounddesk "$@"\n')
    command.chmod(0o755)
    array = {"SLURM_ARRAY_TASK_ID": "12", "SLURM_ARRAY_TASK_MIN": "10", "SLURM_ARRAY_TASK_COUNT": "8"}
    ended = subprocess.run(
        ["bash", str(FOLDER / "slurm.sbatch"), "my shot", "out", "--object", "dog@1,2"],
        env={**array, "SLURM_CPUS_PER_TASK": "4", "PATH": f"{tmp_path}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=True,
    )
    options = parsed(ended.stdout.splitlines())
    assert (str(options.folder), options.points, options.shard) == ("my shot", ["dog@1,2"], "3/8")
    assert (options.workers, options.resume) == (4, True)
    refused = subprocess.run(["bash", str(FOLDER / "slurm.sbatch")], capture_output=True, text=True)
    assert refused.returncode != 0
    assert "usage" in refused.stderr


def test_openjd_has_a_task_for_each_shard() -> None:
    template = yaml.safe_load((FOLDER / "openjd.yaml").read_text())
    assert template["specificationVersion"] == "jobtemplate-2023-09"
    names = {each["name"] for each in template["parameterDefinitions"]}
    values = {f"Param.{name}": f"/{name}" for name in names} | {"Param.Shards": 8, "Param.Workers": 2}
    step = template["steps"][0]
    assert filled(step["parameterSpace"]["taskParameterDefinitions"][0]["range"], values) == "1-8"
    run = step["script"]["actions"]["onRun"]
    arguments = [filled(each, {**values, "Task.Param.Shard": 3}) for each in run["args"]]
    options = parsed([run["command"], *arguments])
    assert (str(options.folder), str(options.project), options.shard) == ("/Frames", "/Project", "3/8")


def test_opencue_has_a_frame_for_each_shard() -> None:
    spec = importlib.util.spec_from_file_location("opencue_template", FOLDER / "opencue.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    command = module.batch_command(["shot", "--auto", "--out", "sounds"], shards=8, cores=2)
    options = parsed([part.replace("#IFRAME#", "5") for part in command])
    assert (options.shard, options.workers, options.auto) == ("5/8", 2, True)

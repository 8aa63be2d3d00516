"""Held-out accuracy of a matching model: pictures and recordings that were never trained on, kinds evenly.

python -m benchmarks.matching_accuracy --data DATA --run runs/matching
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from sounddesk.engine.perception.matching_model import MatchingModel
from sounddesk.training.loop.recipe import build
from sounddesk.training.loop.run_recipe import RunRecipe
from sounddesk.training.runner import model_recipe
from sounddesk.training.tasks.matching.matching_pairs import cached_pairs
from sounddesk.training.tasks.matching.matching_task import MatchingTask


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--data", type=Path, required=True)
    arguments.add_argument("--run", type=Path, required=True, help="folder of a finished matching run")
    arguments.add_argument("--pairs", type=int, default=400, help="of each sort")
    options = arguments.parse_args()
    recipe = model_recipe(build(RunRecipe, json.loads((options.run / "recipe.json").read_text())))
    cache = options.run.parent / "cache"
    task = MatchingTask(recipe, data_dir=options.data, cache_dir=cache)
    task.model = MatchingModel.load(options.run / "export" / "matching")
    matched, mismatched = task.held_out(cached_pairs(recipe, options.data, cache, "test"), count=options.pairs)
    print(f"matched {(matched > 0.5).float().mean():.3f}, mismatched {(mismatched <= 0.5).float().mean():.3f} at 0.5")
    print(f"matched {(matched > 0.6).float().mean():.3f}, mismatched {(mismatched <= 0.6).float().mean():.3f} at 0.6")


if __name__ == "__main__":
    main()

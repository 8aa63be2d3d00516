"""One process or many, CPU or GPUs: what `accelerate` does for the loop.

`accelerate launch` starts the processes; without it this is a plain single-process run. accelerate was chosen because
it knows the launchers of clusters, the devices and the precisions, and leaves the loop ours.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any
from typing import Final

import torch
from torch import Tensor
from torch import nn

from sounddesk.domain.errors import MissingPackageError
from sounddesk.training.loop.optimiser_recipe import OptimiserRecipe
from sounddesk.training.loop.recipe import TrainingRecipeError

# Running sums over training examples: every process adds its own share.
COUNTERS: Final = ("variance_sum", "variance_count")
_PRECISIONS: Final = {"float32": "no", "bfloat16": "bf16", "float16": "fp16"}


def make_accelerator(recipe: OptimiserRecipe) -> Any:
    """An accelerate `Accelerator` on the recipe's device and precision.

    Raises:
        MissingPackageError: accelerate is not installed.
        ValueError: the device is not there.
    """
    try:
        from accelerate import Accelerator
        from accelerate import DistributedDataParallelKwargs
        from accelerate.state import AcceleratorState
    except ImportError as error:
        raise MissingPackageError("training needs accelerate: pip install 'sounddesk[train]'") from error
    if recipe.device == "cuda" and not torch.cuda.is_available():
        raise TrainingRecipeError("device is 'cuda', but torch sees no GPU: set optimiser.device=cpu")
    if recipe.device == "mps" and not torch.backends.mps.is_available():
        raise TrainingRecipeError("device is 'mps', but torch sees none: set optimiser.device=cpu")
    # Its state is one per process and would keep the precision of the recipe before.
    AcceleratorState._reset_state()
    if torch.cuda.is_available():
        torch.backends.cudnn.benchmark = False
        torch.backends.cudnn.deterministic = True
    # A batch without scenes leaves parts of the grounding without gradient; counters are summed below.
    options = DistributedDataParallelKwargs(find_unused_parameters=True, broadcast_buffers=False)
    return Accelerator(
        cpu=recipe.device == "cpu", mixed_precision=_PRECISIONS[recipe.precision], kwargs_handlers=[options]
    )


def micro_batches_of(recipe: OptimiserRecipe, processes: int) -> int:
    """Into how many micro-batches a batch is split. Raises: TrainingRecipeError, they cannot be spread evenly."""
    count = recipe.micro_batches or processes
    if count % processes or recipe.batch_size % count:
        raise TrainingRecipeError(
            f"batch_size {recipe.batch_size} in {count} micro-batches over {processes} processes: "
            "set optimiser.micro_batches to a multiple of the processes that divides the batch"
        )
    return count


@contextlib.contextmanager
def summed_counters(module: nn.Module, accelerator: Any) -> Iterator[None]:
    """Sum over all processes what the block adds to the counters of `module`."""
    if accelerator.num_processes == 1:
        yield
        return
    counters = [buffer for name, buffer in module.named_buffers() if name.rpartition(".")[2] in COUNTERS]
    before = [counter.clone() for counter in counters]
    yield
    for counter, old in zip(counters, before, strict=True):
        added: Tensor = accelerator.reduce(counter - old, reduction="sum")
        counter.copy_(old + added)

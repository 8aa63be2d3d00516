"""How much memory a run will need, before it starts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from sounddesk.training.loop.optimiser_recipe import OptimiserRecipe
from sounddesk.training.loop.training_task import DrawingTask
from sounddesk.training.loop.training_task import TrainingTask


@dataclass(frozen=True, kw_only=True)
class MemoryEstimate:
    """Bytes on the training device, per process.

    Attributes:
        weights: of the model and, per trained parameter, gradient, two moments of AdamW and the average.
        activations: what the forward pass of one micro-batch keeps for the backward pass.
        trained, parameters: how many parameters learn, and how many there are.
    """

    weights: int
    activations: int
    trained: int
    parameters: int

    def text(self) -> str:
        return (
            f"{self.trained / 1e6:.1f} of {self.parameters / 1e6:.1f} million parameters learn; about "
            f"{(self.weights + self.activations) / 2**30:.2f} GiB a process: {self.weights / 2**30:.2f} for weights, "
            f"gradients, AdamW and average, {self.activations / 2**30:.2f} for activations"
        )


def estimate_memory(task: TrainingTask, recipe: OptimiserRecipe, *, processes: int = 1) -> MemoryEstimate:
    """Count weights, and measure activations of one and of two examples on the CPU to extend them to a micro-batch.

    Buffers of libraries and fragments are not in it; add a fifth on a GPU.
    """
    parameters = list(task.module.parameters())
    trained = sum(p.numel() for p in parameters if p.requires_grad)
    count = recipe.batch_size // max(1, recipe.micro_batches or processes)
    one = _kept_bytes(task, recipe, 1)
    activations = one
    if count > 1:
        activations += (_kept_bytes(task, recipe, 2) - one) * (count - 1)
    everything = sum(p.numel() * p.element_size() for p in (*parameters, *task.module.buffers()))
    return MemoryEstimate(
        weights=everything + 16 * trained,
        activations=max(0, activations),
        trained=trained,
        parameters=sum(p.numel() for p in parameters),
    )


def _kept_bytes(task: TrainingTask, recipe: OptimiserRecipe, examples: int) -> int:
    """Bytes that autograd keeps for `examples` examples, each storage once and without the weights themselves."""
    own = {p.untyped_storage().data_ptr() for p in task.module.parameters()}
    kept: dict[int, int] = {}

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    state = {name: buffer.clone() for name, buffer in task.module.named_buffers()}
    precision = {"bfloat16": torch.bfloat16, "float16": torch.bfloat16}.get(recipe.precision)
    with (
        torch.random.fork_rng(devices=[]),
        torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor),
        torch.autocast("cpu", dtype=precision, enabled=precision is not None),
    ):
        torch.manual_seed(0)
        rng = np.random.default_rng(0)
        if isinstance(task, DrawingTask):
            task.loss_of(task.draw(rng, examples, step=0))
        else:
            task.loss(rng, examples)
    with torch.no_grad():
        # What a forward pass counts (attention statistics) is not part of the run.
        for name, buffer in task.module.named_buffers():
            buffer.copy_(state[name])
    return sum(kept.values())

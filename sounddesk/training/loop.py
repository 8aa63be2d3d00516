"""The optimisation loop that every training task shares."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from torch import Tensor
from torch import nn

from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.tasks import Progress
from sounddesk.training.checkpoint import Ema
from sounddesk.training.checkpoint import load_checkpoint
from sounddesk.training.checkpoint import save_checkpoint


@dataclass(frozen=True, kw_only=True)
class OptimiserRecipe:
    """AdamW and its schedule. Defaults of betas, eps and weight decay are the paper's (4.1).

    Attributes:
        schedule: 'constant' after the warm-up, or 'cosine' down to a twentieth of the learning rate.
        ema_decay: decay of the averaged weights that are exported.
        clip_norm: gradient norm limit; None for none.
        precision: 'bfloat16' runs the forward pass in autocast, 'float32' does not.
        threads: CPU threads; None leaves torch's choice.
    """

    steps: int
    batch_size: int
    learning_rate: float = 1e-4
    betas: tuple[float, ...] = (0.95, 0.999)
    eps: float = 1e-6
    weight_decay: float = 1e-3
    warmup_steps: int = 0
    schedule: str = "constant"
    ema_decay: float = 0.9999
    clip_norm: float | None = None
    precision: str = "float32"
    checkpoint_minutes: float = 3.0
    threads: int | None = None

    def __post_init__(self) -> None:
        if self.schedule not in ("constant", "cosine"):
            raise ValueError(f"schedule is {self.schedule!r}: choose 'constant' or 'cosine'")
        if self.precision not in ("float32", "bfloat16"):
            raise ValueError(f"precision is {self.precision!r}: choose 'float32' or 'bfloat16'")

    def learning_rate_at(self, step: int) -> float:
        """Learning rate of `step` (0-based)."""
        if step < self.warmup_steps:
            return self.learning_rate * (step + 1) / self.warmup_steps
        if self.schedule == "constant":
            return self.learning_rate
        done = (step - self.warmup_steps) / max(1, self.steps - self.warmup_steps)
        return self.learning_rate * (0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * min(1.0, done))))


class TrainingTask(Protocol):
    """One thing to train. All randomness of a step comes from that step's own generator.

    Attributes:
        module: what is optimised, averaged and checkpointed.
        learning_rate_factors: factors on the learning rate of parameters whose name contains the key.
    """

    module: nn.Module
    learning_rate_factors: Mapping[str, float]

    def loss(self, rng: np.random.Generator, batch_size: int) -> tuple[Tensor, dict[str, float]]:
        """Loss of one random batch, and figures to log."""
        ...

    def export(self, folder: Path) -> None:
        """Write deployable weights; `module` holds the averaged ones during the call."""
        ...


class TrainingDiverged(RuntimeError):  # noqa: N818
    """The loss is no longer a number."""


@dataclass
class _Averages:
    sums: dict[str, float] = field(default_factory=dict)
    count: int = 0

    def add(self, figures: dict[str, float]) -> None:
        self.count += 1
        for key, value in figures.items():
            self.sums[key] = self.sums.get(key, 0.0) + value

    def take(self) -> dict[str, float]:
        means = {key: round(value / max(1, self.count), 5) for key, value in self.sums.items()}
        self.sums, self.count = {}, 0
        return means


def _parameter_groups(task: TrainingTask) -> dict[float, list[nn.Parameter]]:
    """Trainable parameters by learning-rate factor, 1 first."""
    groups: dict[float, list[nn.Parameter]] = {1.0: []}
    for name, parameter in task.module.named_parameters():
        if parameter.requires_grad:
            factor = next((f for part, f in task.learning_rate_factors.items() if part in name), 1.0)
            groups.setdefault(factor, []).append(parameter)
    return groups


def train(
    task: TrainingTask,
    recipe: OptimiserRecipe,
    *,
    seed: int,
    run_dir: Path,
    resume: bool = True,
    on_progress: Callable[[Progress], None] | None = None,
    cancel: CancelToken | None = None,
    log_every: int = 25,
) -> None:
    """Train `task.module`, checkpoint, and export the averaged weights into `run_dir/export`.

    Every step draws from a generator seeded with (seed, step), so that a run continued from a checkpoint
    sees the batches that an uninterrupted one would have seen.

    Raises:
        TrainingDiverged: the loss is NaN or infinite; the last good checkpoint stays.
        Cancelled: after saving a checkpoint.
    """
    if recipe.threads is not None:
        torch.set_num_threads(recipe.threads)
    parameters = [p for p in task.module.parameters() if p.requires_grad]
    groups = _parameter_groups(task)
    factors = list(groups)
    optimiser = torch.optim.AdamW(
        [{"params": group} for group in groups.values()],
        lr=recipe.learning_rate,
        betas=(recipe.betas[0], recipe.betas[1]),
        eps=recipe.eps,
        weight_decay=recipe.weight_decay,
        fused=True,
    )
    ema = Ema(task.module, decay=recipe.ema_decay)
    step = 0
    state = load_checkpoint(run_dir) if resume else None
    if state is not None:
        task.module.load_state_dict(state["module"])
        optimiser.load_state_dict(state["optimiser"])
        ema.load_state_dict(state["ema"])
        step = int(state["step"])

    def save() -> None:
        save_checkpoint(
            run_dir,
            {
                "module": task.module.state_dict(),
                "optimiser": optimiser.state_dict(),
                "ema": ema.state_dict(),
                "step": step,
            },
        )

    run_dir.mkdir(parents=True, exist_ok=True)
    averages = _Averages()
    started_s = saved_s = time.monotonic()
    first_step = step
    task.module.train()
    with (run_dir / "log.jsonl").open("a") as log:
        while step < recipe.steps:
            if cancel is not None and cancel.cancelled:
                save()
                cancel.raise_if_cancelled()
            rng = np.random.default_rng((seed, step))
            torch.manual_seed(int(rng.integers(2**62)))
            learning_rate = recipe.learning_rate_at(step)
            for group, factor in zip(optimiser.param_groups, factors, strict=True):
                group["lr"] = learning_rate * factor
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=recipe.precision == "bfloat16"):
                loss, figures = task.loss(rng, recipe.batch_size)
            if not torch.isfinite(loss):
                raise TrainingDiverged(f"loss is {loss.item()} at step {step}: lower learning_rate and resume")
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            if recipe.clip_norm is not None:
                nn.utils.clip_grad_norm_(parameters, recipe.clip_norm)
            optimiser.step()
            ema.update(task.module)
            step += 1
            averages.add({"loss": loss.item(), **figures})
            if step % log_every == 0 or step == recipe.steps:
                row = {
                    "step": step,
                    "lr": learning_rate,
                    "s": round(time.monotonic() - started_s, 1),
                    **averages.take(),
                }
                log.write(json.dumps(row) + "\n")
                log.flush()
            if on_progress is not None:
                elapsed_s = time.monotonic() - started_s
                on_progress(
                    Progress(
                        stage="train", done=step - first_step, total=recipe.steps - first_step, elapsed_s=elapsed_s
                    )
                )
            if time.monotonic() - saved_s > recipe.checkpoint_minutes * 60:
                save()
                saved_s = time.monotonic()
    save()
    ema.copy_to(task.module)
    task.module.eval()
    task.export(run_dir / "export")

"""The optimisation loop that every training task shares."""

from __future__ import annotations

import contextlib
import random
import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor
from torch import nn

from sounddesk.domain.errors import Cancelled
from sounddesk.domain.errors import EngineError
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.tasks import Progress
from sounddesk.engine.verified_files import whole_folder
from sounddesk.storage.folder_lock import FolderLock
from sounddesk.training.loop.averages import Averages
from sounddesk.training.loop.checkpoint import Ema
from sounddesk.training.loop.checkpoint import load_checkpoint
from sounddesk.training.loop.checkpoint import save_checkpoint
from sounddesk.training.loop.live_view import LiveView
from sounddesk.training.loop.optimiser_recipe import LiveRecipe
from sounddesk.training.loop.optimiser_recipe import OptimiserRecipe
from sounddesk.training.loop.parallel import make_accelerator
from sounddesk.training.loop.parallel import micro_batches_of
from sounddesk.training.loop.parallel import summed_counters
from sounddesk.training.loop.recipe import TrainingRecipeError
from sounddesk.training.loop.training_task import Batch
from sounddesk.training.loop.training_task import CountedTask
from sounddesk.training.loop.training_task import DescendedTask
from sounddesk.training.loop.training_task import DrawingTask
from sounddesk.training.loop.training_task import PreviewingTask
from sounddesk.training.loop.training_task import TrainingTask


class TrainingDiverged(EngineError):  # noqa: N818
    """The loss is no longer a number."""


class _LossModule(nn.Module):
    """The task's loss as a forward pass, so that several processes can average its gradients."""

    def __init__(self, task: TrainingTask) -> None:
        super().__init__()
        self.module = task.module
        # In a list, so that torch does not look for parameters in it.
        self._task = [task]

    def forward(self, batch: Batch | None, rng: np.random.Generator, count: int) -> tuple[Tensor, dict[str, float]]:
        task = self._task[0]
        if batch is not None:
            assert isinstance(task, DrawingTask)
            return task.loss_of(batch)
        return task.loss(rng, count)


def counted_steps(task: TrainingTask, recipe: OptimiserRecipe) -> OptimiserRecipe:
    """The recipe with its epochs turned into steps. Raises: TrainingRecipeError, the data have no length."""
    if recipe.epochs is None:
        return recipe
    if not isinstance(task, CountedTask):
        raise TrainingRecipeError("optimiser.epochs: the data of this task have no number of examples: give steps")
    return replace(recipe, epochs=None, steps=-(-task.examples() * recipe.epochs // recipe.batch_size))


def _parameter_groups(task: TrainingTask) -> dict[float, list[nn.Parameter]]:
    """Trainable parameters by learning-rate factor, 1 first."""
    groups: dict[float, list[nn.Parameter]] = {1.0: []}
    for name, parameter in task.module.named_parameters():
        if parameter.requires_grad:
            factor = next((f for part, f in task.learning_rate_factors.items() if part in name), 1.0)
            groups.setdefault(factor, []).append(parameter)
    return groups


class _Run:
    """State of a run: everything that changes while training and that a checkpoint must hold.

    All randomness of a step comes from generators seeded with (seed, step), the global ones included, so the
    step number is at once the sampler's position and the state of every generator.
    """

    def __init__(self, task: TrainingTask, recipe: OptimiserRecipe, *, seed: int, run_dir: Path) -> None:
        self.task = task
        self.recipe = recipe
        self.seed = seed
        self.run_dir = run_dir
        self.accelerator = make_accelerator(recipe)
        self.micro_batches = micro_batches_of(recipe, self.accelerator.num_processes)
        self.device: torch.device = self.accelerator.device
        if self.device.type != "cpu" and not isinstance(task, DrawingTask):
            raise TrainingRecipeError(f"optimiser.device is {self.device.type!r}: this task trains on 'cpu'")
        task.module.to(self.device)
        groups = _parameter_groups(task)
        self.factors = list(groups)
        self.parameters = [p for group in groups.values() for p in group]
        self.model = self.accelerator.prepare(_LossModule(task))
        optimiser = torch.optim.AdamW(
            [{"params": group} for group in groups.values()],
            lr=recipe.learning_rate,
            betas=(recipe.betas[0], recipe.betas[1]),
            eps=recipe.eps,
            weight_decay=recipe.weight_decay,
            fused=self.device.type in ("cpu", "cuda"),
        )
        self.optimiser = self.accelerator.prepare(optimiser)
        self.ema = Ema(task.module, decay=recipe.ema_decay)
        self.averages = Averages()
        self.step = 0
        self.elapsed_s = 0.0

    @property
    def is_main(self) -> bool:
        return bool(self.accelerator.is_main_process)

    def provenance(self) -> dict[str, Any] | None:
        known = self.task.provenance if isinstance(self.task, DescendedTask) else None
        return None if known is None else {"base": known.base, "sha256": known.sha256, "licence": known.licence}

    def save(self) -> None:
        if self.is_main:
            scaler = self.accelerator.scaler
            state = {
                "module": self.task.module.state_dict(),
                "optimiser": self.optimiser.state_dict(),
                "scaler": None if scaler is None else scaler.state_dict(),
                "ema": self.ema.state_dict(),
                "averages": {"sums": self.averages.sums, "counts": self.averages.counts},
                "step": self.step,
                "seed": self.seed,
                "elapsed_s": self.elapsed_s,
                "provenance": self.provenance(),
            }
            save_checkpoint(self.run_dir, state)

    def restore(self) -> None:
        """Restore the last checkpoint, if there is one.

        Raises:
            TrainingRecipeError: it belongs to another model, seed or base.
        """
        state = load_checkpoint(self.run_dir)
        if state is None:
            return
        if state.get("seed", self.seed) != self.seed:
            raise TrainingRecipeError(
                f"the checkpoint in {self.run_dir} has seed {state['seed']}: set it so, or add --fresh"
            )
        if state.get("provenance", self.provenance()) != self.provenance():
            raise TrainingRecipeError(f"the checkpoint in {self.run_dir} was started from another bundle: add --fresh")
        try:
            self.task.module.load_state_dict(state["module"])
            self.optimiser.load_state_dict(state["optimiser"])
            self.ema.load_state_dict(state["ema"])
            self.averages = Averages(**state["averages"])
        except (RuntimeError, ValueError, KeyError, TypeError) as error:
            first = str(error).splitlines()[0]
            raise TrainingRecipeError(
                f"the checkpoint in {self.run_dir} is of another model ({first}): add --fresh"
            ) from error
        if state.get("scaler") is not None and self.accelerator.scaler is not None:
            self.accelerator.scaler.load_state_dict(state["scaler"])
        self.step = int(state["step"])
        self.elapsed_s = float(state.get("elapsed_s", 0.0))

    def one_step(self, *, cancelled: bool) -> bool:
        """Forward, backward, update; whether any process was asked to stop.

        Raises:
            TrainingDiverged: the loss is NaN or infinite; the weights are those before this step.
        """
        rng = np.random.default_rng((self.seed, self.step))
        seed = int(rng.integers(2**62))
        torch.manual_seed(seed)
        random.seed(seed)
        np.random.seed(seed % 2**32)  # noqa: NPY002  # for libraries that draw from it
        learning_rate = self.recipe.learning_rate_at(self.step)
        for group, factor in zip(self.optimiser.param_groups, self.factors, strict=True):
            group["lr"] = learning_rate * factor
        batch = None
        if isinstance(self.task, DrawingTask):
            batch = self.task.draw(rng, self.recipe.batch_size, step=self.step)
        self.optimiser.zero_grad(set_to_none=True)
        with summed_counters(self.task.module, self.accelerator):
            loss, figures = self._gradients(batch, rng, seed)
        told = torch.tensor([loss, float(cancelled)], dtype=torch.float64)
        if self.accelerator.num_processes > 1:
            told = self.accelerator.reduce(told.to(self.device).float(), reduction="mean").cpu()
        mean_loss = float(told[0])
        if not np.isfinite(mean_loss):
            raise TrainingDiverged(
                f"loss is {mean_loss} at step {self.step}: lower learning_rate and resume; "
                f"the batch is in {self._keep_batch(batch)}"
            )
        if self.recipe.clip_norm is not None:
            self.accelerator.clip_grad_norm_(self.parameters, self.recipe.clip_norm)
        self.optimiser.step()
        self.ema.update(self.task.module)
        self.step += 1
        self.averages.add({"loss": mean_loss, **figures})
        return float(told[1]) > 0.0

    def _gradients(self, batch: Batch | None, rng: np.random.Generator, seed: int) -> tuple[float, dict[str, float]]:
        own = self.micro_batches // self.accelerator.num_processes
        count = self.recipe.batch_size // self.micro_batches
        figures = Averages()
        for index in range(own):
            number = self.accelerator.process_index * own + index
            part = None
            if batch is not None:
                part = {k: v[number * count : (number + 1) * count].to(self.device) for k, v in batch.items()}
            if self.micro_batches > 1:
                rng = np.random.default_rng((self.seed, self.step, number))
                torch.manual_seed(seed + 1 + number)
            last = index == own - 1
            with contextlib.nullcontext() if last else self.accelerator.no_sync(self.model):
                loss, own_figures = self.model(part, rng, count)
                if torch.isfinite(loss):
                    self.accelerator.backward(loss / own)
                elif self.accelerator.num_processes > 1:
                    # The other processes wait for these gradients.
                    self.accelerator.backward(loss / own)
            figures.add({"loss": loss.item(), **own_figures})
        means = {key: value / figures.counts[key] for key, value in figures.sums.items()}
        return means.pop("loss"), means

    def _keep_batch(self, batch: Batch | None) -> str:
        """Write the batch of the failing step to a file and return its path."""
        path = self.run_dir / f"nan_step_{self.step}_{self.accelerator.process_index}.safetensors"
        facts = {"seed": str(self.seed), "step": str(self.step), "batch_size": str(self.recipe.batch_size)}
        tensors = {key: value.detach().cpu().contiguous() for key, value in (batch or {}).items()}
        save_file(tensors or {"step": torch.tensor(self.step)}, path, metadata=facts)
        return str(path)

    def row(self) -> dict[str, Any]:
        """Means since the last row, over all processes."""
        means = self.averages.take()
        if self.accelerator.num_processes > 1:
            values = torch.tensor(list(means.values()), device=self.device)
            values = self.accelerator.reduce(values, reduction="mean").cpu()
            means = dict(zip(means, (round(float(value), 5) for value in values), strict=True))
        return {"step": self.step, "lr": self.recipe.learning_rate_at(self.step - 1), **means}

    def export(self) -> None:
        self.ema.copy_to(self.task.module)
        self.task.module.eval()
        if self.is_main:
            with whole_folder(self.run_dir / "export", overwrite=True) as folder:
                self.task.export(folder)
                if isinstance(self.task, DescendedTask) and self.task.provenance is not None:
                    self.task.provenance.write(folder)
        self.accelerator.wait_for_everyone()


def train(
    task: TrainingTask,
    recipe: OptimiserRecipe,
    *,
    seed: int,
    run_dir: Path,
    resume: bool = True,
    on_progress: Callable[[Progress], None] | None = None,
    cancel: CancelToken | None = None,
    live: LiveRecipe | None = None,
) -> None:
    """Train `task.module`, checkpoint, and export the averaged weights into `run_dir/export`.

    A run continued from a checkpoint, whatever ended it and when, equals an uninterrupted one bit for bit on
    one machine (same processes, micro-batches and threads): see `_Run`.

    Raises:
        TrainingDiverged: the loss is NaN or infinite; the last good checkpoint stays and the batch is kept.
        Cancelled: after saving a checkpoint.
        TrainingRecipeError: the checkpoint does not fit, or the micro-batches do not.
        OutputError: another process trains into `run_dir`.
    """
    live = live or LiveRecipe()
    recipe = counted_steps(task, recipe)
    if recipe.threads is not None:
        torch.set_num_threads(recipe.threads)
    run_dir.mkdir(parents=True, exist_ok=True)
    try:
        run = _Run(task, recipe, seed=seed, run_dir=run_dir)
    except ValueError as error:
        raise TrainingRecipeError(str(error)) from error
    lock = FolderLock(run_dir / ".lock", folder=run_dir) if run.is_main else None
    try:
        if lock is not None and lock.guards:
            # What a killed process left of an export.
            for left in run_dir.glob(".export.*"):
                shutil.rmtree(left, ignore_errors=True)
        if resume:
            run.restore()
        view = LiveView(run_dir, live, total_steps=recipe.steps, from_step=run.step) if run.is_main else None
        try:
            _loop(run, live, view=view, on_progress=on_progress, cancel=cancel)
        finally:
            if view is not None:
                view.close()
        run.save()
        run.export()
    finally:
        if lock is not None:
            lock.release()


def timed_step(task: TrainingTask, recipe: OptimiserRecipe, *, seed: int, scratch: Path) -> float:
    """Seconds of the first step of a run, which changes the task's weights and writes nothing but a batch that fails.

    Args:
        scratch: takes that batch.

    Raises:
        TrainingDiverged, TrainingRecipeError: as `train`.
    """
    try:
        run = _Run(task, recipe, seed=seed, run_dir=scratch)
    except ValueError as error:
        raise TrainingRecipeError(str(error)) from error
    task.module.train()
    began_s = time.monotonic()
    run.one_step(cancelled=False)
    return time.monotonic() - began_s


def _loop(
    run: _Run,
    live: LiveRecipe,
    *,
    view: LiveView | None,
    on_progress: Callable[[Progress], None] | None,
    cancel: CancelToken | None,
) -> None:
    recipe, task = run.recipe, run.task
    first_step, before_s = run.step, run.elapsed_s
    started_s = saved_s = time.monotonic()
    task.module.train()
    while run.step < recipe.steps:
        # Asked before the step where one process may decide alone, after it where all must agree.
        cancelled = cancel is not None and cancel.cancelled
        if not (cancelled and run.accelerator.num_processes == 1):
            cancelled = run.one_step(cancelled=cancelled)
        if cancelled:
            run.save()
            raise Cancelled
        elapsed_s = time.monotonic() - started_s
        run.elapsed_s = before_s + elapsed_s
        if run.step % live.log_steps == 0 or run.step == recipe.steps:
            row = run.row()
            if view is not None:
                view.add_row({**row, "s": round(run.elapsed_s, 1)})
        if live.preview_steps and run.step % live.preview_steps == 0 and view is not None:
            _preview(run, live, view)
        if on_progress is not None and run.is_main:
            done, total = run.step - first_step, recipe.steps - first_step
            on_progress(Progress(stage="train", done=done, total=total, elapsed_s=elapsed_s))
        due = time.monotonic() - saved_s > recipe.checkpoint_minutes * 60
        if recipe.checkpoint_steps is not None:
            due = run.step % recipe.checkpoint_steps == 0
        if due:
            run.save()
            saved_s = time.monotonic()


def _preview(run: _Run, live: LiveRecipe, view: LiveView) -> None:
    """Preview sounds made with the averaged weights; weights and random state are restored afterwards."""
    if not isinstance(run.task, PreviewingTask):
        return
    run.ema.swap_with(run.task.module)
    run.task.module.eval()
    try:
        sounds = run.task.previews(seconds=live.preview_seconds, count=live.preview_count)
    finally:
        run.ema.swap_with(run.task.module)
        run.task.module.train()
    view.add_previews(run.step, sounds)

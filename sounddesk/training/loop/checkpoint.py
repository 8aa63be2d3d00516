"""Checkpoints of a training run, written atomically."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from typing import Final

import torch
from torch import nn

from sounddesk.storage.atomic_file import atomic_path
from sounddesk.storage.atomic_file import sync_folder
from sounddesk.storage.leftovers import remove_leftovers

CHECKPOINT_NAME: Final = "resume.pt"


def save_checkpoint(run_dir: Path, state: dict[str, Any]) -> None:
    """Write `state` atomically: a kill at any moment leaves the old checkpoint or the new one."""
    run_dir.mkdir(parents=True, exist_ok=True)
    remove_leftovers(run_dir)
    with atomic_path(run_dir / CHECKPOINT_NAME) as temporary, temporary.open("xb") as file:
        torch.save(state, file)
        file.flush()
        os.fsync(file.fileno())
    sync_folder(run_dir)


def load_checkpoint(run_dir: Path) -> dict[str, Any] | None:
    """The last checkpoint (tensors and plain values only, never arbitrary objects), or None."""
    path = run_dir / CHECKPOINT_NAME
    if not path.exists():
        return None
    state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    return state


class Ema:
    """Exponential moving average of parameters, decay min(decay, (1 + n) / (10 + n)) as in AudioLDM's LitEma."""

    def __init__(self, module: nn.Module, *, decay: float) -> None:
        self.decay = decay
        self.updates = 0
        self.shadow = {name: p.detach().clone().float() for name, p in module.named_parameters() if p.requires_grad}

    @torch.no_grad()
    def update(self, module: nn.Module) -> None:
        self.updates += 1
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates))
        live = [p.detach() for p in module.parameters() if p.requires_grad]
        shadows = list(self.shadow.values())
        torch._foreach_mul_(shadows, decay)
        torch._foreach_add_(shadows, live, alpha=1 - decay)

    @torch.no_grad()
    def copy_to(self, module: nn.Module) -> None:
        for name, parameter in module.named_parameters():
            if name in self.shadow:
                parameter.copy_(self.shadow[name])

    @torch.no_grad()
    def swap_with(self, module: nn.Module) -> None:
        """Swap averaged and live weights; a second call restores them."""
        for name, parameter in module.named_parameters():
            if name in self.shadow:
                live = parameter.detach().clone().float()
                parameter.copy_(self.shadow[name])
                self.shadow[name].copy_(live)

    def state_dict(self) -> dict[str, Any]:
        return {"updates": self.updates, "shadow": self.shadow}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.updates = int(state["updates"])
        for name, value in state["shadow"].items():
            self.shadow[name].copy_(value)

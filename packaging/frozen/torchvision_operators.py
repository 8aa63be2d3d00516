"""Lets torchvision be imported without its compiled operators, none of which sounddesk calls.

The package index has torchvision for Linux only as a CUDA build, whose operators need libraries that a CPU build of
torch leaves out; without them its import fails, since it describes two operators that are not there then. They are
declared here, when torchvision is imported and not before, so that the start stays quick. Where the operators are
there, nothing happens.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

_DECLARED = ("nms", "qnms")


class _BeforeTorchvision(importlib.abc.MetaPathFinder):
    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,
        target: ModuleType | None = None,  # noqa: ARG002  # the import system's signature
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != "torchvision":
            return None
        sys.meta_path.remove(self)
        found = importlib.machinery.PathFinder.find_spec(fullname, path)
        if found is not None and found.origin is not None and not list(Path(found.origin).parent.glob("_C.*")):
            import torch

            for name in _DECLARED:
                torch.library.define(
                    f"torchvision::{name}", "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
                )
        return found


sys.meta_path.insert(0, _BeforeTorchvision())

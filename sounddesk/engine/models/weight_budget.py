"""A network is built only as large as the weights that come with it.

A configuration is a small text of others, and a library allocates whatever it asks for: a vocabulary of sixty million
words, a million layers. The shapes in the headers of the safetensors files bound it, because each of their bytes had
to be sent.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from typing import Final
from typing import TypeVar

import torch
from safetensors import SafetensorError
from torch import nn

from sounddesk.engine.models.quantised_weights import open_weights
from sounddesk.storage.text_formats import read_json

_Network = TypeVar("_Network", bound=nn.Module)

# Rates, sides and ids of tokens that no tensor of a small network reaches.
_LEAST_LIMIT: Final = 1 << 18
# Each layer has a tensor.
_COUNTS_OF_LAYERS: Final = ("layers", "blocks", "depth")
# Buffers that are computed rather than stored (masks, tables of positions, windows).
_SPARE_VALUES: Final = 1 << 22


def check_configuration(folder: Path) -> None:
    """Compare the whole numbers in a component's `config.json` with the shapes of its weights.

    Raises:
        ValueError: names a number that no network with these weights has.
        OSError: not readable.
    """
    if not (folder / "config.json").is_file():
        return
    shapes = _shapes(folder)
    largest = max([_LEAST_LIMIT, *(side for shape in shapes for side in shape)])
    waiting: list[tuple[str, Any]] = [("", read_json(folder / "config.json", allow_infinite=True))]
    while waiting:
        key, value = waiting.pop()
        if isinstance(value, dict):
            waiting += value.items()
        elif isinstance(value, list):
            waiting += [(key, each) for each in value]
        elif isinstance(value, int):
            counts = any(word in key for word in _COUNTS_OF_LAYERS)
            limit = max(len(shapes), 1) if counts and not isinstance(value, bool) else largest
            if abs(value) > limit:
                raise ValueError(f"config.json: {key} is {value}, its weights allow {limit} at most")


def build_within(build: Callable[[], _Network], folder: Path) -> _Network:
    """`build()`, once its size is known to be that of the safetensors files in `folder`.

    It is built without memory first, which takes a tenth of a second for a large network.

    Raises:
        ValueError: it has more parameters than the files have values.
    """
    refuse_larger(build, folder)
    return build()


def refuse_larger(build: Callable[[], nn.Module], folder: Path) -> None:
    """The check of `build_within`, for libraries that build and load in one. Raises: ValueError."""
    with torch.device("meta"):
        empty = build()
    needed = sum(tensor.numel() for tensor in [*empty.parameters(), *empty.buffers()])
    stored = sum(_count(shape) for shape in _shapes(folder))
    if needed > stored + _SPARE_VALUES:
        raise ValueError(f"its configuration asks for {needed} values, its weights have {stored}")


def _shapes(folder: Path) -> list[tuple[int, ...]]:
    """Of every tensor in the folder; only headers are read."""
    shapes = []
    for path in sorted(folder.glob("*.safetensors")):
        try:
            with open_weights(path) as file:
                shapes += [tuple(file.get_slice(name).get_shape()) for name in file.keys()]  # noqa: SIM118
        except SafetensorError as error:
            raise ValueError(f"{path.name} is not a readable safetensors file ({error})") from error
    return shapes


def _count(shape: tuple[int, ...]) -> int:
    count = 1
    for side in shape:
        count *= side
    return count

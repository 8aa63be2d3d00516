"""Memory of networks by shapes alone, against numbers that can be worked out by hand."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from benchmarks.network_memory import network_memory


def chain(depth: int, *, device: str) -> nn.Sequential:
    return nn.Sequential(*(nn.Linear(100, 100, bias=False, device=device) for _ in range(depth)))


@pytest.mark.parametrize("device", ["meta", "cpu"])
def test_a_chain_holds_one_input_and_one_output_at_a_time(device: str) -> None:
    network = chain(5, device=device)
    memory = network_memory([network], lambda: network(torch.empty(7, 100, device=device)))
    assert memory.parameters == 5 * 100 * 100
    assert memory.weight_bytes == 4 * memory.parameters
    # The first input stays in the caller's hand; then a layer's input and its output.
    assert memory.activation_bytes == 3 * 7 * 100 * 4
    assert memory.peak_bytes == memory.weight_bytes + memory.activation_bytes


def test_what_is_kept_counts_until_it_is_gone() -> None:
    def keeps() -> None:
        kept = [torch.empty(1000, device="meta") for _ in range(4)]
        views = [tensor[:10] for tensor in kept]
        del kept
        # A view keeps the whole of what it looks at.
        torch.empty(500, device="meta")
        del views
        torch.empty(3000, device="meta")

    assert network_memory([], keeps).activation_bytes == 4500 * 4


def test_tied_weights_count_once_and_activations_grow_with_the_batch() -> None:
    network = chain(2, device="meta")
    network[1].weight = network[0].weight
    one, four = (
        network_memory([network], lambda: network(torch.empty(batch, 100, device="meta")))  # noqa: B023
        for batch in (1, 4)
    )
    assert one.parameters == four.parameters == 100 * 100
    assert four.activation_bytes == 4 * one.activation_bytes

"""Gated attention and its baseline, against the equations written out."""

from __future__ import annotations

import math

import torch

from groundling.agents.fusion import ConcatFusion, GatedFusion, make_fusion


def test_gate_lies_strictly_between_0_and_1() -> None:
    gate = GatedFusion(4, 3).attention(torch.randn(50, 3))
    assert gate.shape == (50, 4)
    assert ((gate > 0) & (gate < 1)).all()


def test_gated_fusion_is_cells_times_the_sigmoid_of_the_instruction() -> None:
    fusion = GatedFusion(2, 1)
    with torch.no_grad():
        fusion.gate.weight.copy_(torch.tensor([[1.0], [-2.0]]))
        fusion.gate.bias.copy_(torch.tensor([0.0, 1.0]))
    cells = torch.tensor([[3.0, 5.0], [10.0, 20.0], [0.0, 1.0]])
    fused = fusion(cells, torch.tensor([[0.0], [2.0]]))
    assert fused.shape == (2, 3, 2)
    # instruction 0: gate (sigmoid(0), sigmoid(1)); instruction 2: gate (sigmoid(2), sigmoid(-3))
    half, one, two, minus_three = (1 / (1 + math.exp(-x)) for x in (0.0, 1.0, 2.0, -3.0))
    expected = [
        [[3 * half, 5 * one], [10 * half, 20 * one], [0.0, one]],
        [[3 * two, 5 * minus_three], [10 * two, 20 * minus_three], [0.0, minus_three]],
    ]
    torch.testing.assert_close(fused, torch.tensor(expected))


def test_concatenation_appends_the_instruction_to_every_cell() -> None:
    fusion = ConcatFusion(2, 3)
    cells, instruction = torch.randn(4, 2), torch.randn(5, 3)
    fused = fusion(cells, instruction)
    assert fused.shape == (5, 4, 5)
    assert fusion.out_dim == 5
    for s in range(5):
        for v in range(4):
            assert torch.equal(fused[s, v], torch.cat([cells[v], instruction[s]]))


def test_out_dim_is_what_a_fusion_gives() -> None:
    for kind in ("gated", "concat"):
        fusion = make_fusion(kind, 6, 4)
        assert fusion(torch.randn(3, 6), torch.randn(2, 4)).shape == (2, 3, fusion.out_dim)

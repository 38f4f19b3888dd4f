"""The linear layer by oneDNN is PyTorch's own, up to rounding."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from groundling.agents import linear as module
from groundling.agents.linear import Linear, is_for_onednn, linear, pays_here

has_onednn = torch.backends.mkldnn.is_available() and hasattr(torch.ops.mkldnn, "_linear_pointwise")
needs_onednn = pytest.mark.skipif(not has_onednn, reason="this PyTorch has no linear layer of oneDNN's")


@pytest.fixture
def onednn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the processor is."""
    monkeypatch.setattr(module, "pays_here", lambda: True)


def drawn(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(len(shape))).requires_grad_()


@needs_onednn
@pytest.mark.usefixtures("onednn")
@pytest.mark.parametrize("has_bias", [True, False])
@pytest.mark.parametrize("rows", [(32,), (4, 8), (3, 64)])
def test_result_and_gradients_are_those_of_pytorch(rows: tuple[int, ...], has_bias: bool) -> None:
    x, weight, bias = drawn(*rows, 392), drawn(64, 392), drawn(64) if has_bias else None
    inputs = [x, weight] + ([bias] if bias is not None else [])
    ours, theirs = linear(x, weight, bias), functional.linear(x, weight, bias)
    assert is_for_onednn(x, weight)
    assert ours.shape == theirs.shape == (*rows, 64)
    assert torch.allclose(ours, theirs, atol=1e-4)
    with torch.no_grad():
        assert torch.allclose(linear(x, weight, bias), theirs, atol=1e-4)
    found, expected = (torch.autograd.grad(y.square().sum(), inputs) for y in (ours, theirs))
    for own, other in zip(found, expected, strict=True):
        assert torch.allclose(own, other, rtol=1e-4, atol=1e-2)


@needs_onednn
@pytest.mark.usefixtures("onednn")
def test_gradients_of_gradients_are_those_of_pytorch() -> None:
    x, weight, bias = drawn(32, 128), drawn(64, 128), drawn(64)

    def second(layer: object) -> tuple[Tensor, ...]:
        y = layer(x, weight, bias)  # type: ignore[operator]
        first = torch.autograd.grad(torch.tanh(y / 10).square().sum(), (x, weight, bias), create_graph=True)
        return torch.autograd.grad(sum(part.square().sum() for part in first), (x, weight, bias))

    for own, other in zip(second(linear), second(functional.linear), strict=True):
        assert own.abs().max() > 0
        assert torch.allclose(own, other, rtol=1e-3, atol=1e-5)


@needs_onednn
@pytest.mark.usefixtures("onednn")
def test_only_gradients_that_are_needed_are_computed() -> None:
    x, weight = drawn(32, 128).detach(), drawn(64, 128)
    linear(x, weight).sum().backward()
    assert weight.grad is not None
    assert x.grad is None
    frozen = drawn(64, 128).detach()
    y = drawn(32, 128)
    linear(y, frozen).sum().backward()
    assert y.grad is not None


@pytest.mark.usefixtures("onednn")
def test_pytorch_computes_what_onednn_does_not() -> None:
    x, weight = drawn(32, 128), drawn(64, 128)
    assert is_for_onednn(x, weight)
    assert not is_for_onednn(x.double(), weight.double())
    assert not is_for_onednn(x.to("meta"), weight.to("meta"))
    assert not is_for_onednn(x, weight[:8]), "too small to pay"
    assert not is_for_onednn(x[:31], weight), "a number of rows that hardly comes again"
    assert not is_for_onednn(x[0], weight)
    assert not is_for_onednn(x[:0], weight)
    assert linear(x[:0], weight).shape == (0, 64)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert linear(x, weight).dtype == torch.bfloat16


@pytest.mark.parametrize(
    ("told", "capability", "pays"),
    [
        ("vendor_id : AuthenticAMD", "AVX512", True),
        ("vendor_id : AuthenticAMD", "AVX2", False),
        ("vendor_id : GenuineIntel", "AVX512", False),
        (None, "AVX512", False),
    ],
)
def test_processor_decides(
    told: str | None, capability: str, pays: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if told is not None:
        (tmp_path / "cpuinfo").write_text(told)
    monkeypatch.setattr(module, "CPUINFO", tmp_path / "cpuinfo")
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: capability)
    assert pays_here.__wrapped__() is (pays and has_onednn)


def test_parameters_are_those_of_a_linear_layer() -> None:
    torch.manual_seed(0)
    own = Linear(128, 64)
    torch.manual_seed(0)
    other = nn.Linear(128, 64)
    assert isinstance(own, nn.Linear)
    assert own.state_dict().keys() == other.state_dict().keys()
    assert torch.equal(own.weight, other.weight)
    x = drawn(5, 128)
    assert torch.allclose(own(x), other(x), atol=1e-5)

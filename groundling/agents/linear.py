"""A linear layer whose products oneDNN computes where the mathematics library of PyTorch is slow.

PyTorch hands products of 32-bit matrices on a CPU to Intel's MKL, which uses the wide vector instructions (AVX-512) of
Intel's processors alone. oneDNN, which PyTorch also brings, uses them on AMD's too: there the products of the widest
layers take less than half of the time. On other processors and devices the layer is ``torch.nn.Linear``.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.nn import functional

SMALLEST: Final = 4096  # numbers in a weight from which on it pays to call oneDNN
MULTIPLE: Final = 32  # of rows
CPUINFO: Final = Path("/proc/cpuinfo")  # of Linux


class Linear(nn.Linear):
    """``torch.nn.Linear``: the same parameters, and the same result up to rounding."""

    def forward(self, input: Tensor) -> Tensor:
        """The products [..., out_features] with [..., in_features]."""
        return linear(input, self.weight, self.bias)


def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """``torch.nn.functional.linear``, the same up to rounding.

    Args:
        input: [..., K].
        weight: [N, K].
        bias: [N], or None.

    Returns:
        [..., N].
    """
    if not is_for_onednn(input, weight):
        return functional.linear(input, weight, bias)
    if not torch.is_grad_enabled():
        return _product(input, weight, bias)
    flat: Tensor = _Linear.apply(input.reshape(-1, input.shape[-1]), weight, bias)  # type: ignore[no-untyped-call]
    return flat.reshape(*input.shape[:-1], len(weight))


def is_for_onednn(input: Tensor, weight: Tensor) -> bool:
    """Whether oneDNN computes these products [R, K] x [K, N].

    It prepares itself for each R, which takes a third of a millisecond the first time. Batches of a fixed size are
    nearly always multiples of ``MULTIPLE``; those that differ each time, as of whole episodes, nearly never.
    """
    return (
        weight.numel() >= SMALLEST
        and input.shape[:-1].numel() % MULTIPLE == 0
        and input.dtype == weight.dtype == torch.float32
        and input.device.type == weight.device.type == "cpu"
        and input.numel() > 0
        and pays_here()
        and not torch.is_autocast_enabled("cpu")
        and not torch.compiler.is_compiling()
    )


@functools.cache
def pays_here() -> bool:
    """Whether the processor is AMD's with AVX-512, and this PyTorch has oneDNN's linear layer."""
    has_it = torch.backends.mkldnn.is_available() and hasattr(torch.ops.mkldnn, "_linear_pointwise")
    if not has_it or torch.backends.cpu.get_cpu_capability() != "AVX512" or not CPUINFO.exists():
        return False
    return "AuthenticAMD" in CPUINFO.read_text()[:4096]


def _product(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    product: Tensor = torch.ops.mkldnn._linear_pointwise(input, weight, bias, "none", [], "")
    return product


class _Linear(torch.autograd.Function):
    """Forward: input @ weight.T + bias. Backward: as many products, by oneDNN too."""

    @staticmethod
    def forward(ctx: Any, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(input, weight)
        ctx.has_bias = bias is not None
        return _product(input, weight, bias)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
        (grad,) = grads
        input, weight = ctx.saved_tensors
        product = _differentiable if torch.is_grad_enabled() else _product  # natural gradients need a second one
        of_input = product(grad, weight.T) if ctx.needs_input_grad[0] else None
        of_weight = product(grad.T, input.T) if ctx.needs_input_grad[1] else None
        return of_input, of_weight, grad.sum(dim=0) if ctx.has_bias else None


def _differentiable(input: Tensor, weight: Tensor) -> Tensor:
    return functional.linear(input, weight)

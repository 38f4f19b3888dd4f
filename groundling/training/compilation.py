"""Compiling an agent's forward pass with torch.compile, for acting and for the update."""

from __future__ import annotations

from typing import Any, Final, Literal, get_args

import torch

from groundling.agents.actor_critic import ActorCritic
from groundling.agents.core import Decision

Compile = Literal["no", "default", "cuda-graphs"]
KINDS: Final = get_args(Compile)
MODES: Final[dict[str, str]] = {"default": "default", "cuda-graphs": "reduce-overhead"}


def compile_agent(agent: ActorCritic, kind: Compile) -> None:
    """Have an agent decide by a compiled forward pass from now on; the same up to rounding.

    On the CPU only passes that gradients are taken of are compiled: an agent that acts there keeps what it has read,
    which is worth more. With CUDA graphs a pass writes its results where the last one wrote them, so that those of an
    acting agent are copied.

    Args:
        agent: whose parameters, and what is saved of it, stay as they are.
        kind: "no" leaves it as it is; "cuda-graphs" also records the kernels of a pass, to launch them at once.
    """
    if kind == "no":
        return
    plain: Any = agent._call_impl
    compiled: Any = torch.compile(plain, mode=MODES[kind])
    is_on_host = agent.device.type == "cpu"
    has_graphs = kind == "cuda-graphs" and not is_on_host

    def call(*args: Any, **kwargs: Any) -> Any:
        if is_on_host and not torch.is_grad_enabled():
            return plain(*args, **kwargs)
        if has_graphs:
            torch.compiler.cudagraph_mark_step_begin()
        made: Decision = compiled(*args, **kwargs)
        if torch.is_grad_enabled() or not has_graphs:
            return made
        return Decision(made.logits.clone(), made.value.clone(), made.state.clone(), made.features.clone())

    agent._compiled_call_impl = call

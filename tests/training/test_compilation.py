"""Compiled forward passes, and symbols in bfloat16: nearly the same numbers, and the same runs around them."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from small_runs import checkpoint_of, small_config

from groundling.agents import ActorCritic, AgentConfig
from groundling.agents.core import Decision
from groundling.envs import make_vec
from groundling.errors import ConfigurationError
from groundling.training import train
from groundling.training.compilation import compile_agent


def decided(agent: ActorCritic) -> tuple[Decision, list[torch.Tensor]]:
    """A decision on some observations, and the gradients of a loss of it."""
    envs = make_vec("BabyAI-GoToObjS4-v0", num_envs=64, bank_size=64)
    observation, _ = envs.reset(seed=0)
    first = torch.ones(1, 64, dtype=torch.bool)
    decision = agent(agent.prepare(observation), agent.initial_state(64), first)
    agent.zero_grad()
    (decision.logits.logsumexp(-1).sum() + decision.value.square().sum()).backward()
    return decision, [p.grad.clone() for p in agent.parameters() if p.grad is not None]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # the compiler gives its own
@pytest.mark.skipif(shutil.which("c++") is None and shutil.which("g++") is None, reason="no C++ compiler")
def test_compiled_run_learns_what_the_plain_one_learns(tmp_path: Path) -> None:
    train(small_config(2), tmp_path / "plain")
    train(small_config(2, compile="default"), tmp_path / "compiled")
    one, other = checkpoint_of(tmp_path / "plain"), checkpoint_of(tmp_path / "compiled")
    for name, array in one.agent.items():
        torch.testing.assert_close(array, other.agent[name], rtol=1e-4, atol=1e-5)


def test_compiled_pass_is_taken_where_gradients_are_and_its_results_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []

    def compiler(plain: Any, *, mode: str) -> Any:
        def compiled(*args: Any) -> Any:
            calls.append(mode)
            return plain(*args)

        return compiled

    monkeypatch.setattr(torch, "compile", compiler)
    agent = ActorCritic(AgentConfig(cell_dim=6))
    before = set(agent.state_dict())
    compile_agent(agent, "no")
    decided(agent)
    assert not calls
    compile_agent(agent, "cuda-graphs")
    decided(agent)
    assert calls == ["reduce-overhead"]
    with torch.no_grad(), pytest.raises(RuntimeError):  # nothing to take gradients of: it went the plain way
        decided(agent)
    assert len(calls) == 1
    assert set(agent.state_dict()) == before


@pytest.mark.parametrize("parts", [{}, {"fusion": "cross_attention"}, {"vision": "convolved"}, {"map_radius": 3}])
def test_symbols_in_bfloat16_are_nearly_the_same(parts: dict[str, Any]) -> None:
    torch.manual_seed(0)
    envs = make_vec(
        "BabyAI-GoToObjS4-v0", num_envs=64, bank_size=64, explored_radius=3 if "map_radius" in parts else None
    )
    agent = ActorCritic(AgentConfig(**parts), envs.agent_spec)
    torch.nn.init.normal_(agent.policy.weight)
    observation, _ = envs.reset(seed=0)
    found = []
    for precision in ("float32", "bfloat16"):
        agent.set_precision(precision)  # type: ignore[arg-type]
        agent.zero_grad()
        decision = agent(agent.prepare(observation), agent.initial_state(64), torch.ones(1, 64, dtype=torch.bool))
        assert decision.logits.dtype == torch.float32
        decision.logits.logsumexp(-1).sum().backward()
        grads = torch.cat([p.grad.flatten() for p in agent.parameters() if p.grad is not None])
        found.append((decision.logits.detach(), grads))
    (logits, grads), (other, other_grads) = found
    assert not torch.equal(logits, other), "it is another arithmetic"
    assert float((logits - other).norm() / logits.norm()) < 0.03
    assert float(torch.nn.functional.cosine_similarity(grads, other_grads, dim=0)) > 0.99


def test_run_on_symbols_in_bfloat16_learns(tmp_path: Path) -> None:
    result = train(small_config(2, precision="bfloat16"), tmp_path)
    assert all(parameter.isfinite().all() for parameter in result.agent.parameters())
    assert all(parameter.dtype == torch.float32 for parameter in result.agent.parameters())


def test_kind_that_there_is_not_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="compile is no, default, cuda-graphs, not 'yes'"):
        small_config(compile="yes")

"""Freed memory stays with the process, and training sees to it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
import torch

from groundling.agents import AgentConfig
from groundling.training import PPOConfig, TrainConfig, Trainer, loop
from groundling.training.allocation import keep_freed_memory

HAS_GLIBC = sys.platform.startswith("linux") and "glibc" in str(os.confstr("CS_GNU_LIBC_VERSION"))
NUMBERS = 25_000_000  # 100 MB, more than glibc ever keeps on its own


def page_faults() -> int:
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt


@pytest.mark.skipif(not HAS_GLIBC, reason="only glibc is told to keep memory")
def test_freed_memory_is_not_mapped_again_and_again() -> None:
    """Some other block may come to lie where a large one was, but not every time."""
    keep_freed_memory()
    before = page_faults()
    for _ in range(20):
        torch.empty(NUMBERS).fill_(1)
    assert page_faults() - before < 5 * NUMBERS * 4 // 4096


def test_training_keeps_freed_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[bool] = []
    monkeypatch.setattr(loop, "keep_freed_memory", lambda: called.append(True))
    config = TrainConfig(
        task="BabyAI-GoToObjS4-v0",
        num_envs=2,
        bank_size=4,
        agent=AgentConfig(cell_dim=2, hidden_dim=2),
        ppo=PPOConfig(num_steps=2, minibatch_size=4),
    )
    Trainer(config, tmp_path).envs.close()
    assert called == [True]

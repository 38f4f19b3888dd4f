"""Training goes on while its environments' processes are killed, and leaves none behind."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from pathlib import Path

import foreign_envs
import pytest

from groundling.agents import AgentConfig
from groundling.envs.simulators.foreign import pool as pools
from groundling.training import PPOConfig, TrainConfig, Trainer

KILLS = 20


@pytest.mark.slow
def test_training_survives_twenty_kills(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GROUNDLING_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(pools, "RESTART_S", 0.0)
    made: list[pools.ForeignPool] = []
    begin = pools.ForeignPool.__init__

    def noted(self: pools.ForeignPool, *args: object, **options: object) -> None:
        begin(self, *args, **options)  # type: ignore[arg-type]
        made.append(self)

    monkeypatch.setattr(pools.ForeignPool, "__init__", noted)
    config = TrainConfig(
        task=f"{foreign_envs.__file__}:make_lamp?resets=16&success=info.won&workers=2&truncated=info.status==-1&size=40x40",
        total_frames=10**9,
        num_envs=8,
        agent=AgentConfig(vision="cnn", conv_channels=(4, 4, 4), hidden_dim=8),
        settings=(PPOConfig(num_steps=16, minibatch_size=64, num_epochs=1),),
    )
    trainer = Trainer(config, tmp_path / "run")
    envs = made[-1]
    seen: set[int] = set(envs.processes())
    is_over = threading.Event()

    def kill() -> None:
        draw = random.Random(0)
        for _ in range(KILLS):
            time.sleep(draw.uniform(0.0, 0.4))
            before = envs.restarts
            victim = draw.choice(envs.processes())
            seen.add(victim)
            os.kill(victim, signal.SIGKILL)
            while envs.restarts == before:
                time.sleep(0.02)
            seen.update(envs.processes())
        is_over.set()

    killer = threading.Thread(target=kill, daemon=True)
    killer.start()
    while not is_over.is_set():
        metrics = trainer.train_once()
    killer.join()
    trainer.envs.close()
    assert envs.restarts == KILLS
    assert metrics["episodes"] > 0
    assert len(seen) > KILLS
    assert not [process for process in seen if Path(f"/proc/{process}").exists()]

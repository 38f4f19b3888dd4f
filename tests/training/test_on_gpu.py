"""On a GPU: the same losses and gradients as on the CPU, resumed runs, and every part once.

Marked ``gpu``, and skipped where there is none; what these tests do is rehearsed on a simulated device.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from runs_of_parts import AGENTS, ALGORITHMS, ROVERS, USUAL, pictures, symbols
from simulated_device import SimulatedDevice
from small_runs import checkpoint_of, small_config
from torch import Tensor

from groundling.training import train
from groundling.training.checkpoint import load_agent
from groundling.training.loop import Trainer

HAS_GPU = torch.cuda.is_available()
needs_gpu = pytest.mark.skipif(not HAS_GPU, reason="there is no GPU here")
RUNS: dict[str, dict[str, Any]] = {
    **ALGORITHMS,
    **{name: symbols(name) for name in AGENTS},
    **{name: pictures(name) for name in ROVERS},
}


@pytest.fixture(autouse=True)
def full_precision() -> Iterator[None]:
    """Convolutions in float32, which PyTorch rounds to 10 bits on GPUs by default."""
    before = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = False
    yield
    torch.backends.cudnn.allow_tf32 = before


def moved(part: Any, device: str) -> Any:
    """A batch of an algorithm on a device."""
    if isinstance(part, Tensor):
        return part.to(device)
    if isinstance(part, dict):
        return {key: moved(value, device) for key, value in part.items()}
    if dataclasses.is_dataclass(part) and not isinstance(part, type):
        parts = {field.name: moved(getattr(part, field.name), device) for field in dataclasses.fields(part)}
        return type(part)(**{**parts, **({"host": None} if "host" in parts else {})})
    return part


def compare(device: str, folder: Path, **changes: Any) -> None:
    """Have both devices learn from the same two batches, which the CPU collected, in the same order."""
    changes = {**USUAL, **changes}
    here = Trainer(small_config(**changes), folder / "host")
    there = Trainer(small_config(**changes, device=device), folder / "device")
    told: dict[str, Tensor] = {}
    orders: list[Tensor] = []
    randperm = torch.randperm

    def noted(count: int, **options: Any) -> Tensor:
        orders.append(randperm(count, **options))
        return orders[-1]

    def repeated(count: int, **options: Any) -> Tensor:
        return orders.pop(0).to(options.get("device", "cpu"))

    for update in range(2):
        there.agent.load_state_dict(here.agent.state_dict())
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(torch, "randperm", noted)
            batch = here.algorithm.collect()
            copy = moved(batch, device)
            ours = here.algorithm.update(batch, update / 4)
            patch.setattr(torch, "randperm", repeated)
            theirs = there.algorithm.update(copy, update / 4)
        assert set(ours) == set(theirs)
        for name, value in ours.items():
            assert theirs[name] == pytest.approx(value, rel=2e-3, abs=2e-4, nan_ok=True), name
        told = {name: p.grad for name, p in here.agent.named_parameters() if p.grad is not None}
        for name, parameter in there.agent.named_parameters():
            if name in told:
                assert parameter.grad is not None
                scale = float(told[name].abs().max()) + 1e-6
                torch.testing.assert_close(parameter.grad.cpu(), told[name], rtol=1e-2, atol=2e-3 * scale)
    assert told
    there.algorithm.collect()  # and it plays there
    here.close()
    there.close()


@pytest.mark.gpu
@needs_gpu
@pytest.mark.parametrize("name", list(RUNS))
def test_losses_and_gradients_are_those_of_the_cpu(name: str, tmp_path: Path) -> None:
    compare("cuda", tmp_path, **RUNS[name])


def test_comparison_is_rehearsed_on_a_simulated_device(tmp_path: Path) -> None:
    with SimulatedDevice():
        compare("simulated", tmp_path, **RUNS["lstm"])


@pytest.mark.gpu
@needs_gpu
@pytest.mark.parametrize("changes", [{}, {"precision": "bfloat16"}, {"half_batches": True}], ids=str)
def test_run_on_a_gpu_is_resumed(changes: dict[str, Any], tmp_path: Path) -> None:
    """Sums of a GPU are not always in the same order, so parameters are the same up to rounding."""
    config = small_config(3, **{**USUAL, **symbols("lstm"), **changes}, device="cuda")
    train(config, tmp_path / "once")
    Trainer(config, tmp_path / "twice").run(stop_after_updates=1)
    train(config, tmp_path / "twice", resume=True)
    one, other = checkpoint_of(tmp_path / "once"), checkpoint_of(tmp_path / "twice")
    tolerance = 5e-2 if "precision" in changes else 1e-3
    for name, array in one.agent.items():
        torch.testing.assert_close(array, other.agent[name], rtol=tolerance, atol=tolerance)
    assert load_agent(tmp_path / "once").device.type == "cpu"


@pytest.mark.gpu
@needs_gpu
@pytest.mark.parametrize("kind", ["default", "cuda-graphs"])
@pytest.mark.filterwarnings("ignore")  # the compiler gives its own
def test_compiled_run_on_a_gpu_learns_what_the_plain_one_learns(kind: str, tmp_path: Path) -> None:
    train(small_config(3, **USUAL, device="cuda"), tmp_path / "plain")
    train(small_config(3, **USUAL, device="cuda", compile=kind), tmp_path / "compiled")
    one, other = checkpoint_of(tmp_path / "plain"), checkpoint_of(tmp_path / "compiled")
    for name, array in one.agent.items():
        torch.testing.assert_close(array, other.agent[name], rtol=1e-2, atol=1e-3)


@pytest.mark.gpu
@needs_gpu
def test_pictures_in_bfloat16_are_learned_from_on_a_gpu(tmp_path: Path) -> None:
    result = train(small_config(2, **{**USUAL, **pictures("cnn")}, device="cuda", precision="bfloat16"), tmp_path)
    assert all(parameter.isfinite().all() for parameter in result.agent.parameters())


@pytest.mark.gpu
@needs_gpu
def test_nothing_but_actions_and_what_is_named_is_waited_for_on_a_gpu(tmp_path: Path) -> None:
    """PyTorch itself tells: it fails where the host waits, unless that is allowed."""
    trainer = Trainer(small_config(**USUAL, device="cuda"), tmp_path)
    trainer.train_once()
    on_host = trainer.algorithm.collector.on_host  # type: ignore[attr-defined]

    def allowed(step: int, action: Tensor) -> Any:
        torch.cuda.set_sync_debug_mode("default")
        chosen = on_host(step, action)
        torch.cuda.set_sync_debug_mode("error")
        return chosen

    trainer.algorithm.collector.on_host = allowed  # type: ignore[attr-defined]
    try:
        torch.cuda.set_sync_debug_mode("error")
        trainer.algorithm.collect()
    finally:
        torch.cuda.set_sync_debug_mode("default")
        trainer.close()

"""A program: trains on environments of the CPU and of a GPU from one seed, and says which parameters differ.

It is run with NUMBA_ENABLE_CUDASIM=1. Its argument is what the run's configuration has other than the default, as JSON.
"""

from __future__ import annotations

import json
import sys
import tempfile
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from groundling.training import TrainConfig, Trainer


def parameters(trainer: Trainer) -> dict[str, Any]:
    return {name: tensor.clone() for name, tensor in trainer.agent.state_dict().items()}


def differences(first: dict[str, Any], second: dict[str, Any]) -> list[str]:
    assert set(first) == set(second)
    return [name for name, tensor in first.items() if not torch.equal(tensor, second[name])]


def main() -> int:
    warnings.filterwarnings("ignore", "overflow", RuntimeWarning)  # integers of the simulator's wrap as a GPU's do
    options = json.loads(sys.argv[1])
    found: dict[str, Any] = {}
    trained: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        for device in ("cpu", "cuda"):
            config = TrainConfig.from_dict({**TrainConfig().to_dict(), **options, "env_device": device})
            trainer = Trainer(config, Path(folder, device))
            result = trainer.run()
            trained[device] = parameters(trainer)
            found[device] = {
                name: value for name, value in result.metrics.items() if name in ("return", "success", "episodes")
            }
        # one run stops in the middle and goes on
        half = Path(folder, "half")
        first = replace(config, env_device="cuda")
        Trainer(first, half).run(stop_after_updates=1)
        resumed = Trainer(first, half, resume=True)
        resumed.run()
        trained["resumed"] = parameters(resumed)
    found["different"] = differences(trained["cpu"], trained["cuda"])
    found["farthest"] = max(
        float((tensor - trained["cuda"][name]).abs().max()) for name, tensor in trained["cpu"].items()
    )
    found["different_resumed"] = differences(trained["cuda"], trained["resumed"])
    print(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())

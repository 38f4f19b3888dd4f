"""The example of docs/rewards.md trains, is saved and goes on."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

from test_loop import checkpoint_of, make_config, metrics_of

from groundling.training import Trainer

PAGE = Path(__file__).parents[2] / "docs" / "rewards.md"


def test_reward_of_the_page_trains_and_resumes(tmp_path: Path) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    (tmp_path / "my_file.py").write_text(code)
    config = make_config(reward=("environment", f"{tmp_path / 'my_file.py'}:Curious"))
    Trainer(config, tmp_path / "run").run(stop_after_updates=2)
    Trainer(config, tmp_path / "run", resume=True).run()
    counts = checkpoint_of(tmp_path / "run").rewards[f"{tmp_path / 'my_file.py'}:Curious"]["counts"]
    assert sum(counts) == 7 + 8 * 12 * 4
    rows = [row[f"reward/{tmp_path / 'my_file.py'}:Curious"] for row in metrics_of(tmp_path / "run")]
    assert all(0 < after < before for before, after in itertools.pairwise(rows))

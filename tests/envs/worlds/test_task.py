"""Tasks as users write them: settings, registration, files, packages, other processes."""

from __future__ import annotations

import logging
import os
import pickle
import subprocess
import sys
from dataclasses import FrozenInstanceError, replace

import pytest

from groundling.envs.banks.bank import CLAUSE_TOKENS, SEQUENCE_TOKENS
from groundling.envs.banks.sources import find_source
from groundling.envs.families.own import registered as task_registry
from groundling.envs.families.own.registered import find_task, register, registered_tasks
from groundling.envs.worlds import contract
from groundling.envs.worlds.builder import WorldBuilder
from groundling.envs.worlds.task import Task
from groundling.envs.worlds.task_source import TaskSource
from groundling.errors import ConfigurationError, TaskError
from groundling.language import Color, GoTo, ObjectType, PickUp, PutNextTo
from groundling.language.goals import And, ObjectDescription

BALL = ObjectDescription(ObjectType.BALL)

FILE = '''
from groundling.envs import Task, register
from groundling.language import PickUp

class Plain(Task):
    """Pick one up."""
    room_size = 6

    def sample(self, world, rng):
        target = world.choice(world.add_crossed())
        world.place_agent()
        return PickUp(world.describe(target))

@register("theirs/Large-v0", room_size=9)
@register("theirs/Registered-v0", num_distractors=1)
class Registered(Plain):
    """Pick one of several up. At leisure."""
'''


@pytest.fixture(autouse=True)
def own_registry(monkeypatch):
    registered_tasks()
    monkeypatch.setattr(task_registry, "_registry", dict(task_registry._registry))
    monkeypatch.setattr(sys, "path", list(sys.path))


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "their_tasks.py"
    path.write_text(FILE)
    return path


class Fetch(Task):
    """Pick up the ball. It is not far."""

    room_size = 6
    max_steps = 128
    num_keys: int = 3

    def sample(self, world: WorldBuilder, rng):
        world.add("ball")
        world.place_agent()
        return PickUp(BALL)


# ------------------------------------------------------------------------------------------------ settings


def test_plain_class_attributes_change_inherited_defaults():
    assert (Fetch().room_size, Fetch().max_steps, Fetch().num_keys) == (6, 128, 3)
    assert Fetch(room_size=7, num_keys=1).room_size == 7

    class Larger(Fetch):
        room_size = 10
        num_keys = 4

    assert (Larger().room_size, Larger().num_keys, Larger().max_steps) == (10, 4, 128)
    assert Fetch().room_size == 6


def test_settings_are_frozen_and_compared():
    with pytest.raises(FrozenInstanceError):
        Fetch().room_size = 3
    assert Fetch() == Fetch(room_size=6)
    assert Fetch() != Fetch(room_size=7)
    assert hash(Fetch()) == hash(Fetch())


def test_misspelt_setting_is_refused():
    with pytest.raises(ConfigurationError, match="did you mean max_steps"):

        class Misspelt(Fetch):
            max_step = 5


def test_class_attributes_that_are_no_settings_stay():
    class WithConstant(Fetch):
        PALETTE = ("red",)

    assert WithConstant.PALETTE == ("red",)
    with pytest.raises(TypeError):
        WithConstant(PALETTE=())


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("reward", r"rewards are chosen for a run, by --reward \(FILE.py:CLASS\), not by the task"),
        ("compute_reward", "rewards are chosen for a run"),
        ("step", "Return the goal that you mean from sample"),
        ("reset", "compiled rules"),
        ("done", "compiled rules"),
        ("is_success", "compiled rules"),
        ("verbs", "the verbs of groundling.language"),
        ("action_space", "the actions of its body"),
        ("observation", "choose --body and --camera"),
        ("render", "OwnType and OwnColor"),
    ],
)
def test_what_a_task_cannot_decide_is_refused_when_the_class_is_made(name, reason):
    for members in ({name: lambda self: 1.0}, {name: 1.0}, {"__annotations__": {name: float}, name: 1.0}):
        with pytest.raises(ConfigurationError, match=f"Deciding.{name} would never be used: .*{reason}"):
            type("Deciding", (Fetch,), members)


def test_names_like_those_are_no_matter():
    class Stepping(Fetch):
        num_steps: int = 3
        steps_ahead = 2

        def rewarding(self):
            return self.num_steps

    assert Stepping().rewarding() == 3


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"room_size": 3}, "2 x 2 floor tiles"),
        ({"room_size": "8"}, "integer"),
        ({"num_rows": 0}, "at least 1"),
        ({"num_cols": True}, "integer"),
        ({"num_distractors": -1}, "at least 0"),
        ({"max_steps": 0}, "at least 1"),
        ({"colors": ("red", "bleu")}, "did you mean blue"),
        ({"colors": ()}, "at least one"),
        ({"colors": "red"}, "a tuple"),
        ({"types": ("ball", "ball")}, "twice"),
        ({"types": ("door",)}, "doors are added by the task"),
        ({"room_size": 100, "num_cols": 3}, "too large"),
    ],
)
def test_settings_that_cannot_work_are_refused(settings, reason):
    with pytest.raises(ConfigurationError, match=reason):
        Fetch(**settings)


def test_words_become_members():
    task = Fetch(colors=["red", "pink"], types=("cup",))
    assert task.colors == (Color.RED, Color.PINK)
    assert all(isinstance(color, Color) for color in task.colors)
    assert task.types == (ObjectType.CUP,)


def test_time_limit_is_babyais():
    task = Fetch(max_steps=None, num_rows=2, num_cols=3)
    area = 36 * 6
    assert task.step_limit(GoTo(BALL)) == area
    assert task.step_limit(PutNextTo(BALL, BALL)) == 2 * area
    assert task.step_limit(And((GoTo(BALL), PickUp(BALL), PutNextTo(BALL, BALL)))) == 4 * area
    assert task.step_limit(PickUp(ObjectDescription(ObjectType.BALL, both=True))) == 2 * area
    assert Fetch().step_limit(PutNextTo(BALL, BALL)) == 128


# ------------------------------------------------------------------------------------------------ registration


def test_registered_tasks_are_found_with_their_settings():
    register("my/Fetch-v0")(register("my/FetchFar-v0", room_size=9)(Fetch))
    assert {"my/Fetch-v0", "my/FetchFar-v0", "groundling/RoomGoTo-v0"} <= set(registered_tasks())
    assert find_task("my/Fetch-v0") == TaskSource("my/Fetch-v0", Fetch())
    assert find_task("my/FetchFar-v0").setting("room_size") == 9


@pytest.mark.parametrize("id", ["Fetch-v0", "my/Fetch", "my/Fet ch-v0", "my/sub/Fetch-v0", "my/Fetch-v"])
def test_malformed_ids_are_refused(id):
    with pytest.raises(ConfigurationError, match="namespace/Name-v0"):
        register(id)


def test_registration_errors():
    register("my/Fetch-v0")(Fetch)
    register("my/Fetch-v0")(Fetch)  # as a module that is imported again

    class Other(Fetch):
        pass

    with pytest.raises(ConfigurationError, match=r"id of .*Fetch already"):
        register("my/Fetch-v0")(Other)
    with pytest.raises(ConfigurationError, match=r"no setting 'size'; it has .*room_size"):
        register("my/Fetch-v1", size=3)(Fetch)
    with pytest.raises(ConfigurationError, match="2 x 2"):
        register("my/Fetch-v1", room_size=3)(Fetch)
    with pytest.raises(ConfigurationError, match="only subclasses of Task"):
        register("my/Fetch-v1")(dict)
    with pytest.raises(ConfigurationError, match="library's own"):
        register("groundling/Fetch-v0")(Fetch)

    class Unwritten(Task):
        pass

    with pytest.raises(ConfigurationError, match="no method sample"):
        register("my/Fetch-v1")(Unwritten)


@pytest.mark.parametrize("id", ["BabyAI-GoToLocal-v0", "groundling/GoToLocal-v0", "my/Unknown-v0", "a:b:c d", ":X"])
def test_other_ids_are_not_tasks(id):
    assert find_task(id) is None


# ------------------------------------------------------------------------------------------------ files and modules


def test_task_of_a_file(file, monkeypatch):
    source = find_task(f"{file}:Plain")
    assert source.id == "their_tasks/Plain"
    assert source.setting("room_size") == 6
    assert type(find_task(f"{file}:Plain").task) is type(source.task)  # imported once
    monkeypatch.chdir(file.parent)
    assert find_task("their_tasks.py:Plain") == source
    contract.check(source, range(20))


def test_registered_task_of_a_file_keeps_id_and_settings(file):
    source = find_task(f"{file}:Registered")
    assert (source.id, source.setting("num_distractors")) == ("theirs/Registered-v0", 1)
    assert "theirs/Large-v0" in registered_tasks()
    assert find_task("theirs/Large-v0").setting("room_size") == 9


def test_task_of_a_module(file, monkeypatch):
    monkeypatch.syspath_prepend(str(file.parent))
    source = find_task("their_tasks:Plain")
    assert source.id == "their_tasks/Plain"
    find_task(f"{file}:Registered")  # the same file under another name registers no other class
    sys.modules.pop("their_tasks")


def test_unregistered_task_is_found_by_the_id_that_its_banks_bear(file, monkeypatch):
    monkeypatch.setattr(task_registry, "_unregistered", {})
    assert find_task("their_tasks/Plain") is None
    source = find_task(f"{file}:Plain")
    assert find_task("their_tasks/Plain") is source
    assert "their_tasks/Plain" not in registered_tasks()


def test_missing_files_modules_and_classes_are_named(file):
    with pytest.raises(TaskError, match=r"no file .*nowhere\.py"):
        find_task("nowhere.py:X")
    with pytest.raises(TaskError, match="No module named 'nowhere_at_all'"):
        find_task("nowhere_at_all:X")
    with pytest.raises(TaskError, match="did you mean Plain"):
        find_task(f"{file}:Plane")
    with pytest.raises(TaskError, match="it has Plain, Registered"):
        find_task(f"{file}:Xyz")
    with pytest.raises(TaskError, match="nor any other subclass"):
        find_task("json:Task")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("\n\nx = 1 / 0\n", r"broken\.py, line 3: ZeroDivisionError: division by zero"),
        ("\ndef f(:\n", r"broken\.py, line 2: SyntaxError"),
        ("import nowhere_at_all\n", r"broken\.py, line 1: ModuleNotFoundError"),
        ("import sys\nsys.exit(3)\n", r"broken\.py, line 2: SystemExit"),
        (
            "from groundling.envs import Task\n\nclass X(Task):\n    room_sise = 4\n",
            r"broken\.py, line 3: ConfigurationError: X.room_sise is no setting; did you mean room_size",
        ),
    ],
)
def test_errors_in_a_file_name_the_line(tmp_path, text, reason):
    path = tmp_path / "broken.py"
    path.write_text(text)
    with pytest.raises(TaskError, match=reason):
        find_task(f"{path}:X")
    path.write_text(FILE)
    assert find_task(f"{path}:Plain") is not None  # a mended file is read again


def test_file_can_import_its_neighbors(tmp_path):
    (tmp_path / "their_helper.py").write_text("SIZE = 7\n")
    (tmp_path / "importing.py").write_text("from their_helper import SIZE\n" + FILE.replace("= 6", "= SIZE"))
    assert find_task(f"{tmp_path / 'importing.py'}:Plain").setting("room_size") == 7


def test_tasks_of_installed_packages_are_found(tmp_path, monkeypatch, caplog):
    (tmp_path / "their_package.py").write_text(FILE.replace("theirs/", "packaged/"))
    info = tmp_path / "theirs-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: theirs\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[groundling.tasks]\nbroken = nowhere_at_all\ntheirs = their_package\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setitem(task_registry._state, "is_loaded", False)
    with caplog.at_level(logging.WARNING):
        assert "packaged/Registered-v0" in registered_tasks()
    assert "the tasks broken (nowhere_at_all) cannot be imported" in caplog.text
    sys.modules.pop("their_package")


def test_another_process_makes_the_same_episodes(file, tmp_path):
    of_file = find_task(f"{file}:Registered")
    sources = [of_file.changed(room_size=7), of_file, find_task("groundling/RoomMixed-v0")]
    message = tmp_path / "sources.pickle"
    message.write_bytes(pickle.dumps([pickle.dumps(source) for source in sources]))
    code = (
        "import pickle, sys\n"
        "for one in pickle.load(open(sys.argv[1], 'rb')):\n"
        "    source = pickle.loads(one)\n"
        "    episodes = [source.sample(seed) for seed in range(5)]\n"
        "    print(source.id, source.fingerprint(), [(e.instruction, e.positions) for e in episodes])"
    )
    environment = {**os.environ, "PYTHONPATH": os.getcwd()}
    told = subprocess.run(
        [sys.executable, "-c", code, message], capture_output=True, text=True, check=True, cwd=tmp_path, env=environment
    )
    expected = []
    for source in sources:
        episodes = [source.sample(seed) for seed in range(5)]
        expected.append(f"{source.id} {source.fingerprint()} {[(e.instruction, e.positions) for e in episodes]}")
    assert told.stdout.splitlines() == expected


# ------------------------------------------------------------------------------------------------ sources


def test_source_tells_its_sentence_and_settings():
    assert TaskSource("my/Fetch-v0", Fetch()).description == "Pick up the ball"
    changed = TaskSource("my/Fetch-v0", Fetch()).changed(room_size=9, colors=("red", "blue"))
    assert changed.description == "Pick up the ball (room_size 9, colors red blue)"

    class Undescribed(Fetch):
        pass

    assert TaskSource("my/Undescribed-v0", Undescribed()).description == "Undescribed"


def test_source_can_be_changed():
    source = TaskSource("my/Fetch-v0", Fetch())
    assert source.changed(room_size=9).setting("room_size") == 9
    assert source.setting("room_size") == 6
    assert source.setting("nothing") is None
    assert source.setting("colors") is None
    assert source.setting("step_limit") is None
    with pytest.raises(ConfigurationError, match="no setting 'rooms'"):
        source.changed(rooms=3)
    with pytest.raises(ConfigurationError, match="2 x 2"):
        source.changed(room_size=2)


def test_fingerprint_follows_settings_and_code(tmp_path):
    prints = set()
    for name, text in (("one", FILE), ("two", FILE.replace("add_crossed()", "add_crossed(2)"))):
        path = tmp_path / f"{name}.py"
        path.write_text(text.replace("theirs/", f"{name}/"))
        source = find_task(f"{path}:Plain")
        prints |= {source.fingerprint(), source.changed(room_size=7).fingerprint()}
    assert len(prints) == 4


def test_local_classes_are_not_importable(file):
    class Local(Fetch):
        pass

    assert not TaskSource("my/Local-v0", Local()).is_importable
    assert TaskSource("my/Fetch-v0", Fetch()).is_importable
    assert find_task(f"{file}:Plain").is_importable


def test_instruction_length_follows_the_clauses():
    class Long(Fetch):
        max_clauses = 2

        def sample(self, world, rng):
            super().sample(world, rng)
            world.add("key")
            return And((PickUp(BALL), GoTo(ObjectDescription(ObjectType.KEY))))

    class Short(Long):
        max_clauses = 1

    assert TaskSource("my/Long-v0", Long()).instruction_length == SEQUENCE_TOKENS
    assert TaskSource("my/Fetch-v0", Fetch()).instruction_length == CLAUSE_TOKENS
    assert TaskSource("my/Long-v0", Long()).sample(0).instruction == "pick up the ball and go to the key"
    with pytest.raises(TaskError, match="has 2 clauses: set max_clauses = 2"):
        TaskSource("my/Short-v0", Short()).sample(0)


def test_layouts_that_are_always_rejected_name_seed_count_and_reason():
    class Picky(Fetch):
        def sample(self, world, rng):
            world.reject("nothing is right" if rng.random() < 0.8 else "something is wrong")

    with pytest.raises(TaskError, match=r"my/Picky-v0, seed 7: no layout in 100 tries; \d\d .* nothing is right"):
        TaskSource("my/Picky-v0", Picky()).sample(7)


def test_rejected_layouts_are_drawn_afresh():
    class Choosy(Fetch):
        def sample(self, world, rng):
            ball = world.add("ball")
            if ball.position != (2, 3):
                world.reject("not there")
            world.place_agent()
            return PickUp(BALL)

    source = TaskSource("my/Choosy-v0", Choosy())
    assert {source.sample(seed).positions[0] for seed in range(20)} == {3 * 6 + 2}
    contract.check_determinism(source, range(20))


def test_task_and_world_draw_from_their_own_streams():
    """What a task draws from rng leaves the world's draws alone."""

    class Drawing(Fetch):
        num_draws: int = 0

        def sample(self, world, rng):
            rng.random(self.num_draws)
            return super().sample(world, rng)

    few, many = (TaskSource("my/Drawing-v0", Drawing(num_draws=n)) for n in (0, 50))
    for seed in range(20):
        assert contract.is_same(few.sample(seed), many.sample(seed))


def test_episodes_that_differ_in_any_part_are_not_the_same():
    """Arrays are compared number by number, the floors of houses among them."""
    source = find_source("groundling/FurnishedHouseGoTo-v0")
    episode, other = source.sample(1), source.sample(1)
    assert contract.is_same(episode, other)
    for name in ("cells", "floors"):
        array = getattr(episode, name).copy()
        array[2, 2] += 1
        assert not contract.is_same(episode, replace(episode, **{name: array}))
    assert not contract.is_same(episode, replace(episode, floors=None))
    assert not contract.is_same(episode, replace(episode, max_steps=episode.max_steps + 1))

"""Types and colors of a task's own: their codes, their words, and what they look like to both bodies."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys

import numpy as np
import pytest
from own_tasks import APPLE, MOUSE, OCHRE, TEAL, Orchard, OrchardDoor, source_of

from groundling.agents.bots import Expert, expert_steps, unsolved_seeds
from groundling.envs import EpisodeBank, HeldOut, build_bank, make_vec
from groundling.envs.banks.sources import embodiment_of, meanings_of
from groundling.envs.banks.sources import source_of as source_of_bank
from groundling.envs.banks.splits import Split, held_out_split, training_split
from groundling.envs.engine.constants import (
    DOOR,
    FIRST_TASK_TYPE,
    NUM_COLORS,
    NUM_SOLID_TYPES,
    NUM_STATES,
    NUM_TYPES,
    PORTABLE_BIT,
    SIZES,
)
from groundling.envs.engine.embodiment import GRID
from groundling.envs.engine.kinds import NUM_SOLIDS, PLAIN_KINDS, SOLIDS, kinds_of
from groundling.envs.engine.subgoals import FIRST_COLOR, FIRST_TYPE, NUM_SUBGOALS, subgoals_now
from groundling.envs.engine.worlds import WorldBatch
from groundling.envs.families.own import registered as task_registry
from groundling.envs.first_person import Camera
from groundling.envs.rendering import render_world
from groundling.envs.tiles import SCALES, draw_tile
from groundling.envs.worlds import contract
from groundling.errors import ConfigurationError, InstructionError, SplitError, TaskError
from groundling.language import VOCABULARY, Color, GoTo, ObjectType, OwnColor, OwnType, parse
from groundling.language.own_words import PLAIN_SHAPES, SHAPES

ORCHARD = source_of(Orchard)
KINDS = kinds_of(ORCHARD.task.lexicon)
FIRST_COLOR_CODE = NUM_COLORS


@pytest.fixture(scope="module")
def bank() -> EpisodeBank:
    return build_bank(ORCHARD, 100, cache=False, progress=False)


# ------------------------------------------------------------------------------------------------ codes


def test_codes_follow_the_declaration_behind_those_of_the_language() -> None:
    assert (KINDS.types["ball"], KINDS.types["apple"], KINDS.types["mouse"]) == (
        6,
        FIRST_TASK_TYPE,
        FIRST_TASK_TYPE + 1,
    )
    assert (KINDS.colors["red"], KINDS.colors["teal"], KINDS.colors["ochre"]) == (0, NUM_COLORS, NUM_COLORS + 1)
    assert KINDS.solids[FIRST_TASK_TYPE:] == (SOLIDS["cone"], SOLIDS["cup"])
    assert KINDS.rgb[NUM_COLORS:] == (TEAL.rgb, OCHRE.rgb)
    assert KINDS.solids[:FIRST_TASK_TYPE] == tuple(range(NUM_SOLID_TYPES)) == PLAIN_KINDS.solids
    again = source_of(Orchard, types=(MOUSE, ObjectType.STAR, APPLE)).task.lexicon
    assert kinds_of(again).types["mouse"] == FIRST_TASK_TYPE


def test_codes_are_in_the_worlds_and_objects_can_be_lifted(bank: EpisodeBank) -> None:
    looks = np.unique(bank.looks)
    types, colors = looks & 0xFF, looks >> 8 & 0xFF
    assert {FIRST_TASK_TYPE, FIRST_TASK_TYPE + 1} <= set(types.tolist())
    assert {FIRST_COLOR_CODE, FIRST_COLOR_CODE + 1} <= set(colors.tolist())
    assert (looks[types >= FIRST_TASK_TYPE] >> PORTABLE_BIT & 1).all()


def test_contract_holds_and_every_episode_can_be_solved(bank: EpisodeBank) -> None:
    contract.check(ORCHARD, range(60))
    contract.check_marginals(ORCHARD)
    contract.check_api(source_of(OrchardDoor), range(20))
    assert not unsolved_seeds(bank)


# ------------------------------------------------------------------------------------------------ words


def test_words_are_in_sentences_and_token_ids(bank: EpisodeBank) -> None:
    vocabulary = ORCHARD.embodiment.vocabulary
    words = {word for text in bank.instructions for word in text.split()}
    assert {"apple", "mouse", "teal", "ochre", "ball", "red"} <= words
    assert bank.vocabulary == vocabulary.fingerprint != VOCABULARY.fingerprint
    assert tuple(vocabulary.decode(row) for row in bank.tokens) == bank.instructions
    assert bank.tokens.max() >= len(VOCABULARY)


def test_sentences_are_read_with_the_tasks_words_only() -> None:
    text = ORCHARD.sample(next(s for s in range(50) if "apple" in ORCHARD.sample(s).instruction)).instruction
    assert parse(text, ORCHARD.task.lexicon) == ORCHARD.meaning(text)
    assert ORCHARD.meaning(text.replace("the", "a", 1)) == ORCHARD.meaning(text)
    with pytest.raises(InstructionError):
        parse(text)


def test_mere_names_in_a_goal_become_the_tasks_own() -> None:
    episode = source_of(OrchardDoor).sample(0)
    assert episode.instruction == "pick up both apples"
    assert isinstance(episode.goal.target.type, OwnType)  # type: ignore[union-attr]


def test_unknown_names_are_refused() -> None:
    class Wrong(Orchard):
        name: str = "aple"

        def sample(self, world, rng):
            world.add("apple")
            world.place_agent()
            return GoTo(parse("go to the ball").target.__class__(self.name))  # type: ignore[union-attr]

    with pytest.raises(TaskError, match=r"no type of object 'aple': take one of door, .*apple, mouse, or bring it by"):
        source_of(Wrong).sample(0)

    class Painted(Orchard):
        def sample(self, world, rng):
            world.add("apple", "mauve")

    with pytest.raises(TaskError, match=r"no color 'mauve': take one of red, .*teal, ochre, or bring it by colors"):
        source_of(Painted).sample(0)


# ------------------------------------------------------------------------------------------------ declarations


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        (
            {"types": ("ball", "aple")},
            "'aple' of types is unknown: .*One that the language lacks is brought by OwnType",
        ),
        ({"types": (OwnType("mug"),)}, "Orchard: 'mug' stands for 'cup'"),
        ({"types": (ObjectType.CUP, OwnType("tankard", shape="cup"))}, "'tankard' would look like any cup"),
        ({"types": (APPLE, OwnType("apple", shape="ball"))}, "names one twice"),
        ({"types": (APPLE, OwnType("pear", shape="cup"), MOUSE)}, "two types of a task have the shape 'cup'"),
        ({"colors": ("red", OwnColor("rouge", (255, 0, 0)))}, "'rouge' would look as 'red' does"),
        ({"colors": (TEAL, OwnColor("petrol", (0, 128, 128)))}, "would look as"),
    ],
)
def test_declarations_that_cannot_work_are_refused(settings, reason) -> None:
    with pytest.raises(ConfigurationError, match=reason):
        Orchard(**settings)


def test_names_are_listed_in_the_description() -> None:
    changed = ORCHARD.changed(types=(APPLE, MOUSE))
    assert changed.description == "Pick up an apple, a mouse or a ball (types apple mouse)"


# ------------------------------------------------------------------------------------------------ banks


def test_fingerprint_follows_every_part_of_a_declaration() -> None:
    apples = [
        OwnType("apple"),
        OwnType("apple", plural="apple"),
        OwnType("apple", shape="ball"),
    ]
    teals = [TEAL, OwnColor("teal", (0, 128, 129))]
    prints = {
        ORCHARD.changed(types=(apple, ObjectType.BOX), colors=(teal, "red")).fingerprint()
        for apple in apples
        for teal in teals
    }
    assert len(prints) == 6


def test_bank_is_found_in_the_cache_again_and_not_mistaken_for_another(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("GROUNDLING_CACHE", str(tmp_path))
    first = build_bank(ORCHARD, 20, progress=False)
    again = build_bank(ORCHARD, 20, progress=False)
    assert len(list(tmp_path.rglob("*.npz"))) == 1
    assert again.instructions == first.instructions
    build_bank(ORCHARD.changed(colors=("red", OwnColor("teal", (0, 100, 100)), OCHRE)), 20, progress=False)
    assert len(list(tmp_path.rglob("*.npz"))) == 2


def test_other_processes_build_the_same_bank() -> None:
    alone, shared = (build_bank(ORCHARD, 1100, workers=workers, cache=False, progress=False) for workers in (1, 2))
    assert alone.instructions == shared.instructions
    assert np.array_equal(alone.looks, shared.looks)
    assert np.array_equal(alone.tokens, shared.tokens)


def test_source_of_a_file_travels_with_its_words(tmp_path) -> None:
    source = pickle.loads(pickle.dumps(ORCHARD))
    assert source.fingerprint() == ORCHARD.fingerprint()
    assert source.task.lexicon == ORCHARD.task.lexicon
    assert source.task.types[1].shape is None


# ------------------------------------------------------------------------------------------------ splits


HELD_OUT = HeldOut(combinations=("teal apple", "red mouse"), own_words=("teal", "apple", "mouse"))


def test_combinations_of_own_words_are_held_out() -> None:
    trained = build_bank(ORCHARD, 60, split=ORCHARD.training_split(HELD_OUT), cache=False, progress=False)
    tested = build_bank(ORCHARD, 20, split=held_out_split(HELD_OUT, "combination"), cache=False, progress=False)
    assert not any("teal apple" in text or "red mouse" in text for text in trained.instructions)
    assert all("teal apple" in text or "red mouse" in text for text in tested.instructions)


def test_verbs_and_places_of_own_types_are_held_out() -> None:
    held_out = HeldOut(
        ("verb_object", "location"),
        verb_objects=("pick up apple",),
        locations=("mouse left",),
        own_words=("apple", "mouse"),
    )
    lexicon = ORCHARD.task.lexicon
    assert held_out.violated(parse("pick up the apple", lexicon)) == {"verb_object"}
    assert held_out.violated(parse("go to the mouse on your left", lexicon)) == {"location"}
    assert not held_out.violated(parse("go to the teal apple", lexicon))


def test_own_words_are_named_and_known_to_the_task() -> None:
    with pytest.raises(
        SplitError, match=r"cannot read 'teal apple'.*own types and colors are named in own_words as well"
    ):
        HeldOut(combinations=("teal apple",))
    with pytest.raises(SplitError, match="cannot read 'pick apple'"):
        HeldOut(verb_objects=("pick apple",), own_words=("pick", "apple"))
    with pytest.raises(
        SplitError, match="has no type or color 'mauve' that could be held out; its own words are apple, mouse, teal"
    ):
        ORCHARD.training_split(HeldOut(combinations=("mauve apple",), own_words=("mauve", "apple")))


def test_split_with_own_words_comes_back_from_json_and_others_are_described_as_before() -> None:
    split = training_split(HELD_OUT)
    assert Split.from_dict(json.loads(split.describe())) == split
    assert "own_words" in split.describe()
    assert "own_words" not in training_split(HeldOut()).describe()
    assert "lexicon" not in split.describe()


def test_mission_with_own_words_narrows_a_task() -> None:
    envs = make_vec(ORCHARD, 4, instruction="pick up the teal apple", bank_size=10, cache=False, progress=False)
    assert set(envs.bank.instructions) == {"pick up the teal apple"}
    with pytest.raises(InstructionError, match="'aple' is not a word of the language"):
        make_vec(ORCHARD, 4, instruction="pick up the teal aple", bank_size=10, cache=False, progress=False)


# ------------------------------------------------------------------------------------------------ the grid's body


def test_symbols_have_bounds_and_others_keep_theirs(bank: EpisodeBank) -> None:
    envs = make_vec(ORCHARD, 3, bank_size=20, explored_radius=4, cache=False, progress=False)
    space = envs.single_observation_space
    for key in ("image", "explored"):
        assert space[key].dtype == np.uint8
        assert space[key].high.reshape(-1, 3).tolist()[0] == [FIRST_TASK_TYPE + 1, NUM_COLORS + 1, NUM_STATES - 1]
        assert (space[key].high.reshape(-1, 3) == space[key].high.reshape(-1, 3)[0]).all()
    assert envs.vocabulary_size == len(ORCHARD.embodiment.vocabulary) == space["instruction"].high[0] + 1
    observation, _ = envs.reset(seed=0)
    assert envs.observation_space.contains(observation)
    plain = GRID.observation_space(24)["image"].high[0, 0]
    assert plain.tolist() == [NUM_TYPES - 1, NUM_COLORS - 1, NUM_STATES - 1]


def test_tiles_are_of_the_shape_and_color_that_were_asked_for() -> None:
    apple, mouse = FIRST_TASK_TYPE, FIRST_TASK_TYPE + 1
    cup = draw_tile(KINDS.types["cup"], KINDS.colors["red"], 0, 32)
    assert np.array_equal(draw_tile(mouse, KINDS.colors["red"], 0, 32, KINDS), cup)
    assert not np.array_equal(draw_tile(apple, KINDS.colors["red"], 0, 32, KINDS), cup)
    for color in (TEAL, OCHRE):
        picture = draw_tile(apple, KINDS.colors[color], 0, 64, KINDS)[2:, 2:].reshape(-1, 3).astype(int)
        assert tuple(picture[picture.sum(axis=1).argmax()]) == color.rgb
    # another task's color of the same code is another picture, though MiniGrid keeps tiles by their key
    other = kinds_of(source_of(Orchard, colors=(OwnColor("mauve", (200, 150, 220)),)).task.lexicon)
    assert not np.array_equal(draw_tile(apple, NUM_COLORS, 0, 32, other), draw_tile(apple, NUM_COLORS, 0, 32, KINDS))


def test_plain_shapes_differ_from_everything_and_grow_with_their_size() -> None:
    lexicon = source_of(
        Orchard, types=tuple(OwnType("x" * (i + 1), shape=shape) for i, shape in enumerate(PLAIN_SHAPES))
    ).task.lexicon
    kinds = kinds_of(lexicon)
    codes = [*PLAIN_KINDS.types.values(), *range(FIRST_TASK_TYPE, FIRST_TASK_TYPE + len(PLAIN_SHAPES))]
    tiles = np.stack([draw_tile(code, 9, 0, 24, kinds).ravel() for code in codes if code != DOOR])
    assert len(np.unique(tiles, axis=0)) == len(tiles)
    for code in codes[-len(PLAIN_SHAPES) :]:
        areas = [float(draw_tile(code, 9, state, 64, kinds)[2:, 2:].sum()) for state in SIZES]
        for area, state in zip(areas, SIZES, strict=True):  # what hung over the edge of its tile would be missing
            assert area / areas[1] == pytest.approx((SCALES[state] / SCALES[SIZES[1]]) ** 2, rel=0.06)


def test_pictures_from_above_show_own_kinds(bank: EpisodeBank) -> None:
    envs = make_vec(ORCHARD, 8, bank_size=20, top_down_pixels=16, render_mode="rgb_array", cache=False, progress=False)
    observation, _ = envs.reset(seed=1)
    rendered = envs.render()
    assert rendered is not None
    for pictures in (observation["top_down"], np.stack(rendered)):
        colors = {tuple(pixel) for pixel in pictures.reshape(-1, 3)}
        assert TEAL.rgb in colors
    doors = make_vec(source_of(OrchardDoor), 1, bank_size=5, top_down_pixels=16, cache=False, progress=False)
    seen, _ = doors.reset()
    assert TEAL.rgb in {tuple(pixel) for pixel in seen["top_down"].reshape(-1, 3)}


def test_pictures_without_the_tasks_words_are_refused(bank: EpisodeBank) -> None:
    worlds = WorldBatch(bank, 1)
    worlds.reset()
    with pytest.raises(ConfigurationError, match=r"types or colors of a task's own .* embodiment of their source"):
        render_world(worlds, 0)
    for senses in ({"top_down_pixels": 8}, {"body": "rover"}):
        with pytest.raises(ConfigurationError, match="types or colors of a task's own"):
            make_vec(bank=bank, num_envs=1, **senses)


def test_what_is_due_tells_nothing_of_own_kinds(bank: EpisodeBank) -> None:
    worlds = WorldBatch(bank, len(bank), shuffle=False)
    worlds.reset()
    due = subgoals_now(worlds)
    assert due.shape == (len(bank), NUM_SUBGOALS)
    for row in range(len(bank)):
        target = ORCHARD.meaning(bank.instruction(row)).target  # type: ignore[attr-defined]
        own_type, own_color = isinstance(target.type, OwnType), isinstance(target.color, OwnColor)
        assert due[row, FIRST_TYPE:FIRST_COLOR].sum() == (not own_type)
        assert due[row, FIRST_COLOR:].sum() == (not own_color)


# ------------------------------------------------------------------------------------------------ the rover


def rover_view(shape: str, color: OwnColor | Color, *, size: int = 0, distance: int = 2) -> dict[str, np.ndarray]:
    class Alone(Orchard):
        """Look at it."""

        types = (OwnType("thing-x", shape=shape),)
        colors = (color, Color.GREY)
        far: int = 2
        size: int = 0

        def sample(self, world, rng):
            thing = world.add(self.types[0], self.colors[0], at=(1 + self.far, 2), size=self.size)
            world.add(self.types[0], Color.GREY, at=(1, 4))
            world.place_agent(at=(1, 2), direction="right")
            return GoTo(world.describe(thing), announced=True)

    camera = Camera(width=128, height=128, depth=True, segmentation=True)
    source = source_of(Alone, far=distance, size=size)
    envs = make_vec(source, 1, bank_size=1, body="rover", camera=camera, cache=False, progress=False)
    observation, _ = envs.reset()
    return {name: array[0] for name, array in observation.items()}


@pytest.mark.parametrize("shape", SHAPES)
def test_rover_sees_every_shape_on_its_tile(shape: str) -> None:
    for size in (0, SIZES[0], SIZES[-1]):
        view = rover_view(shape, TEAL, size=size)
        there = view["segmentation"] == 2
        assert there.sum() > (30 if size == SIZES[0] else 200)
        assert view["depth"][there].min() > 1.4
        assert view["depth"][there].max() < 2.6


@pytest.mark.parametrize("shape", PLAIN_SHAPES)
@pytest.mark.parametrize("color", [TEAL, OCHRE, Color.RED])
def test_rover_sees_the_color(shape: str, color: OwnColor | Color) -> None:
    view = rover_view(shape, color)
    pixels = view["image"][view["segmentation"] == 2].astype(float)
    rgb = np.array(color.rgb if isinstance(color, OwnColor) else (255, 0, 0), dtype=float)
    hue = pixels[pixels.sum(axis=1) > 60]
    hue = hue / np.linalg.norm(hue, axis=1, keepdims=True)
    # light adds a little white, and some parts of a solid have a color of their own
    likeness = hue @ (rgb / np.linalg.norm(rgb))
    assert np.median(likeness) > 0.95


def test_outlines_of_plain_solids_differ_from_all_others() -> None:
    outlines = {shape: rover_view(shape, TEAL)["segmentation"] == 2 for shape in SHAPES}
    for shape in PLAIN_SHAPES:
        for other in SHAPES:
            if other != shape:
                one, two = outlines[shape], outlines[other]
                assert (one & two).sum() / (one | two).sum() < 0.9, (shape, other)


def test_rover_sees_a_door_of_its_own_color() -> None:
    source = source_of(OrchardDoor)
    envs = make_vec(
        source, 40, bank_size=40, body="rover", camera=Camera(segmentation=True), cache=False, progress=False
    )
    observation, _ = envs.reset()
    pixels = observation["image"][observation["segmentation"] == 2].astype(float)
    assert len(pixels) > 300
    assert np.median(pixels[:, 1] - pixels[:, 0]) > 30  # teal has no red


def test_every_solid_has_parts() -> None:
    from groundling.envs.first_person.solids import COUNTS

    assert (COUNTS > 0)[NUM_SOLIDS:].all()  # of open containers
    assert (COUNTS[[SOLIDS[shape] for shape in SHAPES]] > 0).all()


# ------------------------------------------------------------------------------------------------ who acts


@pytest.mark.parametrize("sees", ["world", "explored"])
def test_expert_solves_every_episode(bank: EpisodeBank, sees) -> None:
    worlds = WorldBatch(bank, len(bank), shuffle=False)
    worlds.reset()
    expert = Expert(worlds, sees=sees)
    solved = np.zeros(len(bank), dtype=np.bool_)
    for _ in range(int(bank.max_steps.max())):
        worlds.step(expert.actions())
        solved |= worlds.outcomes.success & (worlds.outcomes.episode < len(bank))
    assert solved.all()
    assert (expert_steps(bank) > 0).all()


def test_a_source_that_has_other_words_by_now_is_not_asked(bank: EpisodeBank, monkeypatch) -> None:
    monkeypatch.setattr(task_registry, "_unregistered", {ORCHARD.id: ORCHARD})
    assert source_of_bank(bank) is ORCHARD
    assert embodiment_of(bank) == ORCHARD.embodiment
    assert meanings_of(bank) == [ORCHARD.meaning(text) for text in bank.instructions]
    monkeypatch.setattr(task_registry, "_unregistered", {ORCHARD.id: ORCHARD.changed(colors=("red", TEAL))})
    assert embodiment_of(bank) == GRID
    assert set(meanings_of(bank)) >= {text for text in bank.instructions if "teal" in text}


def test_a_bank_of_seeds_knows_the_words(tmp_path) -> None:
    file = tmp_path / "orchards.py"
    file.write_text(
        "from groundling.envs import Task\n"
        "from groundling.language import OwnType, PickUp\n"
        "class Apples(Task):\n"
        "    types = (OwnType('apple'),)\n"
        "    def sample(self, world, rng):\n"
        "        apple = world.add()\n"
        "        world.place_agent()\n"
        "        return PickUp(world.describe(apple))\n"
    )
    seeds = EpisodeBank.of_seeds(f"{file}:Apples", range(5))
    assert all(text.endswith("apple") for text in seeds.instructions)
    assert [goal.target.type for goal in seeds.goals()] == ["apple"] * len(seeds.instructions)  # type: ignore[union-attr]
    level = f"{file}:Apples"
    code = f"from groundling.envs import EpisodeBank; print(EpisodeBank.of_seeds({level!r}, range(5)).instructions)"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == str(seeds.instructions)

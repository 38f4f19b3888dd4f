"""Every task of the library keeps the contract, and each of its words matters."""

from __future__ import annotations

import pytest

from groundling.envs.banks.bank import CLAUSE_TOKENS
from groundling.envs.engine.constants import CLOSED, DOOR, FIRST_OBJECT, KEY, LOCKED, OPEN, ORDERED, STRICT, Verb
from groundling.envs.families.babyai.known import minigrid_levels
from groundling.envs.families.own.registered import find_task, registered_tasks
from groundling.envs.worlds import contract
from groundling.errors import ConfigurationError
from groundling.language.goal_parts import combinations, descriptions, verb_of
from groundling.language.goals import PORTABLE_TYPES, Color, Location, clauses
from groundling.language.grammar import parse

OWN = [id for id in registered_tasks() if id.startswith("groundling/")]
# Of houses no draw is even: what stands in them belongs in its room. Their sizes are numbers of rooms.
IN_ROOMS_OF_ONE_SIZE = [id for id in OWN if "FurnishedHouse" not in id]
WITHOUT = {  # there must be keys, and boxes to hide them in
    "groundling/HouseUnlock-v0": {"object type"},
    "groundling/HouseUnlockBox-v0": {"object type"},
    "groundling/ReadBeacons-v0": {"object tile"},  # no tile is beside two of them
}


def episodes(id, count=200, **settings):
    source = find_task(id).changed(**settings)
    return [source.sample(seed) for seed in range(count)]


def goals(id, count=300, **settings):
    return [parse(episode.instruction) for episode in episodes(id, count, **settings)]


def meant(episode, row=0, operand=2):
    mask = episode.program[row][operand]
    return {k for k in range(len(episode.looks)) if mask >> k & 1}


def kind(look):
    return look & 0xFF, look >> 8 & 0xFF


@pytest.mark.parametrize("id", OWN)
def test_task_keeps_the_contract(id):
    contract.check(find_task(id), range(100))


@pytest.mark.parametrize("id", IN_ROOMS_OF_ONE_SIZE)
def test_draws_are_even_and_independent(id):
    contract.check_marginals(find_task(id), range(1000), without=WITHOUT.get(id, ()))


def test_ids_hide_no_level():
    bare = {id.partition("/")[2] for id in OWN}
    assert not bare & {level.partition("-")[2] for level in minigrid_levels()}


@pytest.mark.parametrize("id", IN_ROOMS_OF_ONE_SIZE)
def test_rooms_and_distractors_can_grow(id):
    source = find_task(id)
    larger = source.changed(room_size=10, num_distractors=source.setting("num_distractors") + 2)
    few, more = source.sample(1), larger.sample(1)
    assert more.cells.shape[0] > few.cells.shape[0]
    assert len(more.looks) >= len(few.looks)


@pytest.mark.parametrize("id", ["groundling/RoomPickUp-v0", "groundling/HousePickUp-v0", "groundling/PickUpHundred-v0"])
def test_other_objects_share_each_word_but_not_both(id):
    for episode in episodes(id):
        (target,) = meant(episode)
        looks = [kind(look) for look in episode.looks]
        others = looks[:target] + looks[target + 1 :]
        assert looks[target] not in others
        assert any(other[0] == looks[target][0] for other in others)
        assert any(other[1] == looks[target][1] for other in others)
        assert episode.program[0][:2] == (Verb.PICK_UP, STRICT)


@pytest.mark.parametrize("id", ["groundling/RoomGoTo-v0", "groundling/HouseGoTo-v0", "groundling/GoToHundred-v0"])
def test_going_to_must_be_announced(id):
    assert {episode.program[0][0] for episode in episodes(id, 50)} == {Verb.ANNOUNCE}
    assert {episode.program[0][0] for episode in episodes(id, 50, announced=False)} == {Verb.GO_TO}


@pytest.mark.parametrize(("announced", "state"), [(True, OPEN), (False, CLOSED)])
def test_going_through_a_house_needs_no_toggle_where_a_toggle_fails(announced, state):
    for episode in episodes("groundling/HouseGoTo-v0", 20, announced=announced):
        assert [look >> 16 & 0xFF for look in episode.looks if look & 0xFF == DOOR] == [state] * 3


def test_hundred_pairs_are_all_named():
    named = {pair for goal in goals("groundling/GoToHundred-v0", 1500) for pair in combinations(goal)}
    assert named == {(color, type_) for color in Color for type_ in PORTABLE_TYPES}


def test_mixed_room_asks_every_verb_of_every_type():
    found = goals("groundling/RoomMixed-v0", 1500)
    asked = {(verb_of(clauses(goal)[0]), descriptions(goal)[0].type) for goal in found}
    portable = {"key", "ball", "box"}
    assert {("go to", kind) for kind in {*portable, "door"}} <= asked
    assert {(verb, kind) for verb in ("pick up", "put") for kind in portable} <= asked
    assert ("open", "door") in asked
    assert ("pick up", None) in asked
    assert {descriptions(goal)[0].location for goal in found} == {None, *Location}


def test_doors_to_open_differ_in_color():
    for episode in episodes("groundling/RoomOpen-v0", 50):
        doors = [kind(look) for look in episode.looks if look & 0xFF == DOOR]
        assert len(set(doors)) == 4
        assert len(meant(episode)) == 1
    with pytest.raises(ConfigurationError, match="num_doors is 2 to 4"):
        find_task("groundling/RoomOpen-v0").changed(num_doors=5)


@pytest.mark.parametrize("in_boxes", [False, True])
def test_each_locked_door_has_its_key_outside(in_boxes):
    for episode in episodes("groundling/HouseUnlock-v0", 50, in_boxes=in_boxes):
        doors = [look for look in episode.looks if look & 0xFF == DOOR]
        assert len(doors) == 2
        for door in doors:
            assert door >> 16 & 0xFF == LOCKED
            keys = [k for k, look in enumerate(episode.looks) if kind(look) == (KEY, door >> 8 & 0xFF)]
            assert keys
            if in_boxes:
                assert keys[0] + FIRST_OBJECT in episode.contents


def test_carried_object_comes_from_the_other_room():
    for episode in episodes("groundling/HouseCarry-v0", 50):
        width, middle = episode.cells.shape[1], 5
        (moved,), (fixed,) = meant(episode), meant(episode, operand=3)
        home = episode.pose[0] > middle
        assert (episode.positions[fixed] % width > middle) is home
        assert (episode.positions[moved] % width > middle) is not home


@pytest.mark.parametrize(("id", "counts"), [("RoomSequence-v0", {2}), ("RoomSequenceLong-v0", {1, 2, 3, 4})])
def test_sequences_have_so_many_clauses_in_order(id, counts):
    found = episodes(f"groundling/{id}", 300)
    assert {len(episode.program) for episode in found} == counts
    for episode in found:
        text = episode.instruction
        assert ("then" in text or "after" in text) == any(flags & ORDERED for _, flags, _, _ in episode.program)
        assert len({row[2] for row in episode.program}) == len(episode.program)  # each clause means another object
    for word in (" and ", ", then ", " after you "):
        assert any(word in episode.instruction for episode in found)


def test_sequence_settings_are_checked():
    with pytest.raises(ConfigurationError, match="min_clauses"):
        find_task("groundling/RoomSequence-v0").changed(num_clauses=1)
    with pytest.raises(ConfigurationError, match="min_clauses"):
        find_task("groundling/RoomSequence-v0").changed(num_clauses=5)


def test_place_tells_an_object_from_its_twin():
    for episode in episodes("groundling/RoomLocation-v0"):
        (target,) = meant(episode)
        looks = [kind(look) for look in episode.looks]
        assert looks.count(looks[target]) == 2
    places = {descriptions(goal)[0].location for goal in goals("groundling/RoomLocation-v0")}
    assert len(places - {None}) == 4


def test_counting_words_mean_one_any_or_both():
    found = {"the": set(), "a": set(), "both": set()}
    for episode in episodes("groundling/RoomCounting-v0"):
        word = episode.instruction.split()[2]
        found[word].add((len(episode.program), len(meant(episode))))
    assert found == {"the": {(1, 1)}, "a": {(1, 2)}, "both": {(2, 1)}}


def test_negation_is_said_half_of_the_time():
    found = goals("groundling/RoomNegation-v0", 600)
    assert sum(descriptions(goal)[0].negated for goal in found) == pytest.approx(300, abs=5 * 12.2)
    for episode in episodes("groundling/RoomNegation-v0"):
        assert 0 < len(meant(episode)) < len(episode.looks)


def test_sizes_differ_within_a_kind():
    for episode in episodes("groundling/RoomSize-v0"):
        (target,) = meant(episode)
        looks = [look for look in episode.looks if kind(look) == kind(episode.looks[target])]
        assert len(looks) == len(set(looks)) == (2 if "er " in episode.instruction else 3)
    sizes = {descriptions(goal)[0].size for goal in goals("groundling/RoomSize-v0")}
    assert len(sizes) == 4


@pytest.mark.parametrize("id", ["groundling/RoomSize-v0", "groundling/RoomCounting-v0", "groundling/RoomLocation-v0"])
def test_too_few_distractors_are_refused(id):
    with pytest.raises(ConfigurationError, match="num_distractors"):
        find_task(id).changed(num_distractors=1)


def test_only_sequences_take_long_rows_of_tokens():
    long = {id for id in OWN if find_task(id).instruction_length > CLAUSE_TOKENS}
    assert long == {"groundling/RoomSequence-v0", "groundling/RoomSequenceLong-v0"}

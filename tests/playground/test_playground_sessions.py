"""Sessions of the playground without a browser: worlds, sentences of a person's own, edits, links, the expert."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from groundling.errors import GroundlingError, InstructionError
from groundling.playground import session as sessions
from groundling.playground.cast import Cast
from groundling.playground.episodes import EpisodeWorld
from groundling.playground.errors import PlaygroundError, in_words
from groundling.playground.gallery import Gallery
from groundling.playground.session import Scene, Session
from groundling.playground.understanding import alternatives
from groundling.playground.view import refusal_of, state_of

ROOM = "BabyAI-PutNextLocal-v0"
AGENT = "shipped:one_room"
CAST = Cast(None)
GALLERY = Gallery(CAST)


def opened(task: str = ROOM, seed: int = 12, agent: str = "", *events: tuple[str, Any]) -> Session:
    return Session(CAST, Scene(task, seed, agent, events))


def world_of(session: Session) -> EpisodeWorld:
    assert isinstance(session.world, EpisodeWorld)
    return session.world


def place_of(session: Session, name: str) -> tuple[int, int]:
    (found,) = [(thing.x, thing.y) for thing in session.world.things() if thing.name == name]
    return found


def free_tile(session: Session) -> tuple[int, int]:
    taken = {(thing.x, thing.y) for thing in session.world.things()}
    cells = world_of(session).snapshot().cells
    return next((x, y) for y, x in np.argwhere(cells == 0).tolist() if (x, y) not in taken)


def let_expert_finish(session: Session) -> None:
    while session.world.ending is None:
        session.ask_expert()
        session.apply("act", session.hint)


def let_agent_finish(session: Session) -> bool:
    while session.world.ending is None:
        session.apply("step")
    return bool(session.world.ending.success)


def same_state(one: Session, other: Session) -> bool:
    seen = all(
        np.array_equal(one.world.observation[key], other.world.observation[key]) for key in one.world.spec.observation
    )
    return seen and one.world.things() == other.world.things() and one.world.ending == other.world.ending


@pytest.mark.parametrize("key", GALLERY.entries)
def test_every_entry_of_the_gallery_opens_and_all_that_it_suggests_is_understood(key: str) -> None:
    entry = GALLERY.entries[key]
    session = Session(CAST, Scene(entry.task, entry.seed, entry.agent), entry.examples)
    told = state_of(session)
    assert told["above"].startswith("data:image/png;base64,")
    assert len(told["suggestions"]) >= 2
    for sentence in told["suggestions"]:
        session.apply("say", sentence)
        assert session.world.steps == 0
    session.close()


def test_all_four_families_have_an_agent_that_ships() -> None:
    kinds = {entry.kind for entry in GALLERY.entries.values() if entry.agent}
    assert kinds == {"Instruction", "First person", "Question", "Manual"}


@pytest.mark.parametrize(
    "sentence", ["pick up the blue key", "fetch a box", "go to the green ball", "please go to a key"]
)
def test_the_agent_that_ships_obeys_sentences_of_ones_own(sentence: str) -> None:
    session = opened(ROOM, 12, AGENT, ("say", sentence))
    assert let_agent_finish(session)


def test_success_is_judged_by_what_the_person_said_and_not_by_what_the_episode_asked_for() -> None:
    session = opened(ROOM, 12, "", ("say", "go to the yellow key"))
    assert session.world.meaning == "go to the yellow key"
    let_expert_finish(session)
    assert session.world.ending is not None
    assert session.world.ending.success
    now = world_of(session).snapshot()
    x, y, direction = now.pose
    ahead = (x + (1, 0, -1, 0)[direction], y + (0, 1, 0, -1)[direction])
    assert ahead == place_of(session, "yellow key")


@pytest.mark.parametrize(
    ("sentence", "told"),
    [
        ("pick up the crimsn ball", "crimsn"),
        ("go to the pink ball", "nothing here fits 'go to the pink ball': there is"),
        ("sing a song", "cannot read this instruction"),
    ],
)
def test_a_wrong_sentence_gives_one_sentence_and_changes_nothing(sentence: str, told: str) -> None:
    session = opened(ROOM, 12, AGENT, ("step", None))
    before = state_of(session)
    with pytest.raises(InstructionError) as caught:
        session.apply("say", sentence)
    message = in_words(caught.value)
    assert told in message
    assert "\n" not in message
    assert "^" not in message
    assert state_of(session) == before


def test_unknown_words_are_told_with_the_nearest_known_ones() -> None:
    session = opened()
    assert alternatives(session.world, "pick up the crimsn ball") == [("crimsn", ("crimson", "chimes", "ring"))]
    assert refusal_of(session, "no", "fetch teh box")["unknown"][0][0] == "teh"


def test_a_link_plays_everything_again_sentences_edits_and_actions() -> None:
    session = opened(ROOM, 12, AGENT)
    session.apply(
        "edit", {"kind": "move", "tile": list(place_of(session, "blue ball")), "to": list(free_tile(session))}
    )
    session.apply("say", "pick up the green ball")
    for _ in range(3):
        session.apply("step")
    session.apply("act", 1)
    again = Session(CAST, Scene.of(session.scene.to_dict()))
    assert same_state(session, again)
    assert again.values == session.values
    assert again.thought is not None
    assert session.thought is not None
    assert again.thought.probabilities == session.thought.probabilities


def test_steps_of_a_link_are_the_actions_that_were_taken_whoever_acts_now() -> None:
    session = opened(ROOM, 12, AGENT, ("step", None), ("step", None))
    other = session.with_agent("")
    assert other.world.steps == 2
    assert other.thought is None
    assert [kind for kind, _ in other.scene.events] == ["act", "act"]
    assert same_state(session, other)


def test_undo_leads_back_and_again_begins_anew_with_the_sentence() -> None:
    session = opened(ROOM, 12, AGENT, ("say", "pick up the blue key"))
    before = state_of(session)
    session.apply("step")
    assert state_of(session.undone())["things"] == before["things"]
    again = session.restart()
    assert again.world.sentence == "pick up the blue key"
    assert again.world.steps == 0
    assert session.restart(13).world.sentence != "pick up the blue key"
    with pytest.raises(PlaygroundError, match="nothing has happened"):
        opened().undone()


def test_a_thing_that_was_moved_is_sought_where_it_is_now() -> None:
    session = opened(ROOM, 12, "", ("say", "pick up the green ball"))
    to = free_tile(session)
    session.apply("edit", {"kind": "move", "tile": list(place_of(session, "green ball")), "to": list(to)})
    assert place_of(session, "green ball") == to
    let_expert_finish(session)
    assert session.world.ending is not None
    assert session.world.ending.success


def test_a_copy_in_another_color_can_be_asked_for() -> None:
    session = opened()
    to = free_tile(session)
    session.apply(
        "edit", {"kind": "add", "tile": list(place_of(session, "green ball")), "to": list(to), "color": "pink"}
    )
    assert place_of(session, "pink ball") == to
    session.apply("say", "pick up the pink ball")
    let_expert_finish(session)
    assert world_of(session).carried == "pink ball"


def test_a_wall_is_drawn_taken_away_and_stands_in_the_way() -> None:
    session = opened()
    x, y = free_tile(session)
    session.apply("edit", {"kind": "wall", "tile": [x, y]})
    assert world_of(session).snapshot().cells[y, x] == 1
    session.apply("edit", {"kind": "wall", "tile": [x, y]})
    assert world_of(session).snapshot().cells[y, x] == 0


def test_what_was_taken_away_is_asked_for_in_vain() -> None:
    session = opened(ROOM, 12, "", ("say", "go to the yellow key"))
    session.apply("edit", {"kind": "remove", "tile": list(place_of(session, "blue ball"))})
    with pytest.raises(InstructionError, match="nothing here fits 'pick up the blue ball'"):
        session.apply("say", "pick up the blue ball")
    with pytest.raises(PlaygroundError, match="would ask for what is not there"):
        session.apply("edit", {"kind": "remove", "tile": list(place_of(session, "yellow key"))})
    assert place_of(session, "yellow key")


@pytest.mark.parametrize(
    ("edit", "told"),
    [
        ({"kind": "move", "tile": [1, 1], "to": [0, 0]}, "outer walls"),
        ({"kind": "wall", "tile": [-1, 99]}, "outer walls"),
        ({"kind": "remove", "tile": [2, 1]}, "nothing on this tile"),
        ({"kind": "explode", "tile": [2, 2]}, "changed by move"),
        ({"kind": "move"}, "not understood"),
        ("wall", "not understood"),
        ({"kind": "wall", "tile": ["1", 2]}, "not understood"),
    ],
)
def test_impossible_edits_are_refused_in_a_sentence(edit: Any, told: str) -> None:
    session = opened()
    before = session.world.things()
    with pytest.raises(PlaygroundError, match=told):
        session.apply("edit", edit)
    assert session.world.things() == before


def test_a_tile_that_is_taken_takes_nothing_else() -> None:
    session = opened()
    with pytest.raises(PlaygroundError, match="taken"):
        session.apply(
            "edit",
            {"kind": "move", "tile": list(place_of(session, "blue ball")), "to": list(place_of(session, "agent"))},
        )


def test_a_world_is_edited_and_asked_anew_while_something_is_carried() -> None:
    session = opened(ROOM, 12, "", ("say", "put the green ball next to the blue key"))
    while not world_of(session).carried:
        session.ask_expert()
        session.apply("act", session.hint)
    session.apply("edit", {"kind": "wall", "tile": list(free_tile(session))})
    assert world_of(session).carried == "green ball"
    assert session.world.steps > 0
    session.apply("say", "put the green ball next to the yellow key")
    assert world_of(session).carried == "green ball"
    let_expert_finish(session)
    assert session.world.ending is not None
    assert session.world.ending.success
    assert not world_of(session).carried


def test_a_rover_stays_where_it_is_when_its_world_is_edited() -> None:
    session = opened("groundling/GroundedRoom-Easy-v0", 5, "shipped:grounded_room", ("act", 2), ("act", 2))
    worlds: Any = world_of(session).envs.worlds
    pose = [part[0] for part in worlds.poses]
    before = session.world.inside()
    x, y = place_of(session, "green pillar")
    session.apply("edit", {"kind": "move", "tile": [x, y], "to": [x, y + 1]})
    worlds = world_of(session).envs.worlds
    assert [part[0] for part in worlds.poses] == pose
    assert before is not None
    assert not np.array_equal(before, session.world.inside())


def test_a_room_of_five_things_is_asked_for_any_of_them_in_any_order_of_words() -> None:
    session = opened(
        "groundling/GroundedRoom-Easy-v0", 5, "shipped:grounded_room", ("say", "go to the green tall pillar.")
    )
    assert let_agent_finish(session)
    with pytest.raises(InstructionError, match="nothing here fits"):
        session.apply("say", "Go to the blue torch")


def test_another_manual_gives_the_same_sentence_another_meaning_and_the_agent_reads_it() -> None:
    session = opened("groundling/ReadBeacons-v0", 3, "shipped:manual_reader")
    assert session.world.meaning == "go to the blue hat"
    other = [
        line.replace("toma", "fep") if "toma" in line else line.replace("fep", "toma") for line in session.world.manual
    ]
    session.apply("manual", other)
    assert session.world.meaning == "go to the purple cup"
    thought = session.thought
    assert thought is not None
    assert "toma" in session.world.manual[int(np.argmax(thought.sentences))]
    assert max(strength for _, strength in thought.words) == 1.0
    assert let_agent_finish(session)
    with pytest.raises(InstructionError, match="says nothing of what a dax is"):
        session.apply("say", "go to the dax")
    with pytest.raises(PlaygroundError, match="at most 8 sentences"):
        session.apply("manual", ["a fep is a red hat"] * 9)


def test_a_question_of_ones_own_has_the_answer_of_its_house() -> None:
    session = opened("groundling/Questions-Near-v0", 8)
    session.apply("say", "What color is the bed")
    assert session.world.meaning.endswith("The right answer here is: yellow")
    let_expert_finish(session)
    assert session.world.ending is not None
    assert session.world.ending.success
    assert session.last is not None
    assert session.world.spec.actions[session.last] == "answer yellow"
    with pytest.raises(InstructionError, match="no single clear answer"):
        session.apply("say", "what color is the car?")


def test_a_world_with_rules_of_its_own_reads_sentences_and_manuals_but_is_not_edited() -> None:
    session = opened("groundling/RTFM-Simple-6x6-v0", 1)
    session.apply("say", "defeat the star alliance")
    assert session.world.sentence == "defeat the star alliance"
    session.apply("manual", list(session.world.manual)[:3])
    assert len(session.world.manual) == 3
    with pytest.raises(InstructionError, match="'banana'"):
        session.apply("say", "defeat the banana")
    with pytest.raises(PlaygroundError, match="cannot be edited"):
        session.apply("edit", {"kind": "wall", "tile": [1, 1]})
    let_expert_finish(session)
    assert session.world.ending is not None
    assert session.world.ending.success


def test_of_an_edit_only_what_it_says_is_kept() -> None:
    session = opened()
    x, y = free_tile(session)
    junk = {"kind": "wall", "tile": [x, y], "to": [10**3000, 1], "color": "c" * 9999, "junk": "j" * 9999}
    session.apply("edit", junk)
    place, to = place_of(session, "green ball"), free_tile(session)
    session.apply("edit", {"kind": "add", "tile": list(place), "to": list(to), "color": "pink", "junk": [1]})
    assert session.scene.events == (
        ("edit", {"kind": "wall", "tile": [x, y]}),
        ("edit", {"kind": "add", "tile": list(place), "to": list(to), "color": "pink"}),
    )
    assert same_state(session, Session(CAST, Scene.of(session.scene.to_dict())))


@pytest.mark.parametrize("head", ["policy", "value"])
def test_an_agent_whose_numbers_are_not_finite_is_refused(head: str, monkeypatch: pytest.MonkeyPatch) -> None:
    actor = CAST.find(AGENT)
    assert actor is not None
    agent = copy.deepcopy(actor.agent)
    found = [value for name, value in agent.named_parameters() if head in name]
    assert found
    for value in found:
        value.data[:] = np.nan
    monkeypatch.setattr(CAST, "find", lambda name: replace(actor, agent=agent))
    with pytest.raises(PlaygroundError, match="numbers are not finite: it diverged"):
        opened(ROOM, 12, AGENT)


def test_through_the_eyes_of_a_body_on_the_grid_there_is_a_picture_in_perspective() -> None:
    session = opened()
    picture = session.world.first_person()
    assert picture is not None
    assert picture.shape == (200, 320, 3)
    session.apply("act", 0)
    other = session.world.first_person()
    assert not np.array_equal(picture, other)


def test_an_agent_does_not_act_where_it_was_not_made_for() -> None:
    with pytest.raises(PlaygroundError, match="cannot act in"):
        opened("groundling/Questions-Near-v0", 0, AGENT)
    with pytest.raises(PlaygroundError, match="leads out"):
        opened(ROOM, 0, "shipped:../../etc/passwd")
    with pytest.raises(PlaygroundError, match="no agent"):
        opened(ROOM, 0, "run:somebody")


@pytest.mark.parametrize(
    "told",
    [
        None,
        [],
        {"task": 3},
        {"task": ROOM, "events": "x"},
        {"task": ROOM, "events": [["act"]]},
        {"task": ROOM, "seed": -1},
        {"task": ROOM, "seed": True},
        {"task": ROOM, "seed": 2**60},
        {"task": ROOM, "agent": 7},
        {"task": ROOM, "events": [["act", 0]] * 3000},
    ],
)
def test_links_that_hold_no_world_are_refused_in_a_sentence(told: Any) -> None:
    with pytest.raises(PlaygroundError):
        Scene.of(told)


@pytest.mark.parametrize(
    "event", [("act", 99), ("act", -1), ("act", "left"), ("dance", None), ("say", 5), ("say", ""), ("say", "go " * 300)]
)
def test_events_that_cannot_be_are_refused(event: tuple[str, Any]) -> None:
    session = opened()
    with pytest.raises(GroundlingError):
        session.apply(*event)
    assert session.scene.events == ()


def test_a_history_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "MOST_EVENTS", 2)
    session = opened(ROOM, 12, "", ("act", 0), ("act", 0))
    with pytest.raises(PlaygroundError, match="begin again"):
        session.apply("act", 0)

"""Configurations and checkpoints of older versions, brought into the form of this one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from groundling.envs.engine.constants import VIEW_SIZE, Action
from groundling.envs.engine.explored import explored_shape
from groundling.interfaces import CATEGORY, MAP, RGB, SYMBOLS, TOKENS, Field, Spec
from groundling.language.vocabulary import Vocabulary

# Format 5 had one flat table of an agent's settings, with those of every vision in it.
_OLD_SETTINGS = {
    "symbolic": ("cell_dim", "readout_dim", "map_radius", "map_ways"),
    "cnn": ("conv_channels", "attributes", "readout_dim"),
    "chaplot": ("conv_channels",),
}
_OLD_NAMES = {"tells_due": "predicts_subgoal", "due_coef": "subgoal_coef"}
_OLD_MODULES = {"eyes.": "encoder.", "due.": "subgoal."}
_CLAUSE_TOKENS = 24


def migrated_config(values: Mapping[str, Any]) -> dict[str, Any]:
    """The plain values of a run's configuration, whatever version wrote them."""
    values = {"reward": ["environment"], "reward_weights": [], "made_by": "", **values}
    for name in ("ppo", "imitation"):
        if isinstance(values.get(name), Mapping):
            values[name] = _renamed(values[name])
    agent = values.get("agent")
    if isinstance(agent, Mapping) and "settings" not in agent:
        values["agent"] = _migrated_agent(_renamed(agent))
    return values


def _renamed(values: Mapping[str, Any]) -> dict[str, Any]:
    return {_OLD_NAMES.get(name, name): value for name, value in values.items()}


def _migrated_agent(values: dict[str, Any]) -> dict[str, Any]:
    every = {name for names in _OLD_SETTINGS.values() for name in names}
    vision = values["vision"]
    own = {name: values[name] for name in _OLD_SETTINGS[vision] if name in values}
    return {**{name: value for name, value in values.items() if name not in every}, "settings": {vision: own}}


def migrated_checkpoint(content: dict[str, Any], vocabularies: Mapping[int, Vocabulary]) -> dict[str, Any]:
    """The content of a checkpoint of format 5 in the form of format 6.

    Args:
        content: of the file, without the format.
        vocabularies: that runs of format 5 can have been of, by their fingerprints.

    Raises:
        KeyError: if a part is missing, or the vocabulary is none of these.
    """
    config = migrated_config(content["config"])
    return {
        "config": config,
        "spec": _spec_of(content["space"], config, vocabularies[content["vocabulary"]]).to_dict(),
        "frames": content["frames"],
        "updates": content["updates"],
        "agent": _renamed_modules(content["agent"]),
        # An agent alone, as the package ships one, has nothing to go on from.
        "algorithm": _algorithm_of(content) if content["collector"] else {},
        "statistics": content["collector"].get("statistics", {}),
        "rewards": {"environment": {}},
        "curriculum": content["curriculum"],
    }


def _algorithm_of(content: Mapping[str, Any]) -> dict[str, Any]:
    old, generators = content["collector"], content["generators"]
    recorders: dict[str, Any] = {"labels": {}, "teacher": old["teacher"]}
    if content["reference"]:
        recorders["reference"] = {
            "agent": _renamed_modules(content["reference"]),
            "state": old["reference_state"],
        }
    return {
        "optimizer": content["optimizer"],
        "minibatches": generators["minibatches"],
        "collector": {
            "state": old["state"],
            "is_first": old["is_first"],
            "actions": generators["actions"],
            "recorders": recorders,
            "envs": old["envs"],
        },
    }


def _renamed_modules(parameters: Mapping[str, Any]) -> dict[str, Any]:
    found = {}
    for name, value in parameters.items():
        old = next((prefix for prefix in _OLD_MODULES if name.startswith(prefix)), None)
        found[name if old is None else _OLD_MODULES[old] + name.removeprefix(old)] = value
    return found


def _spec_of(space: Mapping[str, Any], config: Mapping[str, Any], vocabulary: Vocabulary) -> Spec:
    """What an agent of format 5 was built for: a picture or symbols, a direction, an instruction, a map."""
    agent = config["agent"]
    shape = tuple(space["image_shape"])
    is_symbolic = agent["vision"] == "symbolic"
    fields = {"image": Field(shape, "uint8", SYMBOLS if is_symbolic else RGB)}
    if is_symbolic and shape[0] == VIEW_SIZE:
        fields = {"direction": Field((), "int64", CATEGORY, 4), **fields}
    if radius := agent["settings"].get("symbolic", {}).get("map_radius", 0):
        fields["explored"] = Field(explored_shape(radius), "uint8", MAP)
    size = space["vocabulary_size"]
    words = vocabulary if len(vocabulary) == size else Vocabulary.unnamed(size)
    fields["instruction"] = Field((_CLAUSE_TOKENS,), "int32", TOKENS, size)
    count = space["num_actions"]
    names = [action.name.lower() for action in Action][:count]
    return Spec(fields, tuple(names if len(names) == count else map(str, range(count))), words)

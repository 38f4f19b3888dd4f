"""Observation encoders: what turns the fields of an observation into features, chosen by a field's kind or by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from groundling.registry import Registry

if TYPE_CHECKING:
    from groundling.agents.encoders.base import ObservationEncoder

# In the order in which they are asked to take a field that nobody chose an encoder for.
ENCODERS: Registry[type[ObservationEncoder[Any]]] = Registry(
    "observation encoder",
    {
        "symbolic": "groundling.agents.encoders.symbolic:SymbolicEncoder",
        "scene": "groundling.agents.encoders.scene:SceneEncoder",
        "cnn": "groundling.agents.encoders.pixels:CNNEncoder",
        "chaplot": "groundling.agents.encoders.chaplot:ChaplotEncoder",
        "document": "groundling.agents.encoders.documents:DocumentEncoder",
        "txt2pi": "groundling.agents.encoders.txt2pi:Txt2PiEncoder",
        "emma": "groundling.agents.encoders.emma:EmmaEncoder",
        "vector": "groundling.agents.encoders.vectors:VectorEncoder",
        "pacman": "groundling.agents.encoders.pacman:PacmanEncoder",
        "convolved": "groundling.agents.encoders.convolved:ConvolvedEncoder",
        "centered": "groundling.agents.encoders.centered:CenteredEncoder",
        "commands": "groundling.agents.encoders.commands:CommandEncoder",
    },
    entry_points="groundling.encoders",
)

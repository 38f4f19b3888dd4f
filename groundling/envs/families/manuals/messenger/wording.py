"""The words of our own sentences: synonyms of entities, roles and movements, and forms of sentence, three sets of each.

The first set is trained with. The second is for choosing among agents and the third for tests: no phrase of one set is
in another.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

ENTITY, ROLE, MOVEMENT = "{entity}", "{role}", "{movement}"

# Of each name the synonyms of the three sets.
Synonyms = dict[str, tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]]

ENTITY_WORDS: Final[Synonyms] = {
    "airplane": (
        ("airplane", "plane", "jet", "aircraft"),
        ("airliner", "biplane", "glider", "air taxi"),
        ("jumbo", "monoplane", "seaplane", "winged craft"),
    ),
    "mage": (
        ("mage", "wizard", "sorcerer", "magician"),
        ("warlock", "enchanter", "conjurer", "spell caster"),
        ("witch", "druid", "illusionist", "rune reader"),
    ),
    "dog": (
        ("dog", "hound", "puppy", "canine"),
        ("mutt", "poodle", "terrier", "barking pet"),
        ("beagle", "whelp", "collie", "sheep herder"),
    ),
    "bird": (
        ("bird", "eagle", "hawk", "crow"),
        ("sparrow", "pigeon", "raven", "nest builder"),
        ("parrot", "falcon", "gull", "feathered animal"),
    ),
    "fish": (
        ("fish", "salmon", "trout", "carp"),
        ("tuna", "cod", "herring", "finned swimmer"),
        ("pike", "perch", "eel", "scaly creature"),
    ),
    "scientist": (
        ("scientist", "researcher", "chemist", "professor"),
        ("biologist", "physicist", "inventor", "lab worker"),
        ("scholar", "academic", "geologist", "learned person"),
    ),
    "thief": (
        ("thief", "robber", "burglar", "crook"),
        ("bandit", "pickpocket", "looter", "safe cracker"),
        ("swindler", "shoplifter", "outlaw", "house breaker"),
    ),
    "ship": (
        ("ship", "boat", "vessel", "ferry"),
        ("yacht", "sailboat", "frigate", "ocean liner"),
        ("steamer", "barge", "schooner", "floating craft"),
    ),
    "ball": (
        ("ball", "sphere", "orb", "globe"),
        ("marble", "balloon", "bubble", "round toy"),
        ("pellet", "bead", "football", "rubber round"),
    ),
    "robot": (
        ("robot", "android", "machine", "droid"),
        ("cyborg", "automaton", "bot", "metal man"),
        ("humanoid", "tin man", "replicant", "walking computer"),
    ),
    "queen": (
        ("queen", "empress", "monarch", "ruler"),
        ("sovereign", "tsarina", "regent", "crowned woman"),
        ("majesty", "matriarch", "royal lady", "wife of the king"),
    ),
    "sword": (
        ("sword", "blade", "saber", "rapier"),
        ("cutlass", "katana", "scimitar", "long knife"),
        ("foil", "broadsword", "claymore", "sharp steel"),
    ),
}
ROLE_WORDS: Final[Synonyms] = {
    "enemy": (
        ("deadly enemy", "dangerous foe", "lethal opponent", "hostile attacker"),
        ("fatal rival", "vicious adversary", "harmful antagonist", "threat to your life"),
        ("murderous villain", "killer to avoid", "menace", "assailant"),
    ),
    "message": (
        ("secret message", "important letter", "hidden note", "sealed report"),
        ("classified document", "private memo", "confidential file", "vital news"),
        ("restricted paper", "coded dispatch", "crucial telegram", "intelligence you need"),
    ),
    "goal": (
        ("final goal", "target to reach", "place to deliver to", "destination"),
        ("objective", "end point", "aim of your trip", "finish"),
        ("address to visit", "last stop", "point of arrival", "receiver of your delivery"),
    ),
}
MOVEMENT_WORDS: Final[Synonyms] = {  # after "is"
    "chaser": (
        ("chasing you", "coming closer", "heading your way", "following you"),
        ("approaching you", "closing in", "on your heels", "moving toward you"),
        ("pursuing you", "drawing near", "hunting you", "on your trail"),
    ),
    "fleeing": (
        ("fleeing from you", "running away", "moving off", "escaping you"),
        ("getting farther away", "leaving you", "on the run", "keeping clear of you"),
        ("retreating", "dashing off", "avoiding you", "withdrawing"),
    ),
    "immovable": (
        ("standing still", "not moving", "staying in place", "fixed to the spot"),
        ("motionless", "at rest", "parked", "stationary"),
        ("frozen", "unmoving", "rooted there", "immobile"),
    ),
}
FORMS: Final = (
    (
        "the {entity} is the {role} and is {movement}",
        "the {entity} that is {movement} is the {role}",
        "the {role} is the {entity} that is {movement}",
        "the {role} is {movement} , it is the {entity}",
        "{movement} is the {entity} , which is the {role}",
        "{movement} is the {role} , namely the {entity}",
        "the {entity} , {movement} , is the {role}",
        "the {role} , {movement} , is the {entity}",
    ),
    (
        "as for the {entity} , it is the {role} , {movement}",
        "as for the {role} , it is the {entity} , {movement}",
        "it is the {entity} , now {movement} , that is the {role}",
        "what is {movement} here is the {role} , that is , the {entity}",
        "now {movement} , the {entity} is the {role}",
    ),
    (
        "you will find the {role} to be the {entity} , {movement}",
        "know the {entity} , {movement} , to be the {role}",
        "someone or something {movement} , the {entity} , will be the {role}",
        "do not forget that the {role} , the {entity} , is {movement}",
        "{movement} you can see the {role} : the {entity}",
    ),
)
UNSTATED_FORMS: Final = (  # that tell of no movement
    ("the {entity} is the {role}", "the {role} is the {entity}", "the {entity} , it is the {role}"),
    ("as for the {entity} , it is the {role}", "as for the {role} , it is the {entity}"),
    ("you will find the {role} to be the {entity}", "know the {entity} to be the {role}"),
)


def all_phrases() -> Iterator[str]:
    """Every synonym and every form, in a fixed order."""
    for words in (ENTITY_WORDS, ROLE_WORDS, MOVEMENT_WORDS):
        for number in range(3):
            for sets in words.values():
                yield from sets[number]
    for forms in (FORMS, UNSTATED_FORMS):
        for one in forms:
            yield from one

"""What small houses in tests are made of."""

from __future__ import annotations

from groundling.envs.families.questions.stock import Stock

PORTABLE = ("cup", "book", "bottle", "plate", "vase", "clock", "toy")
STOCK = Stock(
    rooms={
        "kitchen": ("table", "fridge", "sink", "stove", "chair", "cabinet", "plant"),
        "bedroom": ("bed", "wardrobe", "chair", "lamp", "desk", "plant", "shelf"),
        "bathroom": ("bathtub", "toilet", "sink", "cabinet", "washer"),
        "living room": ("sofa", "table", "tv", "plant", "lamp", "shelf", "armchair", "chair"),
        "study": ("desk", "chair", "shelf", "lamp", "plant", "cabinet"),
    },
    on={surface: PORTABLE for surface in ("table", "desk", "shelf", "cabinet")},
    inside={container: PORTABLE for container in ("fridge", "cabinet", "wardrobe")},
    colors=("red", "green", "blue", "purple", "yellow", "grey", "orange", "white"),
    repeatable=("chair", "plant", "lamp", "cup", "book", "toy"),
)

"""All that the wrapper takes for granted of habitat-sim: each was seen by running version 0.3.3, built with Bullet.

Whoever finds that another version differs changes it here.
"""

from __future__ import annotations

TESTED_VERSION = "0.3.3"  # what main after v0.3.4 calls itself

# A simulator
CPU = -1  # of gpu_device_id: the default, 0, ends a process without a GPU
MAX_SCENES = 2000  # loaded by one simulator, which keeps .25 MB of each, before it is made anew
MAX_NAVMESHES = 20_000  # computed by one simulator
LIGHTING_FILE = "data/default.pbr_config.json"  # under the working folder while a simulator is made
LIGHTING = '{"enable_ibl": false, "ibl_blut_filename": "none", "ibl_envmap_filename": "none"}'
QUIET = {"MAGNUM_LOG": "quiet", "HABITAT_SIM_LOG": "quiet"}  # before the import

# Files of a dataset, by what they hold; a scene is named without its ending, a stage alone with it
STAGE_ENDING = ".stage_config.json"
OBJECT_ENDING = ".object_config.json"
SCENE_ENDING = ".scene_instance.json"
GLB_MAGIC = b"glTF"

# Sensors
CHANNELS = 4  # of a color sensor; 3 aborts
MAX_HFOV = 179.0  # at 180 all depth is 0
COLOR, DEPTH, SEMANTIC = "rgb", "depth", "semantic"

# Moving: the first move puts an agent one navmesh cell above the floor
FORWARD, LEFT, RIGHT = "move_forward", "turn_left", "turn_right"
SNAP_ACROSS_M = 1.75  # how far snap_point and find_path look for a place to stand on
SNAP_UP_M = 4.0
NAVIGABLE_UP_M = 0.5

# Objects
PARKED_M = -50.0  # where what nobody sees is put
CARRIED_AT = (0.0, 0.35, -0.5)  # of what is carried, from the agent, if nothing else is told: up, and ahead (-Z)

"""Files of episodes written by hand from the descriptions of the formats: two of ours as habitat-lab was seen to load
them for the recorded scene, the others as the public data sets have them.
"""

from __future__ import annotations

from typing import Any

START: dict[str, Any] = {
    "episode_id": "7",
    "scene_id": "rooms",
    "scene_dataset_config": "rooms.scene_dataset_config.json",
    "additional_obj_config_paths": [],
    "start_position": [1.5, 0.05, 2.5],
    "start_rotation": [0, -0.7071068, 0, 0.7071068],
    "info": {"geodesic_distance": 8.0},
}
STEP = {"position": [1.5, 0.05, 2.5], "rotation": [0, -0.7071068, 0, 0.7071068], "action": 1}
IDENTITY = [[1, 0, 0, 3.5], [0, 1, 0, 0], [0, 0, 1, 1.5], [0, 0, 0, 1]]

POINTNAV: dict[str, Any] = {
    "episodes": [
        {
            **START,
            "goals": [{"position": [9.5, 0.05, 2.5], "radius": None}],
            "start_room": None,
            "shortest_paths": None,
        }
    ]
}
OBJECTNAV: dict[str, Any] = {
    "episodes": [
        {
            **START,
            "scene_id": "data/scene_datasets/mp3d/17DRP5sb8fy/rooms",
            "goals": [],
            "start_room": None,
            "shortest_paths": [[1, 1, 2, 0]],
            "object_category": "cylinder",
        }
    ],
    "category_to_task_category_id": {"cylinder": 0},
    "category_to_mp3d_category_id": {"cylinder": 3},
    "goals_by_category": {
        "rooms_cylinder": [
            {
                "position": [7.5, 0.3, 3.5],
                "radius": None,
                "object_id": 12,
                "object_name": "cylinder_12",
                "object_name_id": None,
                "object_category": "cylinder",
                "room_id": None,
                "room_name": None,
                "view_points": [{"agent_state": {"position": [7.5, 0.05, 2.5], "rotation": [0, 1, 0, 0]}, "iou": 0.12}],
            }
        ]
    },
}
EQA: dict[str, Any] = {
    "episodes": [
        {
            "episode_id": "0",
            "scene_id": "mp3d/17DRP5sb8fy/17DRP5sb8fy.glb",
            "start_position": [1.5, 0.05, 2.5],
            "start_rotation": [0, 0, 0, 1],
            "start_room": None,
            "info": {},
            "goals": [
                {
                    "position": [7.5, 0, 3.5],
                    "radius": None,
                    "object_id": 12,
                    "object_name": "cylinder",
                    "object_name_id": 3,
                    "object_category": None,
                    "room_id": "1",
                    "room_name": "kitchen",
                    "view_points": [{"position": [7.5, 0, 2.5], "rotation": [0, 1, 0, 0]}],
                }
            ],
            "shortest_paths": [[STEP, {**STEP, "action": None}]],
            "question": {
                "question_text": "what color is the cylinder?",
                "answer_text": "green",
                "question_tokens": [1, 2, 3, 4, 5, 0],
                "answer_token": 1,
                "question_type": "color",
            },
        }
    ],
    "question_vocab": {"word_list": ["<unk>", "what", "color", "is", "the", "cylinder"]},
    "answer_vocab": {"word_list": ["<unk>", "green", "red"]},
}
VLN: dict[str, Any] = {
    "episodes": [
        {
            "episode_id": 1,
            "trajectory_id": 4,
            "scene_id": "mp3d/7y3sRwLe3Va/7y3sRwLe3Va.glb",
            "start_position": [1.5, 0.05, 2.5],
            "start_rotation": [0, 0, 0, 1],
            "info": {"geodesic_distance": 6.4},
            "goals": [{"position": [7.5, 0.05, 2.5], "radius": 3.0}],
            "instruction": {"instruction_text": "Go on.", "instruction_tokens": [2, 3, 0, 0]},
            "reference_path": [[1.5, 0.05, 2.5], [4, 0.05, 2.5], [7.5, 0.05, 2.5]],
        }
    ],
    "instruction_vocab": {"word_list": ["<pad>", "<unk>", "go", "on"], "stoi": {}},
}
REARRANGE: dict[str, Any] = {
    "config": None,
    "episodes": [
        {
            **START,
            "additional_obj_config_paths": ["data/objects/ycb/configs/"],
            "ao_states": {"fridge_:0000": {"1": 0.4}},
            "rigid_objs": [["red_box.object_config.json", IDENTITY], ["red_box.object_config.json", IDENTITY]],
            "targets": {"red_box_:0001": IDENTITY},
            "target_receptacles": [["table_:0000", None]],
            "goal_receptacles": [["sink_:0000", 2]],
            "name_to_receptacle": {"red_box_:0001": "table_:0000"},
            "markers": [{"name": "cab", "type": "articulated_object", "params": {"offset": [0, 0, 0], "link": "l"}}],
        }
    ],
}
FILES: dict[str, dict[str, Any]] = {
    "pointnav": POINTNAV,
    "objectnav": OBJECTNAV,
    "eqa": EQA,
    "vln": VLN,
    "rearrange": REARRANGE,
}

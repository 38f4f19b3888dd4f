"""Tasks that are written as Python classes, the library's own (``groundling.envs.tasks``) and a user's."""

"""EnvPool's environments, by their ids."""

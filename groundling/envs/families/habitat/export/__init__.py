"""Houses and rooms as scenes of Habitat: meshes, and the files that say how they are loaded."""

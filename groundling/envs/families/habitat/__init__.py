"""Habitat: our houses and rooms as scenes and episodes of habitat-sim, and habitat-sim as a simulator of ours."""

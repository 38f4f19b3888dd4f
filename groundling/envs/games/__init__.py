"""What worlds with rules of their own have in common, whose episodes are drawn as they begin: batches, seeds, infos."""

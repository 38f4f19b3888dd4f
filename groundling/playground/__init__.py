"""The playground: a local web page to watch agents, tell them sentences, change their worlds, and look at runs.

The data flow: ``server`` (routes, guarded by ``security``) and ``tabs`` (websockets) -> ``session`` (one a tab: a
world, an agent and a history of events) -> ``worlds`` and ``episodes`` (any family, and those whose worlds can be
edited) and ``minds`` (agents, with what they attend to). ``gallery`` lists what there is to try; ``runs``, ``failures``
and ``labels`` look into run folders.
"""

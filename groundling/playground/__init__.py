"""The playground: a local web page to watch agents, tell them sentences, change their worlds, and look at runs.

The data flow: ``server`` (routes and websockets, guarded by ``security``) -> ``session`` (one a tab: a world, an agent
and a history of events) -> ``worlds`` (episodes that can be edited, or any other family) and ``minds`` (agents and the
expert, with what they attend to). ``gallery`` lists what there is to try, ``runs`` and ``labels`` look into run folders.
"""

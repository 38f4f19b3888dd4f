"""The program that holds environments of other packages: a process of its own that ``pool`` starts, drives and ends.

It is run as a folder of files, by any Python from 3.7 on that has numpy and the package of the environments
(Gymnasium's or the older ``gym`` interface, which Groundling itself need not be installed beside): so these files
import nothing else, and one another by their places only. Requests and answers are pickled plain values behind their
length; a step is a single byte, its arrays are in memory that both sides map.

    ("make", maker, count, rules, path)  -> what the spaces of ``count`` environments are; 0: as many as one call makes
    ("map", file, layout, first)         -> None; from now on arrays are written there
    ("reset", [index])                   -> None; the seeds are in the array ``next_seed``
    ("render", index)                    -> a picture [H, W, 3] uint8, a text, or None
    b"s"                                 -> b"k" after a step, b"e" and an error's text otherwise
    ("close",)                           -> None, and the process ends

A maker has a ``kind``, "id" (with an ``id``) or "place" (with a ``place``), and perhaps ``options`` of the
environment's own, modules (``imports``) that register ids, variables (``without_display``) that are set where there is
no display, ``vector`` (take the vector environment of an id that has both), ``autoreset`` (how a vector environment
that does not tell it begins episodes), ``reseeds`` (whether every episode has a seed of its own, not only the first)
and ``choose`` (see ``serving.Host``).
"""

"""GridLU (Bahdanau et al., ICLR 2019): a cursor that moves blocks until what a sentence says of them is so.

Own code and own sentences after the published rules.
"""

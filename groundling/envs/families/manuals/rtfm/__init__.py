"""RTFM (Zhong, Rocktaeschel, Grefenstette, ICLR 2020): which monster is wanted, and which weapon defeats it.

Own code and own sentences after the published rules.
"""

"""Messenger (Hanjie, Zhong, Narasimhan, ICML 2021): which entity has the message, which is its goal, which is an enemy.

Own code and own sentences after the published rules; sentences of the original's files can be read as well.
"""

"""What runs in the process of a simulator, in an interpreter that has NumPy and habitat-sim and may have nothing else.

The folder is a package by itself there: its modules import each other, NumPy, and habitat-sim where it is used.
"""

"""AGILE (Bahdanau et al., ICLR 2019, arXiv:1806.01946): a reward learned from examples of goal states."""

"""``python -m groundling``."""

import sys

from groundling.cli import program

sys.exit(program())

"""``python -m groundling``."""

import sys

from groundling import job
from groundling.cli import main

status = main()
if job.size() > 1:
    job.end(status)
sys.exit(status)

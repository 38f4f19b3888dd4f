"""Environments of other packages in worker processes, of this Python or of another one."""

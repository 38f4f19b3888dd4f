"""habitat-sim in worker processes: what runs beside it (``habitat_worker``) and the pool that drives it."""

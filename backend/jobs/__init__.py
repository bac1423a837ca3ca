"""Work that is queued on RQ. The web side uses `dispatch` alone, which imports no torch."""

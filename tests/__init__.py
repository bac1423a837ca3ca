"""Tests by what they need: `unit` nothing, `service` a Redis and processes, `e2e` a real Label Studio."""

import gc

gc.disable()  # while torch and its kind are imported, which is most of a short run; conftest.py enables it

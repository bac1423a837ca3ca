"""Whether every link between Label Studio, this backend, Redis and the worker holds, and what to do if not.

A check is one function that returns a Finding; `machine` and `project` hold them. To add one, write it
there under `@check` or `@project_check`: its name, and the names of the checks that must hold first.
"""

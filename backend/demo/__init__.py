"""A real Label Studio, this backend, and a team of simulated annotators, in one command."""

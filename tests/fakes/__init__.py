"""Stand-ins for servers, for unit tests and benchmarks: quick, in memory, with faults on demand."""

"""What a task's data points at, fetched within bounds and from where the operator allows. Workers only: the
web process opens no address that comes with a request."""

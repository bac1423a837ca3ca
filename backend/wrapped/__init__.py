"""Between Label Studio and somebody else's ML backend, in which nothing has to change."""

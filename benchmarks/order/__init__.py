"""Query strategies side by side: ours and other libraries', in shards that are kept (see `__main__`)."""

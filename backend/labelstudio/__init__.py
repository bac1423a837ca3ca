"""All that knows Label Studio's shapes: its API, label configs, annotations and predictions."""

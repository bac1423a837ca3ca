"""A project's labels and predictions, out of the loop: into a file, or into Label Studio on request."""

"""The next texts to label, out of a file and without Label Studio."""

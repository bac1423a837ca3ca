"""The subcommands of `label-studio-atlas`, a file for those that belong together."""

"""The command line: commands, their arguments, the two streams, exit codes."""

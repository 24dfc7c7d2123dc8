"""What the target's processes find: variables, files of variables, an interpreter."""

"""What a user asks for: the command line over `[tool.statecheck]`, and templates of requests."""

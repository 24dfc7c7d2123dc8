"""What is diagnosed: resolving what the user typed, finding the app of a directory, its interpreter."""

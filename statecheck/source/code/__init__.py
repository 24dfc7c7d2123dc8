"""Reading Python: files, scopes, names, values, definitions and the imports between files."""

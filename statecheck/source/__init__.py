"""Reading the target's Python: imports, apps, handlers, clients, definitions. Never imports the target."""

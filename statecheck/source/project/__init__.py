"""What the project's other files say: deployment, variables, services, tables."""

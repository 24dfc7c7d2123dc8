"""How a client talks to a target: the plan of a turn, its fields, endpoints, sessions, and what leads to it."""

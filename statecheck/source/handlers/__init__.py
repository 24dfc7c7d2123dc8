"""What a handler does with the requests it takes: the flow of each field, and what it needs."""

"""A message as each service wants it: pure functions within the services' documented limits."""

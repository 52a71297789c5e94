"""The REST routes, the buttons, their answers, and their description as OpenAPI."""

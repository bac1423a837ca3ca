"""How controls are learned."""

"""FlightPref: what people say about flights, and what can be inferred from it about what they want."""

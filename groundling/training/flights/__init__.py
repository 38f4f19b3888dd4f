"""FlightPref's models: a listener and a speaker, fitted to what people said, and the rewards inferred with them."""

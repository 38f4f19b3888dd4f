"""Foreign simulators behind Gymnasium's interface; each is optional and imported only when it is used."""

"""Environments of other packages, by their Gymnasium ids or the function that makes them."""

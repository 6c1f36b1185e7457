"""Recipes: a TOML file enters, a frozen `Recipe` that decides everything but the data leaves, or a list of faults."""

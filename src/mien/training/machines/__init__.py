"""Where a run trains: a device, or several processes with one each. Nothing here knows of recipes, networks or data."""

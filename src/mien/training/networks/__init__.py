"""Networks: a recipe enters; what it names leaves, with its first weights, as it trains, as it is shipped, in words."""

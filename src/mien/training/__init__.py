"""Training: recipe -> network -> batches -> run -> artifact, a room each. The only part of mien that imports torch.

A room knows those before it, and `machines`; none knows the rooms after it.
"""

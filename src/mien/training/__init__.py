"""Training: recipe -> network -> run -> artifact. The only part of mien that imports torch."""

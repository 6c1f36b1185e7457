"""Learning: batches and a network enter; the folder of a run leaves, with the weights of its best epoch."""

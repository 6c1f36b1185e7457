"""Batches: a dataset and a recipe enter; crops with what each head learns of them leave, an epoch's batch by batch."""

"""Export: runs, or models, enter; an artifact leaves, calibrated, measured and with its card, or nothing at all."""

"""Losses of prediction files: reading in batches, evaluating through accumulators, printing."""

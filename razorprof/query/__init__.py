"""PromQL over a SeriesView: parsed behind a guard, evaluated here. Knows nothing of targets."""

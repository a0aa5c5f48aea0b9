"""The functions of PromQL on floats. The evaluator finds them in `registry`; nothing here reads series."""

"""Batch de-duplication: who is in a register twice; `matcher.dedup.run` is the spine."""

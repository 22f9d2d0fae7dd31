"""The review console: analysts decide the pairs that a de-duplication found; `app` is the spine."""

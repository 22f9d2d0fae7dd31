"""ISO/IEC 19795 performance testing: extract a set, compare it by a protocol, state error rates and speed.

The spine is `matcher.evaluate.run.evaluate`; `matcher.evaluate.definitions` says what each figure means.
"""

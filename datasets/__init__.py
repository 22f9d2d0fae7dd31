"""Public biometric data sets as lists of samples, and the protocols that pair them. Nothing is downloaded.

`load(name, root)` gives a `Dataset`; `matcher.datasets.layouts` holds the table of names and file layouts;
`matcher.datasets.protocol` pairs samples into mated and non-mated comparisons.
"""

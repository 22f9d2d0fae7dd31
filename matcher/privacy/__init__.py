"""Three-party secure matching: irises and faces searched by three servers, none of which can read them.

Security model, everywhere in this package: semi-honest parties, honest majority. Each party follows the
protocol and may look at all it sees; no two of them put together what they have. `docs/private-matching.md`
states the protocol, its proofs, and what is and is not protected.

    enrolment side   encode -> sharing -> three shares, one for each party
    parties          products -> threshold -> or -> open        (`matcher.privacy.protocol`, the spine)
"""

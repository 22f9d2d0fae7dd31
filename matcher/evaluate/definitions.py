"""What each figure of a report means, in words that travel with the figures."""

from __future__ import annotations

from matcher.evaluate.discard import FMR, LOW_QUALITY
from matcher.evaluate.intervals import MIN_CLUSTERS, PERCENTILES
from matcher.evaluate.rates import FEW_FALSE_MATCHES
from matcher.evaluate.speed import CANDIDATES

DEFINITIONS: dict[str, str] = {
    "rates": "Fractions from 0 to 1.",
    "order": "Samples are ordered by name, the path below the set's folder with forward slashes and suffix, "
    "compared as text character by character (code points).",
    "pairs": "Each unordered pair of samples is compared once, the earlier name as probe.",
    "mated": "Comparisons of two samples of one identity, those with a failure to extract included.",
    "non_mated": "Comparisons of two samples of different identities that both have a template; impostors "
    "all: every such pair; fvc: the first samples of each two identities only; listed: the pairs of a "
    "protocol's file.",
    "match": "score >= t. Score is a strictly increasing function of raw, so either gives the same rates.",
    "failures_to_extract": "Images without a template: unreadable, or refused by the extractor. A non-match "
    "in every mated comparison, left out of non-mated ones.",
    "fnmr_at_fmr": "FNMR at the smallest t with count(non-mated >= t) <= floor(f * non_mated); a mated score "
    "that ties with the first non-mated score not allowed is a non-match. null where f * non_mated < 1; "
    f"flagged where it is below {FEW_FALSE_MATCHES}.",
    "tar_at_far": "Faces: 1 - FNMR at that FMR, all pairs.",
    "eer": "(FMR + FNMR) / 2 at the t where |FMR - FNMR| is smallest; of several such t the one with the "
    "larger mean.",
    "zero_fmr": "FNMR at the lowest t without a false match.",
    "rank1": "Gallery: the first sample of each identity by name; probes: all others. A hit is a mate's "
    "score above that of every other identity; ties and failures are misses. null for impostors fvc, which "
    "does not compare the probes with the gallery.",
    "accuracy": "Of the pairs that a protocol lists (impostors: listed): the share of right decisions, the "
    "threshold of each fold from the others, mean over the folds with its standard error; a failure to "
    "extract is a rejection.",
    "intervals": f"{PERCENTILES[0]} and {PERCENTILES[1]} percentiles of a bootstrap over clusters (persons "
    "where known, else identities), both sides of non-mated pairs resampled together; rank1 over the "
    f"clusters of its probes. Indicative below {MIN_CLUSTERS} clusters. With no error at all the rule of "
    "three, 3 / n with n comparisons (eer: the fewer of mated and non-mated), as if these were independent.",
    "score": "-10 log10(FMR) by the calibration named, null where there is none for this extractor.",
    "at_score": "FMR and FNMR observed at calibrated thresholds, which promise an FMR of 10 ** (-t / 10).",
    "quality": "Of the images with a template, 0 to 100, as the extractor grades them: median, and the share "
    f"below {LOW_QUALITY}.",
    "discard": f"FNMR at the threshold that gives an FMR of {FMR} on the whole set, of the mated comparisons "
    "that are left when the share of images named, the worst by quality and failures to extract first, is "
    "not used; images of equal quality go in no order (the mean over all). fnmr_fall_at_0.2: by what share "
    "the worst fifth's going lowers FNMR.",
    "extract_ms_median": "Median over the images of the CPU time of extraction, image in memory to template, "
    "code compiled before; milliseconds.",
    "comparisons_per_second_core": f"1:N searches of up to {CANDIDATES} candidates of other identities (the "
    "set's own templates, repeated in memory), probe prepared once a search, one thread; candidates over "
    "CPU time, preparation of the probe and all work for each candidate included.",
    "template_bytes_median": "Median size of the stored form of a template.",
    "resident_bytes_median": "Median size of the form that a candidate has in memory and the scorer reads.",
}
"""Definitions by the key of the figure they belong to."""

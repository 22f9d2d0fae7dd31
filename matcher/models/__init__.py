"""Model files: data that the user owns, fetched on request, checked at every use, never at import."""

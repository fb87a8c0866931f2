"""A session in annotation programs: out to ELAN and BORIS, and what was corrected there back in as verdicts."""

"""Who is calling and what they may do now: credentials, authorization, quota; changes under a permit, each audited."""

"""Who calls, and what may they do now: credentials, authorization of sends, quota."""

"""A send that is asked about and not made: the question, the answer, a case of it to keep, and a refused send again."""

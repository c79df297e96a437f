"""The life of an identity.

Names, verification, DNS records and checks, DKIM keys, settings, policies, and the domain the operator signs as.
"""

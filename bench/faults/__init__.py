"""Faults in real processes: power cuts, kills at named points, errors of the store and of the disk.

An independent checker reads the clients' ledger, the receiver's and the database, not what the service says of itself.
"""

"""The AWS wire: signatures, service models, the Query and restJson1 protocols behind one port, ARNs, page tokens."""

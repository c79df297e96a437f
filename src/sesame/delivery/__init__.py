"""From the spool to the next server: find the MX, sign, hand over, retry, give up."""

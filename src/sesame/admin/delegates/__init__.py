"""Delegates as an owner sees them: what to hand over, what they did, what they need, who may."""

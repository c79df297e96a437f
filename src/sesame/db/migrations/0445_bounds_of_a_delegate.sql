-- Bounds go with a delegate that is renamed.
CREATE INDEX delegate_bounds_delegate ON delegate_bounds (delegate);

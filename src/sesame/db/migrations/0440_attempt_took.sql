-- How long an attempt took, from when it began to its outcome; NULL for those of before.
ALTER TABLE attempt ADD COLUMN took_s REAL;

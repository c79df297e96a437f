-- Why an attempt went to the server that it went to; and, of one that did not deliver, what was said there, in at most 2,000
-- characters. NULL for those of before. They come last in the row, so that lists do not read them.
ALTER TABLE attempt ADD COLUMN chosen TEXT;
ALTER TABLE attempt ADD COLUMN dialogue TEXT;

-- The port on which apps of a release were seen to insist, whatever PORT says.
ALTER TABLE releases ADD COLUMN insists INTEGER;

-- The address of an instance that has a network of its own; without one it is at 127.0.0.1.
ALTER TABLE instances ADD COLUMN address TEXT;

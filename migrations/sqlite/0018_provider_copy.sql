-- Where the provider's own copy of a recording is.
ALTER TABLE session_recording ADD COLUMN copy TEXT NOT NULL DEFAULT 'kept'; -- kept, deleting, deleted, left
-- Why the recording failed, or why the provider still has its copy. A code.
ALTER TABLE session_recording ADD COLUMN problem TEXT NOT NULL DEFAULT '';

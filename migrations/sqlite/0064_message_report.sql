-- What became of messages that the gateway took: its reports, and the hub's questions.
ALTER TABLE session_message ADD COLUMN gateway_id TEXT NOT NULL DEFAULT ''; -- the gateway's id of the message, or empty
ALTER TABLE session_message ADD COLUMN asked INTEGER NOT NULL DEFAULT 0; -- questions to the gateway without an answer
ALTER TABLE session_message ADD COLUMN followed_by TEXT NOT NULL DEFAULT ''; -- key of the call that was told that it did not arrive
CREATE INDEX session_message_gateway ON session_message (tenant, gateway_id) WHERE gateway_id <> '';

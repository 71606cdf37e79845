-- Empty blobs are known by their length, which both engines write the same way.
DROP INDEX session_record_client;
DROP INDEX visit_external;
DROP INDEX delivery_outcome_body;
CREATE UNIQUE INDEX session_record_client ON session_record (tenant, session, kind, author, client)
  WHERE length(client) > 0;
CREATE UNIQUE INDEX visit_external ON visit (tenant, external) WHERE length(external) > 0;
CREATE INDEX delivery_outcome_body ON delivery_outcome (at_ms) WHERE length(data_key) > 0;

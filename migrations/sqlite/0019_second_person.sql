-- By which certificates a client proves itself (RFC 8705).
CREATE TABLE client_certificate (
  tenant TEXT NOT NULL,
  value  TEXT NOT NULL, -- "x5t#S256:<digest>", "uri:<name>" or "dns:<name>"; of one client
  client TEXT NOT NULL,
  PRIMARY KEY (tenant, value)
) WITHOUT ROWID;
CREATE INDEX client_certificate_client ON client_certificate (tenant, client);

-- A token is good only together with the certificate that it was asked for with: its SHA-256 in
-- base64url. Empty when there was none.
ALTER TABLE client_token ADD COLUMN certificate TEXT NOT NULL DEFAULT '';

-- What somebody asked for and a second person has to confirm.
CREATE TABLE approval (
  tenant       TEXT    NOT NULL,
  id           TEXT    NOT NULL,
  act          TEXT    NOT NULL, -- "key.shred"
  asker        TEXT    NOT NULL, -- as the audit log has it
  asker_person TEXT    NOT NULL, -- empty when no person asked
  object       TEXT    NOT NULL, -- the person whom it is about, who does not confirm it; may be empty
  fingerprint  BLOB    NOT NULL, -- blind index of the whole request
  data_key     BLOB    NOT NULL,
  sealed       BLOB    NOT NULL, -- what was asked, for who confirms it
  state        TEXT    NOT NULL, -- "asked", "confirmed", "refused", "used"
  confirmer    TEXT    NOT NULL, -- as the audit log has it; empty before
  asked_ms     INTEGER NOT NULL,
  ends_ms      INTEGER NOT NULL,
  PRIMARY KEY (tenant, id)
) WITHOUT ROWID;
CREATE INDEX approval_ends ON approval (ends_ms);

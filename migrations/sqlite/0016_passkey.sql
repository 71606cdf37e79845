-- Passkeys (WebAuthn).
CREATE TABLE passkey (
  tenant     TEXT    NOT NULL,
  id         TEXT    NOT NULL, -- ULID
  credential BLOB    NOT NULL, -- SHA-256 of the id that its authenticator gave it
  person     TEXT    NOT NULL,
  sealed     BLOB    NOT NULL, -- JSON: its id and public key, its name; under the person's data key
  sign_count INTEGER NOT NULL, -- the newest that its authenticator has shown
  created_ms INTEGER NOT NULL,
  used_ms    INTEGER NOT NULL, -- 0 before the first use
  PRIMARY KEY (tenant, id)
) WITHOUT ROWID;
CREATE UNIQUE INDEX passkey_credential ON passkey (tenant, credential);
CREATE INDEX passkey_person ON passkey (tenant, person, id);

-- What somebody has begun to do with a passkey. It is answered once.
CREATE TABLE ceremony (
  handle    BLOB    NOT NULL PRIMARY KEY, -- SHA-256 of what whoever began it was given
  tenant    TEXT    NOT NULL,
  use       TEXT    NOT NULL, -- register, sign_in, step_up
  person    TEXT    NOT NULL, -- empty: whoever signs in
  session   TEXT    NOT NULL, -- in which it was begun
  challenge BLOB    NOT NULL,
  ends_ms   INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX ceremony_ends ON ceremony (ends_ms);

-- When the person last showed two factors, or a passkey, in this session; 0 if never. When he last
-- proved himself at all.
ALTER TABLE login_session ADD COLUMN strong_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE login_session ADD COLUMN proven_ms INTEGER NOT NULL DEFAULT 0;

-- The first administrator is made by a code, and only once.
CREATE TABLE bootstrap (
  tenant  TEXT    NOT NULL PRIMARY KEY,
  code    BLOB    NOT NULL, -- SHA-256; empty when the door is closed
  tries   INTEGER NOT NULL, -- that failed
  ends_ms INTEGER NOT NULL,
  done    INTEGER NOT NULL  -- 1: there was a first administrator
) WITHOUT ROWID;

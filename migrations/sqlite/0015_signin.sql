-- About whom something changed that may end what is open: roles, sign-out, a factor, a key. What holds a connection
-- open looks here, on every node.
CREATE TABLE principal_epoch (
  tenant  TEXT    NOT NULL,
  subject TEXT    NOT NULL, -- "person:<ULID>", "client:<id>"
  epoch   INTEGER NOT NULL, -- from the sequence principal-epoch; the newest change is the highest
  PRIMARY KEY (tenant, subject)
) WITHOUT ROWID;
CREATE UNIQUE INDEX principal_epoch_epoch ON principal_epoch (epoch);

-- Systems that call the hub in their own name.
CREATE TABLE client (
  tenant     TEXT    NOT NULL,
  id         TEXT    NOT NULL, -- 2 to 40 letters, digits and hyphens
  name       TEXT    NOT NULL,
  active     INTEGER NOT NULL,
  roles      TEXT    NOT NULL, -- names, with spaces between them; no clinical ones
  addresses  TEXT    NOT NULL, -- from where it calls: "10.0.0.0/8 2001:db8::/32"; from anywhere if there are none
  jwks       TEXT    NOT NULL, -- its public keys (RFC 7517), with which it signs assertions; may be empty
  version    INTEGER NOT NULL,
  created_ms INTEGER NOT NULL,
  PRIMARY KEY (tenant, id)
) WITHOUT ROWID;

CREATE TABLE client_key (
  tenant     TEXT    NOT NULL,
  id         TEXT    NOT NULL, -- stands in the key's text
  client     TEXT    NOT NULL,
  mac        BLOB    NOT NULL, -- HMAC-SHA-256 of the secret under a key of the keyring
  created_ms INTEGER NOT NULL,
  ends_ms    INTEGER NOT NULL,
  used_day   INTEGER NOT NULL, -- days since 1970 at the last use, 0 before the first one
  PRIMARY KEY (tenant, id)
) WITHOUT ROWID;
CREATE INDEX client_key_client ON client_key (tenant, client, created_ms);

-- What POST /auth/token gave.
CREATE TABLE client_token (
  token   BLOB    NOT NULL PRIMARY KEY, -- SHA-256
  tenant  TEXT    NOT NULL,
  client  TEXT    NOT NULL,
  roles   TEXT    NOT NULL, -- no more than the client's
  ends_ms INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX client_token_ends ON client_token (ends_ms);

-- What counts once: the jti of assertions and of logout tokens.
CREATE TABLE used_once (
  tenant  TEXT    NOT NULL,
  value   BLOB    NOT NULL, -- SHA-256 of who said it and what
  ends_ms INTEGER NOT NULL, -- the row may go
  PRIMARY KEY (tenant, value)
) WITHOUT ROWID;
CREATE INDEX used_once_ends ON used_once (ends_ms);

-- A session that began at an issuer knows the issuer, and its own id there.
ALTER TABLE login_session ADD COLUMN issuer TEXT NOT NULL DEFAULT '';
ALTER TABLE login_session ADD COLUMN issuer_session TEXT NOT NULL DEFAULT '';

-- Sign-ins at issuers that have begun.
CREATE TABLE oidc_flow (
  state     BLOB    NOT NULL PRIMARY KEY, -- SHA-256
  tenant    TEXT    NOT NULL,
  issuer    TEXT    NOT NULL,
  browser   BLOB    NOT NULL, -- SHA-256 of what the browser keeps
  return_to TEXT    NOT NULL,
  ends_ms   INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX oidc_flow_ends ON oidc_flow (ends_ms);

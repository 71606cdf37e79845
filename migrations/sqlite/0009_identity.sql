-- People: one row a human, who may have an account, be a provider, be a patient. Who it is (names, addresses,
-- identifiers) lies sealed under a data key of its own, class `person`.
CREATE TABLE person (
  tenant     TEXT    NOT NULL,
  id         TEXT    NOT NULL, -- ULID
  number     INTEGER NOT NULL, -- from 1 in each tenant
  active     INTEGER NOT NULL, -- 0: may neither sign in nor act
  licence    TEXT    NOT NULL, -- identity::Licence
  issuer     TEXT    NOT NULL, -- whose tokens decide about the roles; empty: an administrator does
  pseudonym  BLOB    NOT NULL, -- the blind index under which the audit log knows the person
  data_key   BLOB    NOT NULL, -- data_key.id
  sealed     BLOB    NOT NULL, -- the profile, JSON
  version    INTEGER NOT NULL, -- one more with each change
  created_ms INTEGER NOT NULL,
  updated_ms INTEGER NOT NULL,
  PRIMARY KEY (tenant, id)
) WITHOUT ROWID;
CREATE UNIQUE INDEX person_number ON person (tenant, number);

CREATE TABLE person_role (
  tenant TEXT NOT NULL,
  person TEXT NOT NULL,
  role   TEXT NOT NULL, -- identity::Role
  PRIMARY KEY (tenant, person, role)
) WITHOUT ROWID;
CREATE INDEX person_role_role ON person_role (tenant, role, person);

-- By what a person is found: blind indexes (16 bytes).
CREATE TABLE person_alias (
  tenant TEXT    NOT NULL,
  kind   TEXT    NOT NULL, -- username, email, phone, identifier, mrn, external
  value  BLOB    NOT NULL,
  person TEXT    NOT NULL,
  sole   INTEGER NOT NULL, -- 1: no other person may have it
  PRIMARY KEY (tenant, kind, value, person)
) WITHOUT ROWID;
CREATE UNIQUE INDEX person_alias_sole ON person_alias (tenant, kind, value) WHERE sole = 1;
CREATE INDEX person_alias_person ON person_alias (tenant, person);

-- What a person proves himself by. sealed is under the person's data key.
CREATE TABLE credential (
  tenant     TEXT    NOT NULL,
  person     TEXT    NOT NULL,
  kind       TEXT    NOT NULL, -- password, totp, recovery, activation
  id         TEXT    NOT NULL, -- counts the recovery codes; empty for the others
  state      TEXT    NOT NULL, -- pending, active
  sealed     BLOB    NOT NULL, -- PHC string of a password, secret of a TOTP, SHA-256 of a code
  last_step  INTEGER NOT NULL, -- TOTP: the newest step that was used; activation: when it ends
  created_ms INTEGER NOT NULL,
  PRIMARY KEY (tenant, person, kind, id)
) WITHOUT ROWID;

-- Where somebody is signed in. A row that has ended stays until it is swept.
CREATE TABLE login_session (
  token      BLOB    NOT NULL PRIMARY KEY, -- SHA-256 of the bearer token or cookie
  tenant     TEXT    NOT NULL,
  id         TEXT    NOT NULL, -- ULID
  person     TEXT    NOT NULL,
  factors    TEXT    NOT NULL, -- "pwd", "pwd otp"
  created_ms INTEGER NOT NULL,
  seen_ms    INTEGER NOT NULL, -- written at most once a minute
  ends_ms    INTEGER NOT NULL  -- absolute
) WITHOUT ROWID;
CREATE INDEX login_session_person ON login_session (tenant, person, created_ms);

-- Failures of one account in a row, or under one name that nobody has.
CREATE TABLE login_attempt (
  tenant   TEXT    NOT NULL,
  subject  BLOB    NOT NULL, -- blind index
  failures INTEGER NOT NULL,
  until_ms INTEGER NOT NULL, -- nothing is tried before
  last_ms  INTEGER NOT NULL,
  PRIMARY KEY (tenant, subject)
) WITHOUT ROWID;
CREATE INDEX login_attempt_last ON login_attempt (tenant, last_ms);

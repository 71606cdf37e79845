-- Browsers in which the link of an invitation was opened. What they hold is stored nowhere.
CREATE TABLE session_guest (
  tenant      TEXT    NOT NULL,
  secret      BLOB    NOT NULL, -- blind index
  session     TEXT    NOT NULL,
  invitation  TEXT    NOT NULL,
  participant TEXT    NOT NULL,
  generation  INTEGER NOT NULL, -- of the invitation; an older one opens nothing
  tap         BLOB    NOT NULL, -- blind index of the key by which the page repeats its request, or empty
  created_ms  INTEGER NOT NULL,
  PRIMARY KEY (tenant, secret)
) WITHOUT ROWID;
CREATE INDEX session_guest_invitation ON session_guest (tenant, invitation, generation);

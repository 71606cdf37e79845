-- What participants were told of their visits. One message of a kind for each version of the schedule.
CREATE TABLE session_message (
  tenant      TEXT    NOT NULL,
  session     TEXT    NOT NULL,
  participant TEXT    NOT NULL,
  kind        TEXT    NOT NULL, -- booked, moved, cancelled, day_before, soon
  version     INTEGER NOT NULL, -- of the session's schedule
  outcome     TEXT    NOT NULL, -- sent, no_phone, failed
  at_ms       INTEGER NOT NULL,
  PRIMARY KEY (tenant, session, participant, kind, version)
) WITHOUT ROWID;

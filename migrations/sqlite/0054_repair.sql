-- Jobs that do one act on many instances. No patient data outside of `sealed`.
CREATE TABLE repair_job (
  tenant      TEXT    NOT NULL,
  id          TEXT    NOT NULL, -- ULID
  verb        TEXT    NOT NULL, -- retry, restart, cancel, answer
  state       TEXT    NOT NULL, -- previewed, running, waiting, done, stopped
  digest      TEXT    NOT NULL, -- hex of SHA-256 of verb, answer and list
  total       INTEGER NOT NULL, -- rows of the list
  more        INTEGER NOT NULL, -- 1: the filter takes more than the list has
  oldest_ms   INTEGER NOT NULL,
  filter      TEXT    NOT NULL, -- JSON
  effects     TEXT    NOT NULL, -- JSON: what is sent again, by role and action
  created_ms  INTEGER NOT NULL,
  created_by  TEXT    NOT NULL,
  started_ms  INTEGER,
  started_by  TEXT,
  every_ms    INTEGER NOT NULL, -- at least so long between two acts
  first       INTEGER NOT NULL, -- acts before the job waits
  goes_on     INTEGER NOT NULL, -- 1: it does not wait when the first all ended well
  passed      INTEGER NOT NULL, -- 1: it has waited
  failures    INTEGER NOT NULL, -- in a row
  ended_ms    INTEGER,
  why         TEXT,             -- a stopped one: failures, person, or a code
  data_key    BLOB    NOT NULL,
  sealed      BLOB    NOT NULL, -- JSON: answer, reason
  PRIMARY KEY (tenant, id)
) WITHOUT ROWID;
CREATE INDEX repair_running ON repair_job (tenant, id) WHERE state = 'running';

CREATE TABLE repair_item (
  tenant     TEXT    NOT NULL,
  job        TEXT    NOT NULL,
  n          INTEGER NOT NULL, -- from 0, the oldest first
  object     TEXT    NOT NULL, -- ULID of the instance
  turns      INTEGER NOT NULL, -- as the preview saw it
  updated_ms INTEGER NOT NULL,
  subject    BLOB    NOT NULL, -- one of a subject is acted on at a time
  call       INTEGER NOT NULL, -- answer: number of the parked call; restart: how many effects stand
  state      TEXT    NOT NULL, -- open, acted, well, failed, goes_on, moved, refused
  code       TEXT    NOT NULL, -- of a failed or refused one
  became     TEXT    NOT NULL, -- restart: ULID of the new instance, once it has settled
  at_ms      INTEGER,
  PRIMARY KEY (tenant, job, n)
) WITHOUT ROWID;
CREATE INDEX repair_open ON repair_item (tenant, job, n) WHERE state = 'open';
CREATE INDEX repair_acted ON repair_item (tenant, job, n) WHERE state = 'acted';

-- Jobs that do one act on many instances. No patient data outside of `sealed`.
CREATE TABLE repair_job (
  tenant TEXT COLLATE "C" NOT NULL,
  id TEXT COLLATE "C" NOT NULL, -- ULID
  verb TEXT COLLATE "C" NOT NULL, -- retry, restart, cancel, answer
  state TEXT COLLATE "C" NOT NULL, -- previewed, running, waiting, done, stopped
  digest TEXT COLLATE "C" NOT NULL, -- hex of SHA-256 of verb, answer and list
  total BIGINT NOT NULL, -- rows of the list
  more BIGINT NOT NULL, -- 1: the filter takes more than the list has
  oldest_ms BIGINT NOT NULL,
  filter TEXT COLLATE "C" NOT NULL, -- JSON
  effects TEXT COLLATE "C" NOT NULL, -- JSON: what is sent again, by role and action
  created_ms BIGINT NOT NULL,
  created_by TEXT COLLATE "C" NOT NULL,
  started_ms BIGINT,
  started_by TEXT COLLATE "C",
  every_ms BIGINT NOT NULL, -- at least so long between two acts
  first BIGINT NOT NULL, -- acts before the job waits
  goes_on BIGINT NOT NULL, -- 1: it does not wait when the first all ended well
  passed BIGINT NOT NULL, -- 1: it has waited
  failures BIGINT NOT NULL, -- in a row
  ended_ms BIGINT,
  why TEXT COLLATE "C", -- a stopped one: failures, person, or a code
  data_key BYTEA NOT NULL,
  sealed BYTEA NOT NULL, -- JSON: answer, reason
  PRIMARY KEY (tenant, id)
);
CREATE INDEX repair_running ON repair_job (tenant, id) WHERE state = 'running';

CREATE TABLE repair_item (
  tenant TEXT COLLATE "C" NOT NULL,
  job TEXT COLLATE "C" NOT NULL,
  n BIGINT NOT NULL, -- from 0, the oldest first
  object TEXT COLLATE "C" NOT NULL, -- ULID of the instance
  turns BIGINT NOT NULL, -- as the preview saw it
  updated_ms BIGINT NOT NULL,
  subject BYTEA NOT NULL, -- one of a subject is acted on at a time
  call BIGINT NOT NULL, -- answer: number of the parked call; restart: how many effects stand
  state TEXT COLLATE "C" NOT NULL, -- open, acted, well, failed, goes_on, moved, refused
  code TEXT COLLATE "C" NOT NULL, -- of a failed or refused one
  became TEXT COLLATE "C" NOT NULL, -- restart: ULID of the new instance, once it has settled
  at_ms BIGINT,
  PRIMARY KEY (tenant, job, n)
);
CREATE INDEX repair_open ON repair_item (tenant, job, n) WHERE state = 'open';
CREATE INDEX repair_acted ON repair_item (tenant, job, n) WHERE state = 'acted';

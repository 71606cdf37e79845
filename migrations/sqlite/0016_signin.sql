-- About whom something changed that may end what is open: roles, sign-out, a factor, a key. What holds a connection
-- open looks here, on every node.
CREATE TABLE principal_epoch (
  tenant  TEXT    NOT NULL,
  subject TEXT    NOT NULL, -- "person:<ULID>", "client:<id>"
  epoch   INTEGER NOT NULL, -- from the sequence principal-epoch; the newest change is the highest
  PRIMARY KEY (tenant, subject)
) WITHOUT ROWID;
CREATE UNIQUE INDEX principal_epoch_epoch ON principal_epoch (epoch);

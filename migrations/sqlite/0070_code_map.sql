-- Code maps that the hub served since its last start, for what a start changes. No patient data.
CREATE TABLE code_map (
  tenant   TEXT    NOT NULL,
  name     TEXT    NOT NULL, -- the file's name without .csv
  sha256   TEXT    NOT NULL, -- of the file
  since_ms INTEGER NOT NULL, -- the start that first served it
  PRIMARY KEY (tenant, name)
) WITHOUT ROWID;
